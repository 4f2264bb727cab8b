"""maskdet: the executable edition of "Face Mask Detection and Attack with One Pixel Change".

One module a stage, in the order in which they work:

`config` -> `data` (and `drawing`) -> `faces` -> `models`, `training`, `hardening` -> `trials` (which train, test and
attack) -> `attack` on `incremental` -> `proof` -> `results`, `figures`.

Images are NumPy arrays N x H x W x 3, RGB, uint8; boxes are left, top, right, bottom in pixels;
probabilities are float32 N x 2, column 0 bare and column 1 masked.
"""

__version__ = "0.1.0"
