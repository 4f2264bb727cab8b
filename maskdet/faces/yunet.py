"""YuNet (Wu, Peng and Yu 2023): the faces of a photograph in one pass of a network of 51,000 weights.

W. Wu, H. Peng and S. Yu, "YuNet: A tiny millisecond-level face detector", Machine Intelligence Research 20, 656-665.
Each cell of three grids says whether a face is around it, and where its edges are. The weights come with the package
as plain arrays; the card beside them states their source.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from maskdet import files
from maskdet.faces.matching import checked_photograph, overlap

FOLDER = Path(__file__).parent / "shipped"
STRIDES = (8, 16, 32)  # pixels between the cells of each grid
REMEDY = "install the package anew (in a checkout: `git checkout maskdet/faces/shipped`)"


@dataclass(frozen=True)
class Settings:
    """How a photograph is searched, and which boxes count.

    The defaults are the best of some dozens tried on the 682 photographs of profile `larxel` outside its test part:
    they find most of the labelled faces of 20 pixels or more, 1,660 of 1,792, with no more unmatched boxes than MTCNN,
    175. There 800 pixels for `longest` do as well as 960, and 1,120 no better; but those photographs are small, and in
    larger photographs 960 show smaller faces.
    """

    longest: int = 960  # pixels: the longer side is resized to this,
    enlarged: float = 2.0  # but not to more than so many times its length
    shrunk: int = 3  # a second pass, on an image so many times smaller, finds faces too large for the first pass
    large: int = 60  # pixels of the photograph: the least width of a box from the second pass
    threshold: float = 0.592  # the least score of a box,
    stricter: float = 0.1  # which is so much higher for a box
    narrow: int = 24  # of less than so many pixels in width
    iou: float = 0.3  # of two boxes with more overlap, the box of the lower score goes
    # Shares of a box's width and height by which its edges move, to where people draw them: medians on the same set.
    margins: tuple[float, float, float, float] = (-0.001, 0.185, 0.038, 0.076)
    smallest: int = 16  # pixels: the least width of a box


def weights() -> dict[str, np.ndarray]:
    """The arrays of the network by layer and part, as "stem.kernel". Raises FileNotFoundError where there are none, and
    ValueError where the file has another checksum than its card states."""
    content = files.checked(FOLDER / "yunet.npz", card()["sha256"], remedy=REMEDY)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays)


def card() -> dict:
    """What is stated of the weights: source, licence, checksums. Raises as `files.read_card`."""
    return files.read_card(FOLDER / "card.json", remedy=REMEDY)


def network():
    """The network as a Keras model, untrained: a photograph (1, H, W, 3), RGB, 0 to 255, whose sides are multiples of
    32, to six numbers for each cell of the three grids, (1, H / stride, W / stride, 6): the logits of the class and of
    the object, the middle of the box in cells from the cell's corner, and the logarithms of its sides in cells."""
    from maskdet.networks.backend import keras  # starts TensorFlow, which MTCNN does not need

    layers = keras.layers

    def unit(x, name: str, channels: int, *, last: bool = False):
        x = layers.Conv2D(channels, 1, name=f"{name}_across")(x)
        x = layers.DepthwiseConv2D(3, padding="same", name=f"{name}_around")(x)
        return x if last else layers.ReLU()(x)

    inputs = keras.Input((None, None, 3))
    x = layers.Conv2D(16, 3, strides=2, name="stem")(layers.ZeroPadding2D(1)(inputs))
    x = layers.MaxPooling2D(2)(unit(layers.ReLU()(x), "stem", 16))
    for name, channels in (("1a", 16), ("1b", 32), ("2a", 32), ("2b", 64)):
        x = unit(x, name, channels)
    grids = []
    for stage in "345":
        x = unit(unit(layers.MaxPooling2D(2)(x), f"{stage}a", 64), f"{stage}b", 64)
        grids.append(x)
    outputs, x = [], None
    for level, grid in reversed(list(enumerate(grids))):  # each grid is added to the next finer grid
        x = grid if x is None else layers.Add()([grid, layers.UpSampling2D(2)(x)])
        x = unit(x, f"neck{level}", 64)
        outputs.insert(0, unit(x, f"head{level}", 6, last=True))
    return keras.Model(inputs, outputs, name="yunet")


