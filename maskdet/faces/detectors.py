"""Detectors behind one call: `detect(photograph) -> boxes, scores`."""

import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

import numpy as np

from maskdet import files
from maskdet.faces import matching, yunet
from maskdet.faces.cascade import convolution, networks, pyramid, stages, suppression
from maskdet.faces.photograph import checked

Detect = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def mtcnn() -> Detect:
    """MTCNN (Zhang et al. 2016) with the weights of the `mtcnn` package, at its defaults, compiled: the same boxes."""
    return stages.Cascade()


def stock() -> Detect:
    """MTCNN as the `mtcnn` package ships it, at its defaults: what `mtcnn` is compared with."""
    import maskdet.backend  # noqa: F401  (before mtcnn imports TensorFlow in its own way)
    from mtcnn import MTCNN

    network = MTCNN()

    def detect(photograph: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if min(checked(photograph).shape[:2]) < pyramid.SMALLEST:  # its pyramid would have no level
            return np.empty((0, 4), np.float32), np.empty(0, np.float32)
        found = network.detect_faces(photograph, box_format="xyxy", output_type="numpy")
        return found[:, 1:5].astype(np.float32), found[:, 5].astype(np.float32)

    return detect


@dataclass(frozen=True)
class Kind:
    """A detector, and what its boxes depend on.

    `make()`: the detector itself. `modules`: of this package, that it is made of. `packages`: others, whose versions
    count. `card`: what states, as "sha256", the checksum of weights that come with this package.
    """

    make: Callable[[], Detect]
    modules: tuple[ModuleType, ...]
    packages: tuple[str, ...]
    card: Callable[[], dict] | None = None

    @property
    def code(self) -> str:
        """A name for all of that: another, once any of it has changed. Raises as `card`."""
        return files.digest(files.source(self.make, *self.modules),
                            [(name, importlib.metadata.version(name)) for name in self.packages],
                            self.card()["sha256"] if self.card else None)


DETECTORS = {
    # Its weights count as well: `networks` takes no others than those whose checksums it states.
    "mtcnn": Kind(mtcnn, (convolution, networks, pyramid, stages, suppression), ("mtcnn",)),
    "mtcnn-stock": Kind(stock, (pyramid,), ("mtcnn", "tensorflow")),
    "yunet": Kind(yunet.YuNet, (yunet, matching), ("tensorflow", "pillow"), yunet.card)}


def detector(name: str) -> Detect:
    """A detector: `detect(photograph (H, W, 3) uint8) -> boxes (M, 4), scores (M,)`, in pixels.

    Raises ValueError for a name that is not in `DETECTORS`.
    """
    return _known(name).make()


def code(name: str) -> str:
    """Names a detector's code, weights and packages, for the key of what it found. Raises as `detector` and
    `Kind.code`."""
    return _known(name).code


def _known(name: str) -> Kind:
    if name not in DETECTORS:
        raise ValueError(f"expected a detector, one of {', '.join(DETECTORS)}, got {name!r}")
    return DETECTORS[name]
