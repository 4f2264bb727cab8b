"""Detectors behind one call: `detect(photograph) -> boxes, scores`."""

from collections.abc import Callable

import numpy as np

from maskdet import files
from maskdet.faces import yunet
from maskdet.faces.cascade import convolution, networks, pyramid, stages, suppression

Detect = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def mtcnn() -> Detect:
    """MTCNN (Zhang et al. 2016) with the weights of the `mtcnn` package, at its defaults, compiled: the same boxes."""
    return stages.Cascade()


def stock() -> Detect:
    """MTCNN as the `mtcnn` package ships it, at its defaults: what `mtcnn` is compared with."""
    import maskdet.backend  # noqa: F401  (before mtcnn imports TensorFlow in its own way)
    from mtcnn import MTCNN

    network = MTCNN()

    def detect(photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if min(photograph.shape[:2]) < pyramid.SMALLEST:  # its pyramid would have no level
            return np.empty((0, 4), np.float32), np.empty(0, np.float32)
        found = network.detect_faces(photograph, box_format="xyxy", output_type="numpy")
        return found[:, 1:5].astype(np.float32), found[:, 5].astype(np.float32)

    return detect


DETECTORS = {"mtcnn": mtcnn, "mtcnn-stock": stock, "yunet": yunet.YuNet}
MODULES = {"mtcnn": (convolution, networks, pyramid, stages, suppression), "yunet": (yunet,)}  # made of these, here
CARDS = {"yunet": yunet.card}  # of weights that come with this package


def detector(name: str) -> Detect:
    """A detector: `detect(photograph (H, W, 3) uint8) -> boxes (M, 4), scores (M,)`, in pixels.

    Raises ValueError for a name that is not in `DETECTORS`.
    """
    return _known(name)()


def code(name: str) -> str:
    """The code of a detector and the checksum of its weights, for the key of what it found. Raises as `detector`."""
    return files.source(_known(name), *MODULES.get(name, ())) + (CARDS[name]()["sha256"] if name in CARDS else "")


def _known(name: str) -> Callable[[], Detect]:
    if name not in DETECTORS:
        raise ValueError(f"expected a detector, one of {', '.join(DETECTORS)}, got {name!r}")
    return DETECTORS[name]
