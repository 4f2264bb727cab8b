"""Faces as other cameras and other boxes would show them: random changes of training crops.

They act on patches (N, 100, 100, 3), a crop and as much around it, so that a looser box shows what is really there.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from maskdet.config import SIZE

LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as Pillow and OpenCV turn RGB into grey


@dataclass(frozen=True)
class Augmentation:
    """How far training crops are changed at random; shares are 0 to 1."""

    zoom: tuple[float, float] = (0.85, 1.25)  # of the box, each side: below 1 tighter, above looser
    shift: float = 0.08  # of the side
    shape: float = 0.1  # log of the ratio of the sides
    soft: float = 0.3  # share shrunk and enlarged again, as a small or unsharp face is
    light: float = 0.12  # deviation of the log of brightness and of contrast
    grey: float = 0.1  # share without colour
    dyed: float = 0.0  # share whose colours change places
    hidden: float = 0.2  # share with a rectangle of one colour before it (Zhong et al. 2020)

    def __call__(self, patches: np.ndarray, *, rng: np.random.Generator) -> np.ndarray:
        """Crops (N, 50, 50, 3) float32, 0 to 255, of `patches` (N, 100, 100, 3) uint8."""
        crops = self._softened(self._windows(patches, rng), rng)
        return self._covered(self._lit(crops.astype(np.float32), rng), rng)

    def _windows(self, patches: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A window near the middle half of each patch, in one case of two mirrored."""
        n, side = len(patches), patches.shape[1]
        tightest, loosest = np.log(self.zoom)
        zoom = np.exp(rng.uniform(tightest, loosest, n))[:, None]
        shape = np.exp(rng.uniform(-self.shape, self.shape, n))[:, None] ** (1, -1)
        middle = side / 2 * (1 + self.shift * zoom * rng.uniform(-1, 1, (n, 2)))
        half = side / 4 * zoom * shape
        boxes = np.hstack([middle - half, middle + half]).clip(0, side)
        crops = np.stack([
            np.asarray(Image.fromarray(patch).resize((SIZE, SIZE), Image.Resampling.BILINEAR, box=tuple(box)))
            for patch, box in zip(patches, boxes)])
        mirrored = rng.random(n) < 0.5
        crops[mirrored] = crops[mirrored, :, ::-1]
        return crops

    def _softened(self, crops: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for i in np.flatnonzero(rng.random(len(crops)) < self.soft):
            small = Image.fromarray(crops[i]).resize([int(rng.integers(14, 40))] * 2, Image.Resampling.BILINEAR)
            crops[i] = np.asarray(small.resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        return crops

    def _lit(self, crops: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        n = len(crops)
        spread = rng.normal(0, [self.light, self.light, 8], (n, 3)).astype(np.float32)
        contrast, gain, offset = np.exp(spread[:, 0]), np.exp(spread[:, 1]), spread[:, 2]
        tint = np.exp(rng.normal(0, 0.4 * self.light, (n, 3)).astype(np.float32))
        mean = crops.mean(axis=(1, 2, 3))
        crops *= contrast[:, None, None, None]
        crops += (mean * (1 - contrast))[:, None, None, None]
        crops *= (gain[:, None] * tint)[:, None, None]
        crops += offset[:, None, None, None]
        for i in np.flatnonzero(rng.random(n) < self.dyed):
            crops[i] = crops[i][:, :, rng.permutation(3)]
        grey = rng.random(n) < self.grey
        crops[grey] = (crops[grey] @ LUMA)[..., None]
        return crops.clip(0, 255, out=crops)

    def _covered(self, crops: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        for i in np.flatnonzero(rng.random(len(crops)) < self.hidden):
            size = rng.integers(SIZE // 8, 2 * SIZE // 5, 2)
            row, column = rng.integers(0, SIZE - size)
            crops[i, row:row + size[0], column:column + size[1]] = rng.uniform(0, 255, 3)
        return crops
