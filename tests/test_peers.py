"""Beside other implementations: on ten classes, in the scripts of their users, and with PyTorch.

Skipped where their packages are not: `make .venv-bench/ready`, then `.venv-bench/bin/python -m pytest
tests/test_peers.py`. Nothing else needs them.
"""

import contextlib
import dataclasses
import difflib
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

from bench import lenet, measure
from maskdet import attack, config, figures
from maskdet.config import Evolution
from maskdet.incremental import Incremental
from maskdet.networks.backend import keras
from maskdet.record import benchmark

for package in ("torch", "art", "torchattacks", "foolbox"):
    pytest.importorskip(package, reason=f"needs {package}, in the environment of `make bench`: "
                                        "make .venv-bench/ready")

import tensorflow as tf  # noqa: E402
import torch  # noqa: E402

from bench import __main__ as bench  # noqa: E402
from bench import peers  # noqa: E402

SIDE, CLASSES, IMAGES = 6, 4, 8
PAGE = Path(config.ROOT, "book", "use.ipynb")


@pytest.fixture(scope="module")
def images():
    """Images (IMAGES, SIDE, SIDE, 3) uint8."""
    return np.random.default_rng(0).integers(0, 256, (IMAGES, SIDE, SIDE, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model():
    """A Keras network of images of 0 to 1, untrained."""
    keras.utils.set_random_seed(2)
    layers = keras.layers
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(8, 3, activation="relu"), layers.Flatten(),
                             layers.Dense(CLASSES, activation="softmax")])


@pytest.fixture(scope="module")
def module():
    """A PyTorch network of images (N, 3, SIDE, SIDE) of 0 to 1 -> logits, untrained."""
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.Flatten(),
                               torch.nn.Linear(8 * (SIDE - 2)**2, CLASSES)).eval()


# The scripts follow the first pages of each library's documentation. A script is run twice: as it is, and with the line
# of THEIRS that makes the attack as OURS has it. What each leaves in `adversarial` and `accuracy` is compared.

ART = """
import numpy as np
from art.attacks.evasion import PixelAttack
from art.estimators.classification import KerasClassifier
from maskdet import attack

classifier = KerasClassifier(model=model, clip_values=(0, 1), use_logits=False)
y_test = classifier.predict(x_test).argmax(axis=1)
adversarial = PixelAttack(classifier, th=1, es=1, max_iter=3).generate(x=x_test)
predictions = classifier.predict(adversarial)
accuracy = np.mean(predictions.argmax(axis=1) == y_test)
"""
ART_OURS = "adversarial = attack.run(model, x_test, scale=1 / 255).images"

FOOLBOX = """
import foolbox
import tensorflow as tf
from maskdet import attack

fmodel = foolbox.TensorFlowModel(model, bounds=(0, 1))
labels = tf.argmax(model(images), axis=1)
_, adversarial, success = foolbox.attacks.SaltAndPepperNoiseAttack(steps=50)(fmodel, images, labels, epsilons=1.0)
accuracy = foolbox.accuracy(fmodel, tf.convert_to_tensor(adversarial), labels)
"""
FOOLBOX_OURS = "adversarial = attack.run(model, images, labels, scale=1 / 255).images"

TORCHATTACKS = """
import torch
import torchattacks
from maskdet import attack


def predict(images):  # (N, H, W, C) of 0 to 1 -> probabilities (N, K)
    with torch.inference_mode():
        return model(torch.from_numpy(images).movedim(-1, 1)).softmax(dim=1).numpy()


labels = model(images).argmax(dim=1)
atk = torchattacks.OnePixel(model, pixels=1, steps=3, popsize=20)
adversarial = atk(images, labels)
accuracy = (model(adversarial).argmax(dim=1) == labels).float().mean().item()
"""
TORCHATTACKS_OURS = (
    "adversarial = torch.from_numpy(attack.run(predict, images.movedim(1, -1).numpy(), labels.numpy(), "
    "search='corners', scale=1 / 255).images).movedim(-1, 1)")


def ran(script: str, **names) -> dict:
    """The names that a script leaves, run with those that it finds."""
    np.random.seed(0)  # noqa: NPY002  the peers draw from it
    torch.manual_seed(0)
    with contextlib.redirect_stderr(io.StringIO()):  # progress bars
        exec(compile(script, "script", "exec"), names)
    return names


def with_ours(script: str, ours: str) -> str:
    """The script with the line that makes `adversarial` as `ours`: that one line and no other."""
    changed = re.sub(r"^.*\badversarial\b.* = .*$|^adversarial = .*$", lambda line: ours, script, count=1, flags=re.M)
    lines = [line for line in difflib.ndiff(script.splitlines(), changed.splitlines()) if line[0] in "+-"]
    assert [line[0] for line in lines] == ["-", "+"], lines
    return changed


def changed_pixels(images: np.ndarray, adversarial: np.ndarray) -> np.ndarray:
    """How many pixels of each image (N, H, W, C) are others than before."""
    return (np.asarray(images) != np.asarray(adversarial)).any(axis=-1).sum(axis=(1, 2))


def test_a_script_of_art_runs_with_one_line_changed(model, images):
    x_test = images.astype(np.float32) / 255
    theirs, ours = (ran(script, model=model, x_test=x_test) for script in (ART, with_ours(ART, ART_OURS)))
    assert (changed_pixels(x_test, ours["adversarial"]) == 1).all()
    assert ours["adversarial"].dtype == x_test.dtype and ours["adversarial"].shape == x_test.shape
    assert ours["accuracy"] <= theirs["accuracy"] and ours["accuracy"] < 1


