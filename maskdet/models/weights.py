"""The networks that come with the package: `load("resnet")` is ready to be asked."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from maskdet import files
from maskdet.backend import keras
from maskdet.models.networks import NETWORKS, restore
from maskdet.models.predict import predictor

FOLDER = Path(__file__).parent / "shipped"


def load(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """`predict(images (N, 50, 50, 3) uint8) -> probabilities (N, 2)` of the shipped network `name`.

    Column 0 is bare, column 1 masked. Raises ValueError for a name that is not shipped, or a file of
    another checksum than its card states.
    """
    return predictor(shipped(name))


def shipped(name: str) -> keras.Model:
    """The shipped network `name` as a Keras model: plain arrays in a file, set into the layers that
    `networks` builds; no code is run from it. Raises as `load`."""
    if name not in NETWORKS:
        raise ValueError(f"expected a network that is shipped, one of {', '.join(NETWORKS)}, got {name!r}")
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        raise FileNotFoundError(f"expected the weights of {name} at {path}, got no such file: install the package "
                                "anew (in a checkout: `git checkout maskdet/models/shipped`), or run `make weights`")
    content = path.read_bytes()
    got, stated = hashlib.sha256(content).hexdigest(), card()["networks"][name]["sha256"]
    if got != stated:
        raise ValueError(f"expected {path} with the SHA-256 {stated}, got {got}: install the package anew "
                         "(in a checkout: `git checkout maskdet/models/shipped`), or run `make weights`")
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return restore(name, [arrays[f"{number:03d}"] for number in range(len(arrays.files))])


def card() -> dict:
    """What is stated of the shipped networks: data, recipe, checksums, provenance.

    Raises FileNotFoundError, with the remedy, where the package came without them."""
    if not (FOLDER / "card.json").exists():
        raise FileNotFoundError(f"expected the card of the shipped weights in {FOLDER}, got no such file: install the "
                                "package anew (in a checkout: `git checkout maskdet/models/shipped`)")
    return json.loads((FOLDER / "card.json").read_text(encoding="utf8"))


def ship(models: Mapping[str, list[np.ndarray]], statement: Mapping) -> None:
    """Write the weights of each network, float32, and the card with their checksums; each file whole."""
    networks = {}
    for name, weights in models.items():
        # Uncompressed and without dates: the same weights are the same bytes.
        with files.whole(FOLDER / f"{name}.npz") as part:
            np.savez(part, **{f"{number:03d}": np.asarray(one, np.float32) for number, one in enumerate(weights)})
        content = (FOLDER / f"{name}.npz").read_bytes()
        networks[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content),
                          "parameters": int(sum(one.size for one in weights))}
    files.write_json(FOLDER / "card.json", {**statement, "networks": networks})
