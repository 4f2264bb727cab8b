"""Detectors behind one call: `detect(photograph) -> boxes, scores`."""

from collections.abc import Callable

import numpy as np

from maskdet import files, keys
from maskdet.faces import yunet
from maskdet.faces.cascade import pyramid, stages
from maskdet.faces.matching import checked_photograph

Detect = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def mtcnn() -> Detect:
    """MTCNN (Zhang et al. 2016) with the weights of the `mtcnn` package, at its defaults, compiled: the same boxes."""
    return stages.Cascade()


def mtcnn_package() -> Detect:
    """MTCNN as the `mtcnn` package ships it, at its defaults: what `mtcnn` is compared with."""
    import maskdet.networks.backend  # noqa: F401  (before mtcnn imports TensorFlow in its own way)
    from mtcnn import MTCNN

    network = MTCNN()

    def detect(photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if min(checked_photograph(photograph).shape[:2]) < pyramid.SMALLEST:  # its pyramid would have no level
            return np.empty((0, 4), np.float32), np.empty(0, np.float32)
        found = network.detect_faces(photograph, box_format="xyxy", output_type="numpy")
        return found[:, 1:5].astype(np.float32), found[:, 5].astype(np.float32)

    return detect


DETECTORS: dict[str, Callable[[], Detect]] = {"mtcnn": mtcnn, "mtcnn-stock": mtcnn_package, "yunet": yunet.YuNet}


def detector(name: str) -> Detect:
    """A detector: `detect(photograph (H, W, 3) uint8) -> boxes (M, 4), scores (M,)`, in pixels.

    Raises ValueError for a name that is not in `DETECTORS`.
    """
    return _known(name)()


def key(name: str) -> str:
    """Names a detector's code, weights and packages: another, once any of it has changed. Raises as `detector`."""
    # The code of MTCNN states the checksums of its weights.
    weights = yunet.card()["sha256"] if name == "yunet" else None
    return files.digest(keys.code(_known(name)), weights)


def _known(name: str) -> Callable[[], Detect]:
    if name not in DETECTORS:
        raise ValueError(f"expected a detector, one of {', '.join(DETECTORS)}, got {name!r}")
    return DETECTORS[name]
