"""Many images attacked: in any order, by any number of processes, with the same results."""

import functools
import inspect
import math
from collections.abc import Generator
from typing import Any

import numpy as np

from maskdet import files
from maskdet.attack.goals import Goal
from maskdet.attack.oracle import Network, Predict, Predicted, Search, flip_limit, is_whole, probabilities
from maskdet.attack.pixels import Attempt, set_pixels
from maskdet.incremental import Incremental
from maskdet.workers import each

MANY = 16  # images from which on processes save more time than they take to start


def stream(model: Any, images: np.ndarray, labels: np.ndarray | None = None, *, search: Search, seed: int,
           target: int | np.ndarray | None = None, scale: float | None = None,
           workers: int | None = 1) -> Generator[tuple[int, Attempt]]:
    """Attack each of `images` (N, H, W, C) uint8 by `search`; yield its index and the attempt as it finishes.

    `model`: a Keras model, an `Incremental`, or a `predict(images) -> probabilities (N, K)`; images are multiplied by
    `scale`, if given, before a model or `predict` sees them. `labels` (N,): the true classes, 0 to K - 1; without,
    those that the network decides. `target`: a class to reach, or one for each image; without, any other. An image that
    the network gets wrong is not attacked: its attempt has no pixels. An attempt depends on the seed and the image,
    neither on the other images nor on the workers.

    `workers` processes share the work: 1 is this process, which takes an image after the other; -1 is one for each
    processor, or the Dask cluster that SCHEDULER names; a `predict` must then be one that can be sent there. None is -1
    for many images of a network that was read, else 1. Raises, when it is called, ValueError for images, labels,
    targets and numbers out of range, and TypeError for a model or a search that is none, or that cannot do this.
    """
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 4 or 0 in images.shape[1:] or _channels_first(images):
        raise ValueError(f"expected uint8 images (N, H, W, C), 0 to 255, got {images.dtype} {images.shape}"
                         + _images_hint(images))
    if inspect.isclass(search) or not callable(search):
        raise TypeError(f"expected a search, such as Guided(), got {search!r}")
    if not is_whole(seed) or seed < 0:
        raise ValueError(f"expected a seed, a whole number of at least 0, got {seed!r}")
    if workers is not None and (not is_whole(workers) or workers < 1 and workers != -1):
        raise ValueError(f"expected workers, a number of processes, or -1 for all processors, got {workers!r}")
    network = network_of(model, scale)
    goals = _goals(network, images, labels, target, search) if len(images) else []
    if workers is None:
        workers = -1 if isinstance(network, Incremental) and len(images) >= MANY else 1
    calls = {index: functools.partial(_attack_image, network, image, goal, search, seed)
             for index, (image, goal) in enumerate(zip(images, goals))}
    return each(calls, workers=workers, cluster=True)


def network_of(model: Any, scale: float | None = None) -> Network:
    """What is attacked of a Keras model, an `Incremental` or another network, or a `predict`. Raises ValueError for a
    `scale` out of range and for what `Incremental` cannot read, and TypeError for anything else."""
    if scale is not None and not (isinstance(scale, (int, float, np.number)) and 0 < scale < math.inf):
        raise ValueError("expected a scale, by which images of 0 to 255 are multiplied, such as 1 / 255, got "
                         f"{scale!r}")
    if inspect.isclass(model) or not (callable(model) or hasattr(model, "face")):
        raise TypeError("expected a Keras model, an Incremental, or a function predict(images) -> probabilities, got "
                        f"{model!r}")
    if hasattr(model, "state_dict"):
        raise TypeError("expected a function predict(images) -> probabilities of a PyTorch module, got the "
                        f"{type(model).__name__}: one that turns (N, H, W, C) uint8 into what the module takes, and "
                        "what it returns into probabilities (N, K)")
    if hasattr(model, "predict_on_batch"):  # of Keras, which is not imported to look
        return Incremental.of(model, scale)
    if hasattr(model, "face"):
        if scale is not None:
            raise ValueError(f"expected no scale with a network that was read, got {scale!r}: give it when it is read, "
                             "Incremental.of(model, scale=...)")
        return model
    return Predicted(model if scale is None else functools.partial(_scaled, model, scale))


def _scaled(predict: Predict, scale: float, images: np.ndarray) -> np.ndarray:
    return predict(images.astype(np.float32) * np.float32(scale))


def _channels_first(images: np.ndarray) -> bool:
    """Whether images look like (N, C, H, W): as many rows as a picture has channels, and more channels than that."""
    return images.ndim == 4 and images.shape[1] in (1, 3) and min(images.shape[2:]) > 4


def _images_hint(images: np.ndarray) -> str:
    """The remedy for images of another type or shape."""
    if _channels_first(images):
        return ": of channels first, give images.transpose(0, 2, 3, 1)"
    if images.ndim == 3:
        return ": of a single image, give image[None]; of grey ones, images[..., None]"
    if images.dtype.kind == "f":
        return ": of a model that takes 0 to 1, give images of 0 to 255 as uint8, and scale=1 / 255"
    return ""


def _goals(network: Network, images: np.ndarray, labels: Any, target: Any, search: Search) -> list[Goal]:
    """The goal of each image. Raises where these, or the search, do not fit the network, as its first answers tell."""
    first = network.face(images[0])
    if check := getattr(search, "check", None):
        check(first)
    if labels is None:
        labels = [int(network.face(image).logits.argmax()) for image in images]
    labels, classes = np.asarray(labels), len(first.logits)
    if labels.dtype.kind not in "iub" or labels.shape != images.shape[:1] or ((labels < 0) | (labels >= classes)).any():
        raise ValueError(f"expected a label, a whole number of 0 to {classes - 1}, for each of {len(images)} images, "
                         f"got {labels.dtype} {labels.shape}: {np.unique(labels)[:9].tolist()}"
                         + (": of one-hot rows, give labels.argmax(axis=1)" if labels.ndim == 2 else ""))
    targets = np.asarray(target)
    if targets.shape not in ((), labels.shape):
        raise ValueError(f"expected a target, or one for each of {len(images)} images, got {targets.shape}")
    goals = [Goal(*of) for of in zip(labels.tolist(), np.broadcast_to(targets, labels.shape).tolist())]
    for goal in goals:
        goal.check(classes)
    return goals


def _attack_image(network: Network, image: np.ndarray, goal: Goal, search: Search, seed: int) -> Attempt:
    face = network.face(image)
    before = probabilities(face.logits)
    if Goal(goal.label).margin(face.logits) < -flip_limit(face):
        return Attempt(goal.label, (), before, before, 0, goal.target)
    # The draws depend on the seed, the image and the goal alone.
    what = (goal.label,) if goal.target is None else (goal.label, goal.target)
    words = np.frombuffer(bytes.fromhex(files.digest(image.tobytes(), *what)), np.uint32)
    pixels, queries = search(face, goal, rng=np.random.default_rng([seed, *words.tolist()]))
    after = network.face(set_pixels(image, pixels[None])[0]).logits
    return Attempt(goal.label, tuple(map(tuple, pixels.tolist())), before, probabilities(after), queries, goal.target)
