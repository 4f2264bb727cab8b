"""The three networks of MTCNN, with the weights of the installed `mtcnn` package, for compiled convolutions."""

import dataclasses
import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np

from maskdet import files
from maskdet.faces.cascade.convolution import LANES, PIXELS, SLACK, dense, proposals, through

PACKAGE = "mtcnn==1.0.0"  # as requirements.txt locks it
# Of the files of its weights. They are pickles, which can run code: no file with another checksum is read.
CHECKSUMS = {"pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
             "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
             "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3"}
BATCH = 64  # patches that go through a network together: few enough for the cache
# The side of a patch; of each convolution, the window of the pooling after it and the side it leaves, 0 without one.
PATCHES = {"rnet": (24, ((3, 11), (3, 4), (0, 0))), "onet": (48, ((3, 23), (3, 10), (2, 4), (0, 0)))}


def weights(name: str) -> list[np.ndarray]:
    """The arrays of a network, "pnet", "rnet" or "onet", in Keras's order, from the files of the `mtcnn` package.

    The package is not imported, which would start TensorFlow. Raises FileNotFoundError where it is not installed, and
    ValueError for a file with another checksum, before anything in it runs.
    """
    package = importlib.util.find_spec("mtcnn")
    path = Path(package.submodule_search_locations[0] if package else "mtcnn") / "assets" / "weights" / f"{name}.lz4"
    return joblib.load(io.BytesIO(files.checked(path, CHECKSUMS[name], remedy=f"install {PACKAGE}")))


@dataclass(frozen=True)
class Layer:
    """A layer and the PReLU after it, arranged for `convolution.tile`.

    `places`: row, column and channel of each tap (taps, 3); `kernel`: flat (groups of LANES channels, taps, LANES);
    `bias`, `slope`: a number for each channel, padded with zeros to a multiple of LANES.
    """

    places: np.ndarray
    kernel: np.ndarray
    bias: np.ndarray
    slope: np.ndarray

    @classmethod
    def of(cls, kernel: np.ndarray, bias: np.ndarray, slope=1.0) -> "Layer":
        """From a kernel (rows, columns, channels, outputs), and biases and slopes (outputs,); slope 1 is linear."""
        outputs = kernel.shape[-1]
        groups = -(-outputs // LANES)
        padded = np.zeros((np.prod(kernel.shape[:-1]), groups * LANES), np.float32)
        padded[:, :outputs] = kernel.reshape(-1, outputs)
        places = np.indices(kernel.shape[:-1]).reshape(3, -1).T
        bias, slope = (np.pad(np.broadcast_to(np.ravel(numbers), outputs), (0, groups * LANES - outputs))
                       for numbers in (bias, slope))
        kernel = padded.reshape(len(padded), groups, LANES).swapaxes(0, 1)
        return cls(places, np.ascontiguousarray(kernel).ravel(), bias.astype(np.float32), slope.astype(np.float32))

    def offsets(self, *, row: int, stride: int) -> np.ndarray:
        """How far each tap is from the first, int64 (taps,), where pixels are `stride` and rows `row` numbers apart."""
        return (self.places @ [row, stride, 1]).astype(np.int64)

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.kernel, self.bias, self.slope


class ProposalNetwork:
    """P-net: scores every cell of 12 x 12 pixels, by steps of 2, as a face."""

    def __init__(self):
        arrays = weights("pnet")
        self.layers = [Layer.of(*arrays[k:k + 3]) for k in (0, 3, 6)]
        self.last = Layer.of(np.concatenate([arrays[9], arrays[11]], axis=-1), np.concatenate([arrays[10], arrays[12]]))

    def __call__(self, level: np.ndarray, *, height: int, width: int, threshold: float) -> np.ndarray:
        """`convolution.proposals` of a level of the pyramid, flat (height, width, 3) and SLACK: (M, 7)."""
        first, *ringed = self.layers
        ring = width // 2 * LANES + SLACK
        rings = [np.array([layer.places @ [0, LANES, 1] + (layer.places[:, 0] + slot) % 3 * ring for slot in range(3)])
                 for layer in ringed]
        return proposals(level, height, width, np.float32(threshold), ring,
                         (first.offsets(row=3 * width, stride=3), *first.arrays),
                         *((offsets, *layer.arrays) for offsets, layer in zip(rings, ringed)),
                         (self.last.offsets(row=0, stride=0), *self.last.arrays))


class PatchNetwork:
    """R-net ("rnet") or O-net ("onet", without its landmarks): scores square patches as faces and corrects their boxes.

    `layers`: the convolutions, each with its window and side of `PATCHES`. `dense` and `heads`: the dense layers; the
    heads give the four offsets, then the two classes.
    """

    def __init__(self, name: str):
        arrays, (self.side, pooling) = weights(name), PATCHES[name]
        self.layers = [(Layer.of(*arrays[3 * k:3 * k + 3]), *sides) for k, sides in enumerate(pooling)]
        channels, rest = arrays[3 * len(pooling) - 3].shape[-1], arrays[3 * len(pooling):]
        last = round((len(rest[0]) // channels) ** 0.5)  # the side of the last convolution's output
        # The features of a patch are counted by column, then row, then channel, as in Caffe.
        by_column = Layer.of(rest[0].reshape(last, last, channels, -1), *rest[1:3])
        self.dense = dataclasses.replace(by_column, places=by_column.places[:, [1, 0, 2]])
        self.heads = Layer.of(np.concatenate([rest[3], rest[-2]], axis=-1)[None, None],
                              np.concatenate([rest[4], rest[-1]]))

    def __call__(self, patches: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`patches` (N, side, side, 3) float32 -> offsets of the box (N, 4), probabilities of a face (N,), float32."""
        parts = [self._batch(patches[k:k + BATCH]) for k in range(0, len(patches), BATCH)]
        heads = np.concatenate([np.empty((0, 6), np.float32), *parts])
        face = np.exp(heads[:, 4:] - heads[:, 4:].max(axis=1, keepdims=True))
        return heads[:, :4], face[:, 1] / face.sum(axis=1)

    def _batch(self, patches: np.ndarray) -> np.ndarray:
        count, row, side, channels = len(patches), self.side, self.side, 3
        values, size = np.concatenate([patches.ravel(), np.zeros(SLACK, np.float32)]), row * row * 3
        for layer, window, pooled in self.layers:
            offsets, side = layer.offsets(row=row * channels, stride=channels), side - int(layer.places[:, 0].max())
            values = through(values, size, channels, offsets, *layer.arrays, count, row, side, window, pooled)
            size, channels = (len(values) - SLACK) // (-(-count // PIXELS) * PIXELS), len(layer.bias)
            row, side = (pooled, pooled) if window else (row, side)
        values = dense(values, size, self.dense.offsets(row=row * channels, stride=channels), *self.dense.arrays, count)
        values = dense(values, len(self.dense.bias), self.heads.offsets(row=0, stride=0), *self.heads.arrays, count)
        return values[:count * LANES].reshape(count, LANES)[:, :6].copy()