def loaded():
    """`network` with the shipped weights. Raises as `weights`."""
    from maskdet.networks.backend import build_apart

    model, arrays = build_apart(network), weights()
    for layer in model.layers:
        if layer.weights:
            layer.set_weights([arrays[f"{layer.name}.{part}"] for part in ("kernel", "bias")])
    return model


def inference() -> Callable:
    """`forward(photograph (1, H, W, 3) uint8)`: the network, traced once for all sizes. Raises as `weights`."""
    from maskdet.networks.backend import tf

    model = loaded()
    return tf.function(lambda photograph: model(tf.cast(photograph, tf.float32), training=False),
                       input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8)])


@dataclass(frozen=True)
class YuNet:
    """YuNet with the weights that come with the package."""

    settings: Settings = Settings()
    forward: Callable = field(default_factory=inference)

    def __call__(self, photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`photograph` (H, W, 3) uint8 -> boxes (M, 4): left, top, right, bottom in pixels, inside it, and their
        scores (M,), 0 to 1, float32, the best first. Raises ValueError for an array of another shape or type."""
        boxes, scores = self.candidates(photograph)
        chosen = suppressed(boxes, scores, iou=self.settings.iou)
        boxes, scores = boxes[chosen], scores[chosen]
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        height, width = photograph.shape[:2]
        boxes = (boxes + sides * self.settings.margins).clip(0, [width, height, width, height])
        wide, high = (boxes[:, 2:] - boxes[:, :2]).T
        required = self.settings.threshold + self.settings.stricter * (wide < self.settings.narrow)
        kept = (wide >= self.settings.smallest) & (high > 0) & (scores >= required)
        return boxes[kept].astype(np.float32), scores[kept].astype(np.float32)

    def candidates(self, photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The boxes (M, 4) and scores (M,) of all cells above the threshold, some for the same face, with the edges
        that the network gives. Raises as a call."""
        height, width = checked_photograph(photograph).shape[:2]
        scale = min(self.settings.enlarged, self.settings.longest / max(height, width))
        scaled = _resized(Image.fromarray(photograph), width * scale, height * scale)
        (boxes, scores), (far, far_scores) = self._cells(scaled), self._cells(
            _resized(scaled, scaled.width / self.settings.shrunk, scaled.height / self.settings.shrunk))
        boxes, far = boxes * (width, height, width, height), far * (width, height, width, height)
        large = far[:, 2] - far[:, 0] >= self.settings.large
        return np.concatenate([boxes, far[large]]), np.concatenate([scores, far_scores[large]])

    def _cells(self, image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
        """The boxes and scores of a pass over `image`, edges as shares of its sides."""
        wide, high = (-(-side // STRIDES[-1]) * STRIDES[-1] for side in image.size)
        canvas = np.zeros((1, high, wide, 3), np.uint8)
        canvas[0, :image.height, :image.width] = np.asarray(image)
        boxes, scores = [], []
        for stride, grid in zip(STRIDES, self.forward(canvas)):
            cells = grid.numpy()[0]
            score = 1 / np.sqrt((1 + np.exp(-cells[..., 0])) * (1 + np.exp(-cells[..., 1])))
            rows, columns = np.nonzero(score >= self.settings.threshold)
            x, y, log_width, log_height = cells[rows, columns, 2:].T.astype(float)
            middle, half = np.array([columns + x, rows + y]), np.exp([log_width, log_height]) / 2
            boxes.append(stride * np.concatenate([middle - half, middle + half]).T / (*image.size, *image.size))
            scores.append(score[rows, columns])
        return np.concatenate(boxes), np.concatenate(scores)


def _resized(image: Image.Image, width: float, height: float) -> Image.Image:
    return image.resize((max(1, round(width)), max(1, round(height))), Image.Resampling.BILINEAR, reducing_gap=3)


def suppressed(boxes: np.ndarray, scores: np.ndarray, *, iou: float) -> np.ndarray:
    """The indices of the `boxes` (M, 4) that stay, the best of their `scores` (M,) first: a box goes where it overlaps
    a better box that stays by more than `iou`."""
    remaining, stay = np.argsort(-scores, kind="stable"), []
    while len(remaining):
        best, remaining = remaining[0], remaining[1:]
        stay.append(best)
        remaining = remaining[overlap(boxes[[best]], boxes[remaining])[0] <= iou]
    return np.array(stay, int)
