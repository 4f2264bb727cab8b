"""The public files of the attack's origin, fetched from where they are published."""

import csv
import io
import os
import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import requests

from maskdet import config
from maskdet.__main__ import main
from maskdet.data.download import DownloadError
from maskdet.origin import fetching, published

FILES = Path(os.environ.get("MASKDET_DATA") or config.ROOT / "data") / "cifar10"
there = pytest.mark.skipif(not FILES.is_dir(), reason="needs the public files of cifar10 in MASKDET_DATA")


def pickled(rows):
    """Attacks as the published code keeps them, of rows of a table."""
    rng = np.random.default_rng(0)
    return pickle.dumps([[
        name, int(pixels), np.int64(image), np.uint8(true), np.int64(after), np.bool_(int(success)), np.float32(fall),
        rng.random(10, np.float32), rng.random(10, np.float32),
        np.array(changed.replace(" ", "/").split("/"), float) + 0.7]
        for name, pixels, image, true, after, success, fall, changed in rows], protocol=3)


def kept_by_keras_2(arrays):
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        group = file.create_group("model_weights")
        layers = list(dict.fromkeys(name.split(".")[0] for name in arrays))
        group.attrs["layer_names"] = [name.encode() for name in (*layers[:1], "flatten_1", *layers[1:])]
        group.create_group("flatten_1").attrs["weight_names"] = np.array([], "S1")
        for layer in layers:
            paths = [f"{layer}/{kind}:0" for kind in ("kernel", "bias")]
            group.create_group(layer).attrs["weight_names"] = [path.encode() for path in paths]
            for path, kind in zip(paths, ("kernel", "bias")):
                group[layer][path] = arrays[f"{layer}.{kind}"]
    return content.getvalue()


@pytest.fixture
def internet(tmp_path, monkeypatch):
    """A stand-in: `internet[address]` is what is there. What is not there is an error."""
    served = {}
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.delenv("MASKDET_DATA", raising=False)

    def get(address, *, timeout):
        answer = requests.Response()
        answer.status_code, answer._content = (200, served[address]) if address in served else (404, b"")
        return answer
    monkeypatch.setattr(requests, "get", get)
    return served


@there
def test_what_is_published_becomes_the_files_that_are_measured(internet, tmp_path, capsys):
    with np.load(FILES / "first100.npz") as held:
        table = np.column_stack([held["labels"], held["images"].reshape(100, -1)])
    internet[fetching.IMAGES] = b"\n".join(b",".join(b"%d" % value for value in row) for row in table)
    with np.load(FILES / "lenet.npz") as held:
        internet[fetching.SOURCES["lenet.npz"][0]] = kept_by_keras_2(dict(held))
    internet[fetching.SOURCES["resnet.h5"][0]] = (FILES / "resnet.h5").read_bytes()
    for kind in ("untargeted", "targeted"):
        with (FILES / f"{kind}.csv").open(newline="") as file:
            internet[fetching.SOURCES[f"{kind}.csv"][0]] = pickled(list(csv.reader(file))[1:])
    assert main(["fetch", "--check", "cifar10"]) == 1 and "got no such file" in capsys.readouterr().err
    assert main(["fetch", "cifar10"]) == 0 and main(["fetch", "--check", "cifar10"]) == 0
    assert sorted(path.name for path in (tmp_path / "data/cifar10").iterdir()) == sorted(published.FILES)
    assert (published.images()[1] == table[:, 0]).all() and len(published.attacks("targeted"))
    internet.clear()
    assert fetching.fetch() == tmp_path / "data/cifar10", "what is there is not fetched again"
    (tmp_path / "data/cifar10/lenet.npz").write_bytes(b"damaged")
    assert main(["fetch", "cifar10"]) == 1
    said = capsys.readouterr().err
    assert "lenet.npz whose arrays have the SHA-256" in said and said.endswith(": delete it\n")


def test_a_pickle_that_would_run_code_is_refused():
    class Other:
        def __reduce__(self):
            return os.system, ("true",)
    with pytest.raises(pickle.UnpicklingError, match=r"expected numbers, texts and arrays, got posix\.system"):
        fetching.attacks(pickle.dumps([Other()]))


@pytest.mark.parametrize("content, expected", [(None, "404 Client Error.* try again with a connection"),
                                               (b"1,2,3", "expected at .*cifar10_test.csv what first100.npz was made")])
def test_without_the_files_or_with_others_nothing_is_left(content, expected, internet, tmp_path, capsys):
    if content is not None:
        internet[fetching.IMAGES] = content
    with pytest.raises(DownloadError, match=expected):
        fetching.fetch()
    assert main(["fetch", "cifar10"]) == 1 and capsys.readouterr().err.splitlines()[-1].startswith("error: ")
    assert not (tmp_path / "data").exists()
