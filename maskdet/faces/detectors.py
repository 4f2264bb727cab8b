"""Detectors behind one call: `detect(photograph) -> boxes, scores`."""

from collections.abc import Callable

import numpy as np

Detect = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def mtcnn() -> Detect:
    """MTCNN (Zhang et al. 2016) as the `mtcnn` package ships it, at its defaults."""
    import maskdet.backend  # noqa: F401  (before mtcnn imports TensorFlow in its own way)
    from mtcnn import MTCNN

    network, smallest = MTCNN(), 20  # its default `min_face_size`

    def detect(photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if min(photograph.shape[:2]) < smallest:  # its pyramid would have no level
            return np.empty((0, 4), np.float32), np.empty(0, np.float32)
        found = network.detect_faces(photograph, box_format="xyxy", output_type="numpy")
        return found[:, 1:5].astype(np.float32), found[:, 5].astype(np.float32)

    return detect


DETECTORS = {"mtcnn": mtcnn}


def detector(name: str) -> Detect:
    """A detector: `detect(photograph (H, W, 3) uint8) -> boxes (M, 4), scores (M,)`, in pixels.

    Raises ValueError for a name that is not in `DETECTORS`.
    """
    if name not in DETECTORS:
        raise ValueError(f"expected a detector, one of {', '.join(DETECTORS)}, got {name!r}")
    return DETECTORS[name]()
