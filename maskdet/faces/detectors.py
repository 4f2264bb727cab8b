"""Detectors behind one call: `detect(photograph) -> boxes, scores`."""

from collections.abc import Callable

import numpy as np

from maskdet import files, keys
from maskdet.faces import yunet
from maskdet.faces.cascade import Cascade, pyramid
from maskdet.faces.matching import checked_photograph

Detect = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def mtcnn_package() -> Detect:
    """MTCNN as the `mtcnn` package ships it, at its defaults: the reference for "mtcnn"."""
    import maskdet.networks.backend  # noqa: F401  (before mtcnn imports TensorFlow in its own way)
    from mtcnn import MTCNN

    network = MTCNN()

    def detect(photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if min(checked_photograph(photograph).shape[:2]) < pyramid.SMALLEST:  # its pyramid would have no level
            return np.empty((0, 4), np.float32), np.empty(0, np.float32)
        rows = network.detect_faces(photograph, box_format="xyxy", output_type="numpy")
        return rows[:, 1:5].astype(np.float32), rows[:, 5].astype(np.float32)

    return detect


# "mtcnn" has the weights and finds the boxes of "mtcnn-stock", but is compiled.
DETECTORS: dict[str, Callable[[], Detect]] = {"mtcnn": Cascade, "mtcnn-stock": mtcnn_package, "yunet": yunet.YuNet}


def detector(name: str) -> Detect:
    """A detector: `detect(photograph (H, W, 3) uint8) -> boxes (M, 4), scores (M,)`, in pixels. Raises ValueError for a
    name that is not in `DETECTORS`."""
    return _start(name)()


def key(name: str) -> str:
    """A digest of a detector's code, weights and packages: it changes with any of them. Raises as `detector`."""
    weights = yunet.card()["sha256"] if name == "yunet" else None  # MTCNN's checksums are in its code
    return files.digest(keys.code(_start(name)), weights)


def _start(name: str) -> Callable[[], Detect]:
    if name not in DETECTORS:
        raise ValueError(f"expected a detector, one of {', '.join(DETECTORS)}, got {name!r}")
    return DETECTORS[name]
