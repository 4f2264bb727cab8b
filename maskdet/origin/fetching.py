"""The public files of the attack's origin, downloaded and brought into the form in which `published` reads them."""

import csv
import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from maskdet import config
from maskdet.data.download import DownloadError, arriving
from maskdet.origin import published

NETWORKS = "https://raw.githubusercontent.com/Hyperparticle/one-pixel-attack-keras/master/networks"
IMAGES = "https://raw.githubusercontent.com/eth-sri/eran/master/data/cifar10_test.csv"
COLUMNS = ("network", "pixels", "image", "true_class", "after_class", "success", "fall_of_confidence", "changed")
# What a pickle of numbers in arrays is made of. Any other name in one would run code.
HARMLESS = {(module, name) for name in ("_reconstruct", "scalar") for module in ("numpy.core.multiarray",
                                                                              "numpy._core.multiarray")}
HARMLESS |= {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}


def fetch() -> Path:
    """Download the files of `published.FILES` into data/cifar10 of the checkout, else of the current folder, all or
    none; where they are, they stay. Raises DownloadError where one cannot be fetched, or is another than was measured
    here, also among those that are there."""
    place = (config.ROOT / "data" / "cifar10").absolute()
    if place.exists():
        try:
            for name in published.FILES:
                published.checked(place / name, name)
        except (FileNotFoundError, ValueError) as error:
            raise DownloadError(f"expected no {place} or all files as published, got something else ({error}): delete "
                                "it") from error
        return place
    with arriving(place) as part:
        part.mkdir()
        for name, (address, convert) in tqdm(SOURCES.items(), desc="fetch", unit="file", disable=None):
            content = _downloaded(address)
            try:
                (part / name).write_bytes(convert(content))
                published.checked(part / name, name)
            except (ValueError, TypeError, LookupError, OSError, EOFError, pickle.UnpicklingError) as error:
                raise DownloadError(f"expected at {address} what {name} was made of, got something else ({error}): "
                                    "report it, for it may have changed") from error
    return place


def _downloaded(address: str) -> bytes:
    import requests

    try:
        answer = requests.get(address, timeout=60)
        answer.raise_for_status()
    except requests.RequestException as error:
        fault = " ".join(str(error).split())
        raise DownloadError(f"expected {address}, got {fault}: try again with a connection to the internet") from error
    return answer.content


def images(content: bytes) -> bytes:
    """The images and labels of a table without a head, a row each: the label, and the values of 32x32 pixels, red,
    green and blue of the first, and so on."""
    table = np.loadtxt(io.BytesIO(content), delimiter=",", dtype=np.uint8)
    return _npz(images=table[:, 1:].reshape(-1, 32, 32, 3), labels=table[:, 0])


def weights(content: bytes) -> bytes:
    """The weights of a network as Keras 2 saved it, by the name of the layer and the kind."""
    import h5py

    found = {}
    with h5py.File(io.BytesIO(content)) as held:
        group = held["model_weights"] if "model_weights" in held else held
        for layer in group.attrs["layer_names"]:
            for path in group[layer].attrs["weight_names"]:
                *_, kind = _text(path).split("/")
                found[f"{_text(layer)}.{kind.removesuffix(':0')}"] = np.asarray(group[layer][path])
    return _npz(**found)


def attacks(content: bytes) -> bytes:
    """The table of a pickled list of attacks, as the published code keeps it: network, number of pixels, image, true
    class, class afterwards, success, fall of the probability, that of all classes before and after, and what was
    changed: row, column, red, green and blue of each pixel, whose fractions that code cuts off."""
    written = io.StringIO()
    table = csv.writer(written)
    table.writerow(COLUMNS)
    for name, pixels, image, true, after, success, fall, *_, changed in _Numbers(io.BytesIO(content)).load():
        places = np.asarray(changed).astype(int).reshape(-1, 5)
        table.writerow((name, pixels, image, true, after, int(success), round(float(fall), 6),
                        " ".join("/".join(map(str, place)) for place in places.tolist())))
    return written.getvalue().encode()


class _Numbers(pickle.Unpickler):
    """Reads lists, numbers, texts and arrays, and refuses all else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise pickle.UnpicklingError(f"expected numbers, texts and arrays, got {module}.{name}")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def _npz(**arrays: np.ndarray) -> bytes:
    held = io.BytesIO()
    np.savez(held, **arrays)  # type: ignore[arg-type]  # of NumPy's allow_pickle, which is no array
    return held.getvalue()


def _text(name: str | bytes) -> str:
    return name.decode() if isinstance(name, bytes) else name


SOURCES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "first100.npz": (IMAGES, images),
    "lenet.npz": (f"{NETWORKS}/models/lecun_net.h5", weights),
    "resnet.h5": (f"{NETWORKS}/models/resnet.h5", bytes),
    "untargeted.csv": (f"{NETWORKS}/results/untargeted_results.pkl", attacks),
    "targeted.csv": (f"{NETWORKS}/results/targeted_results.pkl", attacks)}
