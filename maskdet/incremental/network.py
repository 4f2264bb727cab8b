"""A network that answers for changes of an image by computing only what they change."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from maskdet.incremental import graph, kernels, own, readers
from maskdet.incremental.layers import Change, Step, rows

CHUNK = 256  # candidates followed together, so that their tensors stay in cache
IMAGES, CHANGES = 4, 8  # images, and changes of each, on which a network that was read is compared with the whole pass
APART = 1e-3  # the difference that is allowed, relative to margins above 1: more than rounding makes
# Margins beyond these have probabilities that float32 cannot hold.
HELD = {"softmax": (-80, 80), "sigmoid": (-80, 8)}

# The C library of Linux returns a large array to the system when it is freed, and the next is paged in anew,
# which takes as long as the arithmetic. Once it has freed an array of nearly 32 MB, it keeps what is smaller.
np.empty(2**25 - 2**16, np.uint8)


@dataclass(frozen=True)
class Incremental:
    """A network as `steps`, plain arrays without Keras; it can be sent to another process. `shape`: that of its images,
    (H, W, C) uint8. `whole`: the whole pass (N, H, W, C) -> (N, K) of the Keras model that it was read from, which
    gives logits or probabilities; None in another process, and with other steps."""

    steps: tuple[Step, ...]
    shape: tuple[int, int, int]
    whole: Callable[[np.ndarray], np.ndarray] | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, model, scale=None) -> "Incremental":
        """From a Keras model that takes images of 0 to 255, times `scale` if it is given (1 / 255: from 0 to 1; or a
        number for each channel), and returns logits, or their softmax; of two classes also a single logit of the second
        one, or its sigmoid. Raises ValueError, naming the layer, for a kind that is not supported, and where the whole
        pass of the model gives random images other margins."""
        network = cls(graph.read(model, scale), tuple(model.inputs[0].shape[1:]))
        # On copies, since steps that have run keep large arrays, which would be sent to each process.
        _compare(replace(network, steps=tuple(map(replace, network.steps))), model, scale)
        object.__setattr__(network, "whole", functools.partial(_whole, model, scale))
        return network

    @property
    def classes(self) -> int:
        """How many logits the network has."""
        return self.steps[-1].shape[2]

    def __getstate__(self) -> dict:
        return {**vars(self), "whole": None}

    def __repr__(self) -> str:
        return f"Incremental({len(self.steps)} steps, images {self.shape}, {self.classes} classes)"

    def face(self, image: np.ndarray) -> "Face":
        """A copy of an image (H, W, C) uint8 with all of its tensors; takes about a millisecond."""
        image = np.array(image)
        if image.dtype != np.uint8 or image.shape != self.shape:
            raise ValueError(f"expected a uint8 image {self.shape}, got {image.dtype} {image.shape}: values from 0 to "
                             "255; for a network of images from 0 to 1, give Incremental.of(model, scale=1 / 255)")
        image.flags.writeable = False
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
        """Of the unchanged image, (K,) float32."""
        return self.tensors[-1][0, :self.network.classes]

    def query(self, pixels: np.ndarray) -> np.ndarray:
        """The logits (N, K) of the image with `pixels` (N, P, 2 + C: row, column, a value for each channel) set, which
        differ from those of the whole pass by rounding only: less than 1e-5 for networks like ours, more for deep ones.
        Raises ValueError for pixels that are outside the image or no whole numbers."""
        pixels, limit = np.asarray(pixels), (*self.image.shape[:2], *[256] * self.image.shape[2])
        if pixels.ndim != 3 or pixels.shape[2] != len(limit) or pixels.dtype.kind not in "iu":
            raise ValueError(f"expected pixels (N, P, {len(limit)}) of whole numbers, got {pixels.dtype} "
                             f"{pixels.shape}")
        if pixels.size and (pixels.min() < 0 or (pixels.max(axis=(0, 1)) >= limit).any()):
            raise ValueError(f"expected row, column and a value for each channel from 0 to below {limit}, got "
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


def _whole(model, scale, images: np.ndarray, *, predict=None) -> np.ndarray:
    """The logits or probabilities (N, K) by the whole pass of a Keras model; of a single output, of both classes."""
    images = np.asarray(images, np.float32)
    predict = model.predict_on_batch if predict is None else predict
    outputs = np.asarray(predict(images if scale is None else images * np.asarray(scale, np.float32)))
    if outputs.shape[1] > 1:
        return outputs
    other = 1 - outputs if own.last_activation(model) == "sigmoid" else np.zeros_like(outputs)
    return np.concatenate([other, outputs], axis=1)


def _compare(network: Incremental, model, scale) -> None:
    """Raise ValueError where the whole pass of a Keras model has other margins than `network`, for images of random
    pixels and of a single colour, with a pixel changed."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (IMAGES, *network.shape), dtype=np.uint8)
    images[1::2] = images[1::2, :1, :1]
    limit = (*network.shape[:2], *[256] * network.shape[2])
    pixels = rng.integers(0, limit, (IMAGES, CHANGES, 1, len(limit)))
    changed, (row, column, *colour) = np.repeat(images, CHANGES, axis=0), pixels.reshape(IMAGES * CHANGES, -1).T
    changed[np.arange(len(changed)), row, column] = np.transpose(colour)
    last = own.last_activation(model)
    with np.errstate(all="ignore"):
        ours = np.concatenate([network.face(image).query(queried) for image, queried in zip(images, pixels)])
        theirs = _whole(model, scale, changed, predict=functools.partial(model, training=False))
        if last in HELD:
            theirs = np.log(theirs)
        # Each logit less the first.
        held = HELD.get(last, (-np.inf, np.inf))
        margins, expected = (np.clip(logits[:, 1:] - logits[:, :1], *held) for logits in (ours, theirs))
        apart = np.abs(margins - expected)
    if not (apart <= APART * max(1, np.abs(margins).max())).all():  # nan, too
        raise ValueError(f"expected the margins of the whole pass of random images, {expected.min():g} to "
                         f"{expected.max():g}, got up to {apart.max():g} more or less: a layer does something that is "
                         f"not read here, or its weights leave the margin to rounding{readers.ELSE}")
