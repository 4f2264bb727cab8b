"""What is public of the attack's origin: two networks, the attacks published on seven, and 100 test images.

Networks and tables are those of Hyperparticle/one-pixel-attack-keras, the images those that eth-sri/eran keeps: the
first 100 of the test images of CIFAR-10.
"""

import hashlib
import io
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from maskdet import config, files
from maskdet.attack import set_pixels
from maskdet.counts import Count, clustered
from maskdet.networks.backend import build_apart, keras

CLASSES = 10
MEAN, DEVIATION = np.array([125.307, 122.95, 113.865]), np.array([62.9932, 62.0887, 66.7048])  # of a pixel, by channel
NETWORKS = {"lenet": "lecun_net", "resnet": "resnet"}  # and their names in the published tables
FILES = {  # and their SHA-256: of archives of arrays, of what these hold, since packing differs between machines
    "first100.npz": "0942771851d83b2d0df2e09564ad37aa4699eaff9c747b19e828c0458c5348ee",
    "lenet.npz": "907d7fb469e0ac971453d0d33fb9b145ac697fc6e07ea1a8edb228f519a2f8c7",
    "resnet.h5": "bc0f458aa748d1aa375d71bdf30895fdab44ede306379f84137fb58571eace5c",
    "untargeted.csv": "81750fac276a10bc50a246d5d35bead1217b68502c428a99154adefce07dee0d",
    "targeted.csv": "624729087a859b2acffb495576890689652f1bcc72dcbff4904594b918d228ba"}
REMEDY = ("run `make data PROFILE=cifar10`, which puts it into data/cifar10; or set MASKDET_DATA to the folder that "
          "holds cifar10/")


def file(name: str) -> Path:
    """The path of one of FILES, in `$MASKDET_DATA/cifar10`, or without that variable in data/cifar10. Raises
    FileNotFoundError where it is not there, and ValueError where it is another file, both with the remedy."""
    path = Path(os.environ.get("MASKDET_DATA") or config.ROOT / "data") / "cifar10" / name
    checked(path, name)
    return path


def checked(path: Path, name: str) -> None:
    """Raise FileNotFoundError where the path is none, and ValueError where it holds another file than that of FILES,
    both with the remedy."""
    if path.suffix != ".npz" or not path.exists():
        files.checked(path, FILES[name], remedy=REMEDY)
        return
    try:
        with np.load(path) as held:
            got = arrays_digest(dict(held))
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        got = f"{type(error).__name__}: {error}"
    if got != FILES[name]:
        raise ValueError(f"expected {path} whose arrays have the SHA-256 {FILES[name]}, got {got}: {REMEDY}")


def arrays_digest(arrays: Mapping[str, np.ndarray]) -> str:
    """The SHA-256 of arrays: of the name, type, shape and bytes of each, in the order of names."""
    found = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        found.update(f"{name} {array.dtype.str} {array.shape}\n".encode() + np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def images() -> tuple[np.ndarray, np.ndarray]:
    """The first 100 test images (100, 32, 32, 3) uint8, and their labels (100,)."""
    with np.load(file("first100.npz")) as held:
        return held["images"], held["labels"].astype(int)


def network(name: str) -> keras.Model:
    """One of NETWORKS as it was published, with a layer before it that does what its code does to an image of 0 to 255.
    """
    if name not in NETWORKS:
        raise ValueError(f"expected a network, one of {', '.join(NETWORKS)}, got {name!r}")
    make: Mapping[str, Callable[[], keras.Model]] = {"lenet": _lenet, "resnet": _resnet}
    return build_apart(make[name])


def scaling() -> keras.layers.Layer:
    """What the published code does to an image first: (pixel - MEAN) / DEVIATION."""
    return keras.layers.Rescaling((1 / DEVIATION).tolist(), (-MEAN / DEVIATION).tolist())


def _lenet() -> keras.Model:
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((32, 32, 3)), scaling(),
        layers.Conv2D(6, 5, activation="relu"), layers.MaxPooling2D(2),
        layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(2), layers.Flatten(),
        layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"),
        layers.Dense(CLASSES, activation="softmax")])
    with np.load(file("lenet.npz")) as held:
        model.set_weights([held[name] for name in held])  # as they follow each other
    return model


def _resnet() -> keras.Model:
    inner = keras.models.load_model(file("resnet.h5"), compile=False)
    image = keras.Input((32, 32, 3))
    return keras.Model(image, inner(scaling()(image)))


def attacks(kind: str) -> pd.DataFrame:
    """The published attacks, a row each: `untargeted`, or `targeted` with the `target` of each. The tables do not have
    it: an image is attacked for each class but its own, in their order, as the published code does."""
    table = pd.read_csv(io.BytesIO(file(f"{kind}.csv").read_bytes()))
    if kind == "targeted":
        others = CLASSES - 1
        if not (table.image.to_numpy().reshape(-1, others) == table.image.to_numpy()[::others, None]).all():
            raise ValueError(f"expected {others} targets in a row for each image, got others")
        table["target"] = np.concatenate([np.delete(np.arange(CLASSES), label) for label in table.true_class[::others]])
    return table


def counts() -> dict[str, dict]:
    """What is published of each network, by number of pixels: of `untargeted` attacks, how many changed the class; of
    `targeted` ones, how many changed it to `any` other, which the published table calls success, how many `reached`
    their target, and for how many `images` one of the nine was reached."""
    found: dict[str, dict] = {}
    for (name, pixels), rows in attacks("untargeted").groupby(["network", "pixels"]):
        found.setdefault(name, {}).setdefault("untargeted", {})[str(pixels)] = _count(rows.success == 1, rows)
    for (name, pixels), rows in attacks("targeted").groupby(["network", "pixels"]):
        reached = rows.after_class == rows.target
        images = reached.groupby(rows.image).any()
        found[name].setdefault("targeted", {})[str(pixels)] = {
            "any": _count(rows.after_class != rows.true_class, rows), "reached": _count(reached, rows),
            "images": Count(int(images.sum()), len(images))}
    return found


def _count(hits: pd.Series, rows: pd.DataFrame) -> Count:
    """Of attacks on the same image, drawn twice or for several targets, fewer count as independent."""
    return clustered(hits.to_numpy(), rows.image.to_numpy())


def example(name: str = "lenet") -> dict[str, float]:
    """The published one-pixel attack on one of our images: its number, the probability of its class before and with
    the published pixel, by our reading of the network, and its published fall."""
    table, (pictures, labels) = attacks("untargeted"), images()
    rows = table[(table.network == NETWORKS[name]) & (table.pixels == 1) & (table.image < len(pictures))]
    row = rows.iloc[0]
    image = pictures[row.image]
    changed = set_pixels(image, np.array([[int(value) for value in row.changed.split("/")]]))
    before, after = network(name).predict_on_batch(np.stack([image, *changed]).astype(np.float32))[:, labels[row.image]]
    return {"image": int(row.image), "before": float(before), "after": float(after),
            "published_fall": float(row.fall_of_confidence)}
