"""The networks that come with the package: `load("resnet")` is ready to be asked."""

import hashlib
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from maskdet import files
from maskdet.networks.architectures import NETWORKS, restore
from maskdet.networks.backend import keras
from maskdet.networks.predict import predictor

FOLDER = Path(__file__).parent / "shipped"
REMEDY = "install the package anew (in a checkout: `git checkout maskdet/networks/shipped`)"


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
    stated, remedy = card()["networks"], f"{REMEDY}, or run `make weights`"
    if name not in stated:
        raise ValueError(f"expected {name} on the card in {FOLDER}, got only {', '.join(stated)}: {remedy}")
    content = files.checked(FOLDER / f"{name}.npz", stated[name]["sha256"], remedy=remedy)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return restore(name, [arrays[f"{number:03d}"] for number in range(len(arrays.files))])


def card() -> dict:
    """What is stated of the shipped networks: data, recipes, checksums, provenance.

    Raises FileNotFoundError, with the remedy, where the package came without them, and ValueError for a card that
    is damaged."""
    path = FOLDER / "card.json"
    if not path.exists():
        raise FileNotFoundError(f"expected the card of the shipped weights in {FOLDER}, got no such file: {REMEDY}")
    try:
        found = json.loads(path.read_bytes())
        for network in found["networks"].values():
            str.isalnum(network["sha256"])
    except (ValueError, LookupError, TypeError, AttributeError) as error:  # of JSON, of its encoding, of what it holds
        raise ValueError(f"expected the card of the shipped weights, JSON with the SHA-256 of each of its networks, "
                         f"in {path}, got {type(error).__name__}: {error}: {REMEDY}") from error
    return found


def ship(models: Mapping[str, list[np.ndarray]], statement: Mapping) -> None:
    """Write the weights of each network, float32, and the card with their checksums; each file whole."""
    networks = {}
    for name, weights in models.items():
        # Uncompressed and without dates: the same weights are the same bytes.
        with files.whole(FOLDER / f"{name}.npz") as part:
            arrays: dict[str, Any] = {f"{number:03d}": np.asarray(one, np.float32)
                                      for number, one in enumerate(weights)}
            np.savez(part, **arrays)
        content = (FOLDER / f"{name}.npz").read_bytes()
        networks[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content),
                          "parameters": int(sum(one.size for one in weights))}
    files.write_json(FOLDER / "card.json", {**statement, "networks": networks})
