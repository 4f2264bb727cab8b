"""A network that answers for changes of an image by computing only what they change."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from maskdet.incremental import graph, kernels, own
from maskdet.incremental.layers import Change, Step, rows

CHUNK = 256  # candidates followed together, so that their tensors stay in cache
IMAGES, CHANGES = 4, 8  # images, and changes of each, on which a network that was read is compared with the whole pass
APART = 1e-3  # the difference that is allowed, relative to margins above 1: more than rounding makes
SATURATED = 80  # larger margins have probabilities that float32 cannot hold

# The C library of Linux returns a large array to the system when it is freed, and the next is paged in anew,
# which takes as long as the arithmetic. Once it has freed an array of nearly 32 MB, it keeps what is smaller.
np.empty(2**25 - 2**16, np.uint8)


@dataclass(frozen=True)
class Incremental:
    """A network as `steps`, plain arrays without Keras; it can be sent to another process. `shape`: that of its images,
    (H, W, 3) uint8. `whole`: the whole pass (N, H, W, 3) -> (N, 2) of the Keras model that it was read from; None in
    another process, and with other steps."""

    steps: tuple[Step, ...]
    shape: tuple[int, int, int]
    whole: Callable[[np.ndarray], np.ndarray] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, model) -> "Incremental":
        """From a Keras model that takes an image of 0 to 255 and returns logits, or their softmax. Raises ValueError,
        naming the layer, for a kind that is not supported, and where the whole pass of the model gives random images
        other margins."""
        network = cls(graph.read(model), tuple(model.inputs[0].shape[1:]))
        # On copies, since steps that have run keep large arrays, which would be sent to each process.
        _compare(replace(network, steps=tuple(map(replace, network.steps))), model)
        object.__setattr__(network, "whole", model.predict_on_batch)
        return network

    def __getstate__(self) -> dict:
        return {**vars(self), "whole": None}

    def face(self, image: np.ndarray) -> "Face":
        """An image (H, W, 3) uint8 with all of its tensors; takes about a millisecond."""
        image = np.asarray(image)
        if image.dtype != np.uint8 or image.shape != self.shape:
            raise ValueError(f"expected a uint8 image {self.shape}, got {image.dtype} {image.shape}")
        tensors = [rows(image.reshape(self.shape[0] * self.shape[1], -1))]
        for step in self.steps:
            tensors.append(step.forward(*(tensors[i] for i in step.inputs)) + step.offset)
        return Face(self, image, tuple(tensors))


@dataclass(frozen=True)
class Face:
    """An image under attack. `tensors`: the activations of `network` for the unchanged image, the image first."""

    network: Incremental
    image: np.ndarray
    tensors: tuple[np.ndarray, ...]

    @property
    def logits(self) -> np.ndarray:
        """Of the unchanged image, (2,) float32."""
        return self.tensors[-1][0, :self.network.steps[-1].shape[2]]

    def query(self, pixels: np.ndarray) -> np.ndarray:
        """The logits (N, 2) of the image with `pixels` (N, K, 5: row, column, red, green, blue) set, which differ from
        those of the whole pass by rounding only, by less than 1e-5. Raises ValueError for pixels that are outside the
        image or no whole numbers."""
        pixels, limit = np.asarray(pixels), (*self.image.shape[:2], 256, 256, 256)
        if pixels.ndim != 3 or pixels.shape[2] != 5 or pixels.dtype.kind not in "iu":
            raise ValueError(f"expected pixels (N, K, 5) of whole numbers, got {pixels.dtype} {pixels.shape}")
        if pixels.size and (pixels.min() < 0 or (pixels.max(axis=(0, 1)) >= limit).any()):
            raise ValueError(f"expected row, column, red, green, blue from 0 to below {limit}, got "
                             f"{pixels.min(axis=(0, 1)).tolist()} to {pixels.max(axis=(0, 1)).tolist()}")
        parts = [self._follow(pixels[start:start + CHUNK]) for start in range(0, len(pixels), CHUNK)]
        return self.logits + np.concatenate([np.zeros((0, len(self.logits)), np.float32), *parts])

    def gradient(self, weights: np.ndarray) -> np.ndarray:
        """The gradient (H, W, C) by the image of the sum of the logits, each times its weight (K,)."""
        gradients = [np.zeros_like(tensor) for tensor in self.tensors]
        gradients[-1][0, :len(self.logits)] = weights
        for number, step in reversed(list(enumerate(self.network.steps, start=1))):
            pulled = step.pull(gradients[number], self.tensors[step.inputs[0]], self.tensors[number])
            for i, gradient in zip(step.inputs, pulled):
                gradients[i] += gradient
        return gradients[0][:, :self.image.shape[2]].reshape(self.image.shape)

    def _follow(self, pixels: np.ndarray) -> np.ndarray:
        changes = [Change(*kernels.pixels(self.image, pixels))]
        for number, step in enumerate(self.network.steps, start=1):
            changes.append(step.change(*(changes[i] for i in step.inputs), self.tensors[step.inputs[0]],
                                       self.tensors[number]))
        return changes[-1].values[:, :len(self.logits)]


def _compare(network: Incremental, model) -> None:
    """Raise ValueError where the whole pass of a Keras model has other margins than `network`, for images of random
    pixels and of a single colour, with a pixel changed."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, *network.shape), dtype=np.uint8)
    images[1::2] = images[1::2, :1, :1]
    pixels = rng.integers(0, (*network.shape[:2], 256, 256, 256), (IMAGES, CHANGES, 1, 5))
    changed, (row, column, *colour) = np.repeat(images, CHANGES, axis=0).astype(np.float32), pixels.reshape(-1, 5).T
    changed[np.arange(len(changed)), row, column] = np.transpose(colour)
    with np.errstate(all="ignore"):
        ours = np.concatenate([network.face(image).query(queried) for image, queried in zip(images, pixels)])
        theirs = np.asarray(model(changed, training=False))
        margins, expected = (np.diff(logits)[:, 0] for logits in (ours, theirs))
        if own.ends_in_softmax(model):
            expected = np.clip(np.diff(np.log(theirs))[:, 0], -SATURATED, SATURATED)
            margins = np.clip(margins, -SATURATED, SATURATED)
        apart = np.abs(margins - expected)
    if not (apart <= APART * max(1, np.abs(margins).max())).all():  # nan, too
        raise ValueError(f"expected the margins of the whole pass of random images, {expected.min():g} to "
                         f"{expected.max():g}, got up to {apart.max():g} more or less: a layer does something that is "
                         f"not read here, or its weights leave the margin to rounding{graph.ELSE}")
