"""What the page *Try it* shows and computes: a gallery of drawn faces, and networks as steps that a browser can run."""

import base64
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from maskdet import attack, config, drawing, faces, files, networks
from maskdet.config import CLASSES, SIZE, Profile
from maskdet.counts import Count
from maskdet.data import FOLDING
from maskdet.faces import yunet
from maskdet.incremental import Incremental
from maskdet.networks.backend import keras

DRAWN = 80  # faces, of which the gallery shows some
SHOWN = 6  # faces of each class
ENLARGED = 6  # times, in the picture
FIRST = "figure2"  # the network that the page begins with
RUNTIME = "book/_static/vendor/tfjs/tfjs-backend-wasm-simd.wasm"  # of TensorFlow.js, in a checkout
layers = keras.layers


@dataclass(frozen=True)
class Gallery:
    """`images` (N, 50, 50, 3) uint8 and `labels` (N,) of drawn faces that every network classifies correctly, as many
    of each class; of those `drawn` the ones that some network is least sure of."""

    images: np.ndarray
    labels: np.ndarray
    drawn: int


def gallery(*, seed: int) -> Gallery:
    """Draw `DRAWN` people with a mask or a bare face, and keep `SHOWN` of each class that the shipped networks classify
    correctly, those first that one of them is least sure of. Raises ValueError where there are fewer."""
    drawn = [face for number in range(DRAWN) if (face := _drawn(np.random.default_rng([seed, number]))) is not None]
    images, labels = map(np.array, zip(*drawn))
    least = np.min([networks.load(name)(images)[np.arange(len(labels)), labels] for name in networks.NETWORKS], axis=0)
    order = np.argsort(least, kind="stable")
    correct = order[least[order] > 0.5]
    kept = np.concatenate([correct[labels[correct] == label][:SHOWN] for label in range(len(CLASSES))])
    if len(kept) < SHOWN * len(CLASSES):
        raise ValueError(f"expected {SHOWN} faces of each class that the networks have right, got {len(kept)}")
    return Gallery(images[kept], labels[kept], len(drawn))


def _drawn(rng: np.random.Generator) -> tuple[np.ndarray, int] | None:
    """The face of one drawn person and its class, if it has one."""
    scene = drawing.scene(rng=rng, people=1)
    for box in scene.boxes:
        if box.name.startswith("face_") and (label := FOLDING[box.name].label) in CLASSES:
            return faces.crop(scene.photograph, (box.left, box.top, box.right, box.bottom)), CLASSES.index(label)
    return None


def steps(model: keras.Model) -> tuple[list[dict], list[np.ndarray]]:
    """A network of this project as steps from an image (H, W, 3) of 0 to 255 to its two logits, and their arrays. A
    step has a `kind`, settings, and the numbers of the steps that it reads (`inputs`, the image being 0) and of its
    `arrays`. Raises ValueError for a layer that is not known here, and where the last is no softmax."""
    if not isinstance(model.layers[-1], layers.Softmax):
        raise ValueError(f"expected a model that ends in a softmax, got {type(model.layers[-1]).__name__}")
    sequence, arrays, _ = _followed(model, model.layers[1:-1])
    return sequence, arrays


def _followed(model: keras.Model, followed: Sequence) -> tuple[list[dict], list[np.ndarray], dict[int, int]]:
    """The steps and arrays of some layers of a model, and the number of the step that computes each tensor, by id."""
    number, sequence = {id(model.inputs[0]): 0}, []
    arrays: list[np.ndarray] = []
    for layer in followed:
        inputs = [number[id(tensor)] for tensor in keras.tree.flatten(layer.input)]
        if isinstance(layer, layers.Dropout):  # of no effect outside training
            [number[id(layer.output)]] = inputs
            continue
        kind, settings, values = _step(layer)
        sequence.append({"kind": kind, "inputs": inputs, **settings,
                         "arrays": list(range(len(arrays), len(arrays) + len(values)))})
        arrays += [np.asarray(value, np.float32) for value in values]
        number[id(layer.output)] = len(sequence)
    return sequence, arrays, number


def _detector() -> dict:
    """YuNet as the page runs it: its steps and arrays, the steps that are its outputs, and its settings."""
    model = yunet.loaded()
    sequence, arrays, number = _followed(model, model.layers[1:])
    return _packed(sequence, arrays) | {"outputs": [number[id(tensor)] for tensor in model.outputs],
                                        "strides": yunet.STRIDES, "settings": dataclasses.asdict(yunet.Settings())}


def _packed(sequence: list[dict], arrays: list[np.ndarray]) -> dict:
    return {"steps": sequence, "shapes": [list(array.shape) for array in arrays],
            "values": _base64(np.concatenate([array.ravel() for array in arrays]).astype("<f4"))}


