"""One image verified: the call for a network of one's own."""

import numpy as np

from maskdet.attack.goals import Goal
from maskdet.incremental import Incremental
from maskdet.proof.branching import BUDGET, Verification, verify_face


def verify(model, image: np.ndarray, label: int | None = None, *, target: int | None = None, seconds: float = 60,
           regions: int = BUDGET) -> Verification:
    """Verify that no change of one pixel of an `image` (H, W, C) uint8 flips the decision of a network, or find a pixel
    that does.

    `model`: a Keras model, or an `Incremental`, which is read once for many images. `label`: the true class, by default
    the network's decision. With `target`, only a decision for that class counts as a flip. After about `seconds`, or
    after `regions` regions of colours, what is not proved by then is undecided; where one of the two is spent, more may
    decide it. The same call gives the same verdict, except where the time is spent.

    Raises TypeError for anything but such a model, and ValueError for one that cannot be read, for another image, for a
    class that it does not have, and for an image that it does not classify as `label`.
    """
    if not hasattr(model, "face"):
        if not hasattr(model, "layers"):
            raise TypeError(f"expected a Keras model, or Incremental.of(model), got a {type(model).__name__}: a proof "
                            "needs the network's weights; attack.run finds flips of anything that predicts")
        model = Incremental.of(model)
    if not seconds > 0 or regions < 1:
        raise ValueError(f"expected seconds above 0 and at least one region, got {seconds} and {regions}")
    face = model.face(image)
    label = int(np.argmax(face.logits)) if label is None else label
    return verify_face(face, Goal(label, target), budget=regions, seconds=seconds)
