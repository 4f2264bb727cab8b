"""The networks that come with the package: `load("resnet")` predicts."""

import hashlib
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from maskdet import files
from maskdet.networks import deeper
from maskdet.networks.architectures import NETWORKS, Maker, restore
from maskdet.networks.backend import keras
from maskdet.networks.predict import predictor

MADE: dict[str, Maker] = {"resnet": deeper.resnet}  # the shipped networks that are not those of the experiment
FOLDER = Path(__file__).parent / "shipped"
REMEDY = "install the package anew (in a checkout: `git checkout maskdet/networks/shipped`)"


def load(name: str) -> Callable[[np.ndarray], np.ndarray]:
    """`predict(images (N, 50, 50, 3) uint8) -> probabilities (N, 2)`, bare and masked, of the shipped network `name`.
    Raises ValueError for a name that is not shipped, or a file with another checksum than on its card."""
    return predictor(shipped(name))


def shipped(name: str) -> keras.Model:
    """The shipped network `name` as a Keras model. Its file holds plain arrays, and no code. Raises as `load`."""
    if name not in NETWORKS:
        raise ValueError(f"expected a network that is shipped, one of {', '.join(NETWORKS)}, got {name!r}")
    stated, remedy = card()["networks"], f"{REMEDY}, or run `make weights`"
    if name not in stated:
        raise ValueError(f"expected {name} on the card in {FOLDER}, got only {', '.join(stated)}: {remedy}")
    content = files.checked(FOLDER / f"{name}.npz", stated[name]["sha256"], remedy=remedy)
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return restore(name, [arrays[f"{number:03d}"] for number in range(len(arrays.files))], make=MADE.get(name))


def card() -> dict:
    """What is stated of the shipped networks: data, recipes, checksums, provenance. Raises as `files.read_card`."""
    return files.read_card(FOLDER / "card.json", remedy=REMEDY)


def ship(models: Mapping[str, list[np.ndarray]], statement: Mapping) -> None:
    """Write the weights of each network, float32, and the card with their checksums; each file whole."""
    networks = {}
    for name, weights in models.items():
        # Uncompressed and without dates: the same weights are the same bytes.
        with files.whole(FOLDER / f"{name}.npz") as part:
            arrays: dict[str, Any] = {f"{i:03d}": np.asarray(weight, np.float32) for i, weight in enumerate(weights)}
            np.savez(part, **arrays)
        content = (FOLDER / f"{name}.npz").read_bytes()
        networks[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content),
                          "parameters": int(sum(weight.size for weight in weights))}
    files.write_json(FOLDER / "card.json", {**statement, "networks": networks})
