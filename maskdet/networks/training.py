"""A network fitted to crops, by a recipe and from a seed."""

import time
from dataclasses import dataclass

import numpy as np
import pandas as pd

from maskdet import networks
from maskdet.config import CLASSES, Recipe
from maskdet.networks import hardening
from maskdet.networks.augmentation import LUMA, Augmentation
from maskdet.networks.backend import deterministic, keras, tf

WARM = 0.05  # share of the steps in which the learning rate rises to its full value


@dataclass(frozen=True)
class Fit:
    """A trained network: its `weights`, the `seconds` that it took, and its `history`, a row for each epoch: loss and
    accuracy on the training crops as it saw them, and `held_out`, the accuracy on other crops."""

    weights: list[np.ndarray]
    history: pd.DataFrame
    seconds: float


def fit(name: str, patches: np.ndarray, labels: np.ndarray, *, held_out: tuple, recipe: Recipe, seed: int,
        scaling: str = "unit", hardened: str | None = None, crops: np.ndarray | None = None,
        augmentation: Augmentation = Augmentation(), make: networks.Maker | None = None) -> Fit:
    """Train network `name`, or the one that `make` builds, on `patches` (N, 100, 100, 3) uint8 and `labels` (N,), 0
    bare, 1 masked; or other classes, where that is what the made network tells apart.

    By Adam (Kingma & Ba 2015), with decoupled weight decay (Loshchilov & Hutter 2019). A recipe that does not augment
    trains on `crops` (N, 50, 50, 3) instead. `held_out` (images, labels) is measured after each epoch; nothing is
    chosen by it. With `scaling` "l2" the crops are `normalised` for training only. `hardened`: how to train against one
    pixel, a key of `hardening.LOSSES`. Batch normalisations of the recipe are merged into the weights that are
    returned. The same seed gives the same weights on a machine. Raises ValueError where a class is missing.
    """
    if hardened and scaling == "l2":
        raise ValueError(f"expected crops of colours 0 to 255 to train against one pixel, got scaling {scaling!r}")
    if len(np.unique(labels)) < len(CLASSES):
        raise ValueError(f"expected both classes among {len(labels)} training crops, got one")
    if crops is None and not recipe.augmented:
        raise ValueError("expected crops to train on as they are, got none: the recipe does not augment patches")
    deterministic()
    start, rng = time.perf_counter(), np.random.default_rng(seed)
    model = networks.build(name, seed=seed, scaling=scaling, batch_normalised=recipe.batch_normalised, make=make)
    rows = _balanced(labels) if recipe.balanced else np.arange(len(labels))  # what an epoch shows
    batches = -(-len(rows) // recipe.batch)
    steps = recipe.epochs * batches
    optimizer = _optimizer(recipe, steps=steps)
    optimizer.build(model.trainable_variables)  # else the first step makes its variables, and is traced twice
    step = _step(model, optimizer) if hardened is None else hardening.step(model, optimizer, hardened, steps=steps,
                                                                           rng=rng)
    predict, history = networks.predictor(model), []
    for _ in range(recipe.epochs):
        order = rng.permutation(rows)
        images = (augmentation(patches[order], rng=rng) if crops is None or recipe.augmented
                  else crops[order].astype(np.float32))
        if scaling == "l2":
            images = normalised(images, grey=name in networks.GREY)
        sums = [step(images[batch], labels[order[batch]].astype(np.int64))
                for batch in (slice(i * recipe.batch, (i + 1) * recipe.batch) for i in range(batches))]
        loss, accuracy = np.sum([[float(value) for value in pair] for pair in sums], axis=0) / len(order)
        correct = predict(held_out[0]).argmax(axis=1) == held_out[1]
        history.append({"loss": loss, "accuracy": accuracy, "held_out": correct.mean() if len(correct) else np.nan})
    weights = networks.merge_batch_normalisation(model) if recipe.batch_normalised else model.get_weights()
    return Fit(weights, pd.DataFrame(history), time.perf_counter() - start)


def _balanced(labels: np.ndarray) -> np.ndarray:
    """The rows of the crops, those of the smaller class repeated until both classes have equally many."""
    rows = [np.flatnonzero(labels == label) for label in range(len(CLASSES))]
    return np.concatenate([np.resize(side, max(map(len, rows))) for side in rows])


def _optimizer(recipe: Recipe, *, steps: int):
    schedules = keras.optimizers.schedules
    if recipe.decay is not None:
        return keras.optimizers.Adam(schedules.InverseTimeDecay(recipe.learning_rate, 1, recipe.decay))
    warm = max(1, round(WARM * steps))
    rate = schedules.CosineDecay(0.0, max(1, steps - warm), warmup_target=recipe.learning_rate, warmup_steps=warm)
    return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)


def _step(model, optimizer):
    """`step(images, labels) -> summed loss, number correct` of a batch, compiled."""
    @tf.function(input_signature=[tf.TensorSpec((None, *model.input_shape[1:])), tf.TensorSpec((None,), tf.int64)])
    def step(images, labels):
        with tf.GradientTape() as tape:
            probabilities = model(images, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
            loss = tf.reduce_mean(losses)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        correct = tf.reduce_sum(tf.cast(tf.argmax(probabilities, axis=1) == labels, tf.float32))
        return tf.reduce_sum(losses), correct
    return step


def normalised(images: np.ndarray, *, grey: bool) -> np.ndarray:
    """Images (N, H, W, 3) divided by the Euclidean norm of each column of pixels, as in the preprint's code; `grey`:
    turned into grey before."""
    if grey:
        images = np.repeat((images @ LUMA)[..., None], 3, axis=-1)
    norm = np.sqrt((images**2).sum(axis=1, keepdims=True))
    return images / np.where(norm > 0, norm, 1)
