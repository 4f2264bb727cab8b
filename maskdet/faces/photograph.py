"""What every detector, and who crops, is given: a photograph as an array."""

import numpy as np


def checked(photograph) -> np.ndarray:
    """`photograph` itself. Raises ValueError for anything but an array (H, W, 3) uint8 with at least one pixel."""
    kind, shape = getattr(photograph, "dtype", type(photograph).__name__), np.shape(photograph)
    if kind != np.uint8 or len(shape) != 3 or shape[2] != 3 or 0 in shape:
        raise ValueError(f"expected a photograph (H, W, 3) uint8, got {kind} {shape}: "
                         "of a file, np.asarray(Image.open(path).convert('RGB')) is one")
    return photograph