def _step(layer) -> tuple[str, dict, list]:
    """A layer's kind, settings and arrays."""
    bend = getattr(getattr(layer, "activation", None), "__name__", "linear")
    if bend not in ("linear", "relu") or bend == "relu" and isinstance(layer, layers.DepthwiseConv2D):
        raise ValueError(f"expected no activation but relu, got {bend} in {layer.name}")
    if isinstance(layer, layers.Rescaling):
        return "affine", {}, [[layer.scale], [layer.offset]]
    if isinstance(layer, layers.BatchNormalization):
        return "affine", {}, [*networks.scale_and_offset(layer)]
    if type(layer) is layers.Conv2D:
        return "convolution", {"stride": list(layer.strides), "padding": layer.padding, "relu": bend == "relu"}, [
            layer.kernel, layer.bias if layer.use_bias else np.zeros(layer.filters)]
    if isinstance(layer, layers.Dense):
        return "dense", {"relu": bend == "relu"}, [layer.kernel, layer.bias]
    if isinstance(layer, layers.DepthwiseConv2D):
        _only(layer, strides=(1, 1), depth_multiplier=1, use_bias=True)
        return "depthwise", {"padding": layer.padding}, [layer.kernel, layer.bias]
    if isinstance(layer, layers.ZeroPadding2D):
        _only(layer, padding=((1, 1), (1, 1)))
    if isinstance(layer, layers.UpSampling2D):
        _only(layer, size=(2, 2), interpolation="nearest")
    if isinstance(layer, layers.MaxPooling2D):
        return "maximum", {"size": list(layer.pool_size), "stride": list(layer.strides), "padding": layer.padding}, []
    kinds = {layers.ReLU: "relu", layers.GlobalAveragePooling2D: "mean", layers.Flatten: "flatten", layers.Add: "sum",
             layers.ZeroPadding2D: "border", layers.UpSampling2D: "doubled"}
    if type(layer) not in kinds:
        raise ValueError(f"expected a layer that the page knows, got {type(layer).__name__} ({layer.name})")
    return kinds[type(layer)], {}, []


def _only(layer, **settings) -> None:
    """Raise ValueError for a layer with another setting than the page computes."""
    for name, expected in settings.items():
        if (got := getattr(layer, name)) != expected:
            raise ValueError(f"expected {name} {expected} of {layer.name}, as the page computes it, got {got}")


def write(run: Profile) -> dict:
    """Write `playground/data.js` for the page: the shipped networks and the gallery. Returns what the prose quotes."""
    shown = _bright_first(gallery(seed=run.seed), seed=run.seed)
    written = {name: _packed(*steps(networks.shipped(name))) for name in networks.NETWORKS}
    pictures = [{"label": int(label), "values": _base64(image)} for image, label in zip(shown.images, shown.labels)]
    data = {"classes": CLASSES, "networks": written, "detector": _detector(), "faces": pictures,
            "runtime": "data:application/wasm;base64," + _base64(np.fromfile(config.checkout() / RUNTIME, np.uint8))}
    # A script that holds all, and not JSON: a page that is opened from a folder may not fetch.
    with files.whole(run.folder / "playground" / "data.js") as part:
        part.write_text(f"window.maskdet = {json.dumps(data)};\n", encoding="utf8")
    return {"gallery": {"drawn": shown.drawn, "shown": len(shown.labels), "flipped": flipped(shown, seed=run.seed)}}


def flipped(shown: Gallery, *, seed: int) -> dict[str, Count]:
    """Of how many faces of the gallery some corner at some place turns the decision, by network."""
    return {name: Count(sum(attempt.flipped for attempt in _attempts(shown, name, seed=seed)), len(shown.labels))
            for name in networks.NETWORKS}


def flippable(shown: Gallery, network: str, *, seed: int) -> tuple[np.ndarray, attack.Attempt]:
    """The brightest face (50, 50, 3) of the gallery of which a corner turns the decision of a shipped network, and the
    attempt. Raises ValueError where there is none."""
    attempts = _attempts(shown, network, seed=seed)
    if not any(attempt.flipped for attempt in attempts):
        raise ValueError(f"expected a face of the gallery that one pixel flips for {network}, got none of "
                         f"{len(attempts)}")
    face = max((face for face, attempt in enumerate(attempts) if attempt.flipped),
               key=lambda face: shown.images[face].mean())
    return shown.images[face], attempts[face]


def picture(*, seed: int) -> Image.Image:
    """The face of `flippable` and, beside it, the same with its pixel changed and framed, enlarged."""
    image, attempt = flippable(gallery(seed=seed), FIRST, seed=seed)
    [changed] = attack.set_pixels(image, np.array([attempt.pixels]))
    shown = Image.new("RGB", (2 * ENLARGED * SIZE + ENLARGED, ENLARGED * SIZE), "white")
    for left, one in ((0, image), (ENLARGED * (SIZE + 1), changed)):
        shown.paste(Image.fromarray(one).resize((ENLARGED * SIZE,) * 2, Image.Resampling.NEAREST), (left, 0))
    row, column, *_ = attempt.pixels[0]
    at = np.array([column + SIZE + 1, row]) * ENLARGED
    ImageDraw.Draw(shown).rectangle((*(at - 2 * ENLARGED).tolist(), *(at + 3 * ENLARGED).tolist()), outline="#b3366b",
                                    width=3)
    return shown


def _bright_first(shown: Gallery, *, seed: int) -> Gallery:
    """The gallery with the face first that the page begins with: the one of `flippable` for its first network."""
    image, _ = flippable(shown, FIRST, seed=seed)
    first = int((shown.images == image).all(axis=(1, 2, 3)).argmax())
    order = [first, *(face for face in range(len(shown.labels)) if face != first)]
    return Gallery(shown.images[order], shown.labels[order], shown.drawn)


def _attempts(shown: Gallery, network: str, *, seed: int) -> list[attack.Attempt]:
    found = dict(attack.stream(Incremental.of(networks.shipped(network)), shown.images, shown.labels,
                               search=attack.Guided(), seed=seed, workers=-1))
    return [found[face] for face in range(len(shown.labels))]


def _base64(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()