def test_a_script_of_foolbox_runs_with_one_line_changed(model, images):
    given = tf.constant(images, tf.float32) / 255
    theirs, ours = (ran(script, model=model, images=given) for script in (FOOLBOX, with_ours(FOOLBOX, FOOLBOX_OURS)))
    assert (changed_pixels(given, ours["adversarial"]) == 1).all()
    assert theirs["adversarial"].shape == ours["adversarial"].shape  # theirs may change any number of pixels
    assert ours["accuracy"] < 1


def test_a_script_of_torchattacks_runs_with_one_line_changed(module, images):
    given = torch.from_numpy(images).movedim(-1, 1) / 255
    theirs, ours = (ran(script, model=module, images=given)
                    for script in (TORCHATTACKS, with_ours(TORCHATTACKS, TORCHATTACKS_OURS)))
    assert (changed_pixels(given.movedim(1, -1), ours["adversarial"].movedim(1, -1)) == 1).all()
    assert ours["adversarial"].dtype == given.dtype and ours["adversarial"].shape == given.shape
    assert ours["accuracy"] <= theirs["accuracy"] and ours["accuracy"] < 1


def test_the_block_of_the_page_attacks_a_network_of_pytorch_and_says_its_speed(module, images, capsys):
    pages = ["".join(cell["source"]) for cell in json.loads(PAGE.read_text(encoding="utf8"))["cells"]]
    [block] = [block for page in pages for block in re.findall(r"```python\n(.*?)```", page, re.S) if "torch" in block]
    labels = module(torch.from_numpy(images).movedim(-1, 1) / 255).argmax(dim=1).numpy()
    result = ran(block, module=module, images=images, labels=labels)["result"]
    assert re.search(r"^Result\(\d flipped, .* [\d,]+ queries a second$", capsys.readouterr().out, re.M)
    assert (result.status != "wrong").all() and (result.status == "flipped").any()
    with torch.inference_mode():
        decided = module(torch.from_numpy(result.images).movedim(-1, 1) / 255).argmax(dim=1).numpy()
    assert ((decided != labels) == (result.status == "flipped")).all()


@pytest.fixture(scope="module")
def ten_classes():
    """LeNet, and test images that it has right: the first that a corner flips, and the first that none flips."""
    try:
        model, (images, labels) = lenet.model(), lenet.images()
    except ValueError as error:
        pytest.skip(str(error))
    result = attack.run(Incremental.of(model), images[:20], labels[:20], workers=1)
    chosen = [result.status.tolist().index(status) for status in ("flipped", "stands")]
    return model, images[chosen], labels[chosen]


@pytest.mark.parametrize("peer", peers.PEERS)
def test_a_peer_flips_no_image_of_ten_classes_that_stands_and_counts_its_queries(peer, ten_classes):
    model, images, labels = ten_classes
    search = peers.PEERS[peer](model, settings := Evolution(population=400, generations=2))
    outcomes = [search(image, int(label), seed=1) for image, label in zip(images, labels)]
    assert not outcomes[1].flipped and 3 * settings.population <= outcomes[1].queries <= 3 * settings.population + 4
    for image, label, outcome in zip(images, labels, outcomes):
        if outcome.flipped:
            changed = attack.set_pixels(image, np.array([[outcome.pixel]]))
            assert model.predict_on_batch(changed)[0].argmax() != label


def test_what_is_measured_on_ten_classes_is_recorded_and_shown(ten_classes, tmp_path, monkeypatch):
    run = dataclasses.replace(config.profile("larxel"), evolution=Evolution(population=400, generations=1))
    model, images, labels = ten_classes
    monkeypatch.setenv("MASKDET_BUILD", str(tmp_path))
    monkeypatch.delenv("SCHEDULER", raising=False)
    monkeypatch.setattr(config, "RECORDED", tmp_path)
    monkeypatch.setattr(bench, "photographed", lambda arguments, command: run)
    monkeypatch.setattr(bench.memory, "measured", lambda seed: {"peak": {"keras": 800}})
    monkeypatch.setattr(bench, "subjects", lambda run: iter([(lenet.NAME, model, Incremental.of(model), measure.Faces(
        images, labels, np.array([True, False])))]))
    run.folder.mkdir(parents=True)
    assert bench.main([]) == 0 and not list(run.folder.glob("bench-*"))
    record = json.loads((tmp_path / "bench.json").read_text(encoding="utf8"))
    assert record["memory"] == {"peak": {"keras": 800}}
    rows = {row["search"]: row for row in record["attack"]}
    assert set(rows) == {"differential_evolution", "corners", "guided"}
    assert all(rows[search]["success"] == {"k": 1, "n": 2} for search in ("corners", "guided"))
    assert all(set(row["ratio"]) == set(peers.PEERS) == {row["search"] for row in record["peers"]}
               for row in rows.values())
    assert benchmark.ratios(record).shape == (3, 4) and len(benchmark.shares(record, lenet.NAME)) == 7
    assert list(benchmark.throughput(record)) == [lenet.NAME]
    figures.throughput(benchmark.throughput(record))


def test_ten_classes_are_chosen_as_faces_are():
    try:
        name, _, network, chosen = bench.ten_classes(seed=20)
    except ValueError as error:
        pytest.skip(str(error))
    assert name == lenet.NAME and network.classes == lenet.CLASSES
    assert len(chosen.images) == measure.FACES and np.count_nonzero(chosen.flippable) == measure.FLIPPABLE
    for image, label in zip(chosen.images, chosen.labels):
        assert network.face(image).logits.argmax() == label
