"""maskdet: the executable edition of "Face Mask Detection and Attack with One Pixel Change".

Its layers, the lowest first; each uses only those before it, and between semicolons none uses another:
`config`, `counts`, `files`, `keys`; `workers`; `record`, `figures`, `networks`, `drawing`; `data`; `faces`;
`incremental`; `attack`; `proof`; `experiment`, `origin`; `shipped`; `detect`, `playground`.

Images are NumPy arrays N x H x W x 3, RGB, uint8; boxes are left, top, right, bottom in pixels;
probabilities are float32 N x 2, column 0 bare and column 1 masked.
"""

from maskdet import keys

__version__ = "0.1.0"

keys.note()  # the source of each module that is imported from here on


def deterministic() -> None:
    """Let networks compute the same numbers in every process on this machine: see `networks.backend`."""
    from maskdet.networks import backend  # TensorFlow, which takes seconds

    backend.deterministic()
