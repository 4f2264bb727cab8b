"""The networks, `predict`, and weights as files."""

import subprocess
import sys

import numpy as np
import pytest

from maskdet import config, networks


def crops(n=64, *, seed=0):
    """Crops told apart by the brightness of their lower half, and their labels."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 120, (n, 50, 50, 3), dtype=np.uint8)
    labels = np.arange(n) % 2
    images[labels == 1, 25:] += 100
    return images, labels


@pytest.mark.parametrize("modules, heavy", [
    ("maskdet", {"numpy", "pandas", "numba", "joblib", "keras", "tensorflow"}),
    ("maskdet, maskdet.config, maskdet.attack", {"keras", "tensorflow"})])
def test_importing_the_package_imports_nothing_heavy(modules, heavy):
    code = f"import sys, {modules}; print(sorted({heavy!r} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"


def test_tensorflow_starts_without_a_word():
    done = subprocess.run([sys.executable, "-c", "import maskdet; maskdet.deterministic()"], capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_networks_are_built_loaded_and_read_without_a_trace_in_the_callers_process(tmp_path):
    code = f"""if True:
        import pathlib, random, keras, numpy as np, tensorflow as tf
        from tensorflow.python.framework import config as determinism
        keras.layers.Dense(1)
        keras.utils.set_random_seed(7)
        tf.config.threading.set_intra_op_parallelism_threads(3)
        def drawn():
            return (random.random(), np.random.rand(), float(tf.random.uniform(())), float(keras.random.uniform(())))
        expected = drawn()

        keras.utils.set_random_seed(7)
        import maskdet
        from maskdet import networks
        from maskdet.incremental import Incremental
        path = pathlib.Path({str(tmp_path)!r}, "net.keras")
        networks.save_model(networks.build("figure2", seed=1), path)
        networks.read_model(path)
        networks.load("resnet")(np.zeros((2, 50, 50, 3), np.uint8))
        Incremental.of(networks.shipped("figure2"))
        assert drawn() == expected
        assert keras.layers.Dense(1).name == "dense_1"
        names = [layer.name for layer in networks.build("figure2", seed=1).layers]
        assert names[2:5] == ["grey", "conv2d", "max_pooling2d"]
        assert tf.config.threading.get_intra_op_parallelism_threads() == 3
        assert not determinism.is_op_determinism_enabled()
        maskdet.deterministic()
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Traceback" in done.stderr
    assert done.stderr.rstrip().endswith("call maskdet.deterministic() before you use it")


def test_figure2_is_the_network_of_the_preprints_figure_2():
    rows = [(row["kind"], row["output"]) for row in networks.summary(networks.build("figure2", seed=0))]
    assert [row for row in rows if row[0] not in ("InputLayer", "Rescaling")] == [
        ("Conv2D", "50×50×1"), ("Conv2D", "24×24×100"), ("MaxPooling2D", "12×12×100"), ("Conv2D", "10×10×64"),
        ("MaxPooling2D", "5×5×64"), ("Flatten", "1600"), ("Dense", "50"), ("Dropout", "50"),
        ("Dense", "2"), ("Softmax", "2")]


def test_figure2_sees_grey_only():
    predict = networks.predictor(networks.build("figure2", seed=0))
    image = crops(1)[0]
    grey = np.repeat((image @ np.array(networks.LUMA))[..., None].round(), 3, axis=-1).astype(np.uint8)
    np.testing.assert_allclose(predict(image), predict(grey), atol=0.02)


def test_multiplications_are_counted_by_hand():
    by_hand = 50 * 50 * 3 + 24 * 24 * 100 * 9 + 10 * 10 * 64 * 9 * 100 + 1600 * 50 + 50 * 2
    assert networks.multiplications(networks.build("figure2", seed=0)) == by_hand


@pytest.mark.parametrize("name", networks.NETWORKS)
def test_predict_gives_probabilities_for_any_number_of_images(name):
    predict = networks.predictor(networks.build(name, seed=0))
    images, _ = crops(networks.BATCH + 3)
    whole = predict(images)
    assert whole.shape == (len(images), 2) and whole.dtype == np.float32
    np.testing.assert_allclose(whole.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(predict(images[:1]), whole[:1], atol=1e-6)
    assert predict(images[:0]).shape == predict(np.array([])).shape == (0, 2)


@pytest.mark.parametrize("images", [np.zeros((1, 50, 50, 3)), np.zeros((1, 32, 32, 3), np.uint8),
                                    np.zeros((50, 50, 3), np.uint8), np.zeros((1, 3, 50, 50), np.uint8)])
def test_predict_refuses_images_of_another_shape_or_type(images):
    predict = networks.predictor(networks.build("figure2", seed=0))
    with pytest.raises(ValueError, match=r"expected uint8 images \(N, 50, 50, 3\), 0 to 255, got"):
        predict(images)


def test_an_unknown_network_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="expected a network, one of resnet, figure2, mobilenet, resnet50, got 'vgg'"):
        networks.build("vgg", seed=0)


