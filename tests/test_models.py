"""The networks, their training, and `predict`."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest

from maskdet import config, data, faces, models, training


def crops(n=64, *, seed=0):
    """Crops told apart by the brightness of their lower half, and their labels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (n, 50, 50, 3), dtype=np.uint8)
    labels = np.arange(n) % 2
    images[labels == 1, 25:] += 100
    return images, labels


def test_importing_the_package_imports_no_framework():
    code = "import sys, maskdet.config, maskdet.attack; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_tensorflow_starts_without_a_word():
    done = subprocess.run([sys.executable, "-c", "import maskdet.backend"], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_figure2_is_the_network_of_the_preprints_figure_2():
    rows = [(row["kind"], row["output"]) for row in models.summary(models.build("figure2", seed=0))]
    assert [row for row in rows if row[0] not in ("InputLayer", "Rescaling")] == [
        ("Conv2D", "50×50×1"), ("Conv2D", "24×24×100"), ("MaxPooling2D", "12×12×100"), ("Conv2D", "10×10×64"),
        ("MaxPooling2D", "5×5×64"), ("Flatten", "1600"), ("Dense", "50"), ("Dropout", "50"),
        ("Dense", "2"), ("Softmax", "2")]


def test_figure2_sees_grey_only():
    predict = models.predictor(models.build("figure2", seed=0))
    image = crops(1)[0]
    grey = np.repeat((image @ np.array(models.LUMA))[..., None].round(), 3, axis=-1).astype(np.uint8)
    np.testing.assert_allclose(predict(image), predict(grey), atol=0.02)


def test_multiplications_are_counted_by_hand():
    by_hand = 50 * 50 * 3 + 24 * 24 * 100 * 9 + 10 * 10 * 64 * 9 * 100 + 1600 * 50 + 50 * 2
    assert models.multiplications(models.build("figure2", seed=0)) == by_hand


@pytest.mark.parametrize("name", models.NETWORKS)
def test_predict_gives_probabilities_for_any_number_of_images(name):
    predict = models.predictor(models.build(name, seed=0))
    images, _ = crops(models.BATCH + 3)
    whole = predict(images)
    assert whole.shape == (len(images), 2) and whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(predict(images[:1]), whole[:1], atol=1e-6)
    assert predict(images[:0]).shape == (0, 2)


@pytest.mark.parametrize("images", [np.zeros((1, 50, 50, 3)), np.zeros((1, 32, 32, 3), np.uint8),
                                    np.zeros((50, 50, 3), np.uint8), np.zeros((1, 3, 50, 50), np.uint8)])
def test_predict_refuses_images_of_another_shape_or_type(images):
    predict = models.predictor(models.build("figure2", seed=0))
    with pytest.raises(ValueError, match=r"expected uint8 images \(N, 50, 50, 3\), got"):
        predict(images)


def test_an_unknown_network_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="expected a network, one of resnet, figure2, got 'vgg'"):
        models.build("vgg", seed=0)


def test_a_saved_network_answers_the_same_and_a_broken_file_is_named(tmp_path):
    model, path = models.build("resnet", seed=0), tmp_path / "net.keras"
    with pytest.raises(FileNotFoundError, match="expected a network at .*net.keras, got no such file: run"):
        models.load(path)
    models.save(model, path)
    images, _ = crops(4)
    assert (models.predictor(models.load(path))(images) == models.predictor(model)(images)).all()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="expected a network saved by Keras, got .*net.keras: delete it"):
        models.load(path)


def fitted(name, *, seed, epochs=1):
    images, labels = crops()
    return training.fit(name, images, labels, validation=crops(8, seed=1), epochs=epochs, batch=16,
                        learning_rate=2e-3, seed=seed)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others():
    one, two, other = (fitted("figure2", seed=seed).model.get_weights() for seed in (3, 3, 4))
    assert all((a == b).all() for a, b in zip(one, two))
    assert not all((a == b).all() for a, b in zip(one, other))


def test_training_learns_what_can_be_told_apart():
    fit = fitted("figure2", seed=0, epochs=12)
    images, labels = crops(40, seed=2)
    found = training.Test(images, labels, models.predictor(fit.model)(images))
    assert found.accuracy.k == found.confusion.trace() and found.accuracy.share > 0.9
    assert len(fit.history) == 12


def test_training_on_one_class_is_refused():
    images, _ = crops(8)
    with pytest.raises(ValueError, match="expected both classes among 8 training crops, got one"):
        training.fit("figure2", images, np.ones(8, int), validation=(images, np.ones(8, int)), epochs=1,
                     batch=4, learning_rate=1e-3, seed=0)


@pytest.fixture
def cropped(profile):
    """A profile whose faces are drawn, found and cropped."""
    data.prepare(profile)
    faces.prepare(profile)
    return profile


def test_a_finished_fit_is_read_back_and_another_is_done_anew(cropped, monkeypatch):
    with pytest.raises(FileNotFoundError, match="expected network figure2 of profile test, got none: run `make"):
        training.load(cropped, "figure2")
    first = training.prepare(cropped, "figure2")
    fits, fit = [], training.fit
    monkeypatch.setattr(training.files, "source", lambda *objects: "as it was")
    monkeypatch.setattr(training, "fit", lambda *words, **options: fits.append(1) or fit(*words, **options))
    training.prepare(cropped, "figure2")
    assert len(fits) == 1, "its code has changed"
    again = training.prepare(cropped, "figure2")
    assert len(fits) == 1 and again.history.equals(first.history)
    assert all((a == b).all() for a, b in zip(again.model.get_weights(), first.model.get_weights()))
    other = dataclasses.replace(cropped, learning_rate=1e-2)
    with pytest.raises(ValueError, match="expected network figure2 trained on the crops as they are now"):
        training.load(other, "figure2")
    (cropped.folder / "figure2.json").unlink()  # interrupted before the report, which is written last
    training.prepare(cropped, "figure2")
    assert len(fits) == 2


def test_mistakes_are_the_wrong_faces_the_most_confident_first():
    probabilities = np.float32([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.2, 0.8]])
    found = training.Test(np.arange(4), np.array([1, 1, 1, 0]), probabilities)
    wrong, titles = found.mistakes(5)
    assert wrong.tolist() == [0, 3, 2] and titles == ["masked 10%", "bare 20%", "masked 40%"]


def test_an_unknown_profile_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="expected a profile, one of demo, larxel, wobot, smoke, got 'lfw'"):
        config.profile("lfw")
