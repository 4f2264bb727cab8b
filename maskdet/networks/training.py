"""A network fitted to crops: by a recipe, from a seed, in a process of its own."""

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
    """A trained network: its `weights`, its `history` (an epoch a row: loss and accuracy on the crops as it
    was shown them, and `held_out`, the accuracy on crops that it was not) and the `seconds` that it took."""

    weights: list[np.ndarray]
    history: pd.DataFrame
    seconds: float


def fit(name: str, patches: np.ndarray, labels: np.ndarray, *, held_out: tuple, recipe: Recipe, seed: int,
        scaling: str = "unit", hardened: str | None = None, crops: np.ndarray | None = None,
        augmentation: Augmentation = Augmentation()) -> Fit:
    """Train network `name` on `patches` (N, 100, 100, 3) uint8 and `labels` (N,), 0 bare, 1 masked.

    Adam (Kingma & Ba 2015), with the decay of weights apart from it (Loshchilov & Hutter 2019). A recipe
    that does not augment trains on `crops` (N, 50, 50, 3) instead. Nothing is chosen on `held_out`
    (images, labels): it is measured after each epoch. With `scaling` "l2" the crops are `normalised` for
    training, and only for that. It is trained against one pixel where a way is named that it be `hardened`, one of
    `hardening.WAYS`. Batch normalisations that the recipe asks for are merged into the weights that are returned. The
    same seed gives the same weights on one machine. Raises ValueError where one class is missing.
    """
    if hardened and scaling == "l2":
        raise ValueError(f"expected crops of colours 0 to 255 to train against one pixel, got scaling {scaling!r}")
    if len(np.unique(labels)) < len(CLASSES):
        raise ValueError(f"expected both classes among {len(labels)} training crops, got one")
    if crops is None and not recipe.augmented:
        raise ValueError("expected crops to train on as they are, got none: the recipe does not augment patches")
    deterministic()
    start, rng = time.perf_counter(), np.random.default_rng(seed)
    model = networks.build(name, seed=seed, scaling=scaling, batch_normalised=recipe.batch_normalised)
    crops_shown = _shown(labels) if recipe.balanced else np.arange(len(labels))
    batches = -(-len(crops_shown) // recipe.batch)
    steps = recipe.epochs * batches
    optimizer = _optimizer(recipe, steps=steps)
    optimizer.build(model.trainable_variables)  # else the first step makes its variables, and is traced twice
    step = _step(model, optimizer) if hardened is None else hardening.step(model, optimizer, hardened, steps=steps,
                                                                           rng=rng)
    predict, rows = networks.predictor(model), []
    for _ in range(recipe.epochs):
        order = rng.permutation(crops_shown)
        images = (augmentation(patches[order], rng=rng) if crops is None or recipe.augmented
                  else crops[order].astype(np.float32))
        if scaling == "l2":
            images = normalised(images, grey=name in networks.GREY)
        shown = [step(images[batch], labels[order[batch]].astype(np.int64))
                 for batch in (slice(i * recipe.batch, (i + 1) * recipe.batch) for i in range(batches))]
        loss, right = np.sum([[float(one) for one in two] for two in shown], axis=0) / len(order)
        known = predict(held_out[0]).argmax(axis=1) == held_out[1]
        rows.append({"loss": loss, "accuracy": right, "held_out": known.mean() if len(known) else np.nan})
    weights = networks.merge_batch_normalisation(model) if recipe.batch_normalised else model.get_weights()
    return Fit(weights, pd.DataFrame(rows), time.perf_counter() - start)


def _shown(labels: np.ndarray) -> np.ndarray:
    """Numbers of crops, those of the smaller class repeated until there are as many as of the larger one."""
    rows = [np.flatnonzero(labels == own) for own in range(len(CLASSES))]
    most = max(map(len, rows))
    return np.concatenate([np.resize(side, most) for side in rows])


def _optimizer(recipe: Recipe, *, steps: int):
    schedules = keras.optimizers.schedules
    if recipe.decay is not None:
        return keras.optimizers.Adam(schedules.InverseTimeDecay(recipe.learning_rate, 1, recipe.decay))
    warm = max(1, round(WARM * steps))
    rate = schedules.CosineDecay(0.0, max(1, steps - warm), warmup_target=recipe.learning_rate, warmup_steps=warm)
    return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)


def _step(model, optimizer):
    """`step(images, labels) -> summed loss, number right` of one batch, compiled."""
    @tf.function(input_signature=[tf.TensorSpec((None, *model.input_shape[1:])), tf.TensorSpec((None,), tf.int64)])
    def step(images, labels):
        with tf.GradientTape() as tape:
            probabilities = model(images, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
            loss = tf.reduce_mean(losses)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        right = tf.reduce_sum(tf.cast(tf.argmax(probabilities, axis=1) == labels, tf.float32))
        return tf.reduce_sum(losses), right
    return step


def normalised(images: np.ndarray, *, grey: bool) -> np.ndarray:
    """Images (N, H, W, 3) over the Euclidean norm of each column of pixels, as the preprint's code has it;
    `grey`, after their colours were folded into one."""
    if grey:
        images = np.repeat((images @ LUMA)[..., None], 3, axis=-1)
    norm = np.sqrt((images**2).sum(axis=1, keepdims=True))
    return images / np.where(norm > 0, norm, 1)