def test_a_saved_network_answers_the_same_and_a_broken_file_is_named(tmp_path):
    model, path = networks.build("resnet", seed=0), tmp_path / "net.keras"
    with pytest.raises(FileNotFoundError, match="expected a network at .*net.keras, got no such file: run"):
        networks.read_model(path)
    networks.save_model(model, path)
    images, _ = crops(4)
    assert (networks.predictor(networks.read_model(path))(images) == networks.predictor(model)(images)).all()
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ValueError, match="expected a network saved by Keras, got .*net.keras: delete it"):
        networks.read_model(path)


def made(name):
    """An untrained network, as one that is shipped under this name is built."""
    return networks.build(name, seed=3, make=networks.MADE.get(name))


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder with the weights of two untrained networks, as shipped."""
    monkeypatch.setattr("maskdet.networks.weights.FOLDER", tmp_path)
    built = {name: made(name).get_weights() for name in networks.NETWORKS}
    networks.ship(built, {"data": "none"})
    return tmp_path


def test_shipped_weights_answer_as_the_network_that_they_are_of_and_are_the_same_bytes_again(shipped):
    images, _ = crops(4)
    for name in networks.NETWORKS:
        assert (networks.load(name)(images) == networks.predictor(made(name))(images)).all()
    before = (shipped / "resnet.npz").read_bytes()
    networks.ship({"resnet": made("resnet").get_weights()}, {"data": "none"})
    assert (shipped / "resnet.npz").read_bytes() == before and networks.card()["data"] == "none"


def test_changed_or_missing_weights_are_refused_with_the_remedy(shipped):
    path = shipped / "figure2.npz"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ValueError, match="expected .*figure2.npz with the SHA-256 .*: install the package anew"):
        networks.load("figure2")
    path.unlink()
    with pytest.raises(FileNotFoundError, match="expected a file at .*figure2.npz, got no such file: install"):
        networks.load("figure2")
    with pytest.raises(ValueError, match="expected a network that is shipped, one of resnet, figure2, got 'mobilenet'"):
        networks.load("mobilenet")


@pytest.mark.parametrize("content", [b"", b'{"networks": {"resn', b"\xff\xfe", b"[]", b"{}", b'{"networks": []}',
                                     b'{"networks": {"resnet": {}}}', b'{"networks": {"resnet": {"sha256": 1}}}'])
def test_a_damaged_card_is_named_with_the_remedy(shipped, content):
    (shipped / "card.json").write_bytes(content)
    for ask in (networks.card, lambda: networks.load("resnet")):
        with pytest.raises(ValueError, match="expected the card of the weights, .*card.json, got .*: install"):
            ask()


def test_a_network_that_is_not_on_the_card_is_an_error(shipped):
    networks.ship({"resnet": made("resnet").get_weights()}, {"data": "none"})
    with pytest.raises(ValueError, match="expected figure2 on the card in .*, got only resnet: install"):
        networks.load("figure2")


@pytest.mark.parametrize("name, millions", [("mobilenet", 2.42), ("resnet50", 23.59)])
def test_the_networks_of_the_cited_detectors_have_their_known_size(name, millions):
    # Keras's documentation: 3.5 and 25.6 million with a head of 1,000 classes, of 1.28 and 2.05 million.
    model = networks.build(name, seed=0)
    assert model.count_params() / 1e6 == pytest.approx(millions, abs=0.01) and model.output_shape == (None, 2)


def test_a_scaled_network_is_asked_about_pixels_as_they_are():
    images, _ = crops(2)
    plain, raw = (networks.build("figure2", seed=4, scaling=scaling) for scaling in ("unit", "l2"))
    raw.set_weights(plain.get_weights())
    expected = networks.predictor(plain)(images // 255 * 255)
    assert networks.predictor(raw)(images // 255).tolist() == pytest.approx(expected)
    with pytest.raises(ValueError, match="expected a scaling, one of unit, l2, median, got 'max'"):
        networks.build("figure2", seed=0, scaling="max")


def test_an_unknown_profile_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match="expected a profile, one of demo, larxel, wobot, tenth, drawings, smoke, got"):
        config.profile("lfw")
