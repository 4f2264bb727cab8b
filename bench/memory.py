"""Memory and seconds of an attack on a large network: MobileNetV2 of ten classes, images of 96 by 96
(CIFAR-10's, each pixel nine times).

`measured()` builds the network; a process of its own, `python -m bench.memory MODEL IMAGES`, reads and attacks it, so
that nothing else of the benchmark counts. The process prints a JSON object.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from maskdet import attack, deterministic
from maskdet.incremental import Incremental
from maskdet.networks.backend import keras
from maskdet.origin import published

SIDE, CLASSES, IMAGES = 96, 10, 16
QUERIES = 2000  # changed images for each search, of the 8 * SIDE**2 that all corners are
BATCH = 200  # changed images in a whole pass
SAME = 1e-4  # the largest difference of a logit that rounding explains
STATUS = Path("/proc/self/status")  # unlike the peak that `resource` knows, its VmHWM is not that of the parent process


def network(images: np.ndarray, *, seed: int) -> keras.Model:
    """MobileNetV2 of random weights for images of 0 to 1. Each batch normalisation has the statistics of `images`,
    without which no signal arrives at the end; the bias of class 0 is so large that no pixel flips, and a search
    spends all of its queries."""
    keras.utils.set_random_seed(seed)
    model = keras.applications.MobileNetV2(weights=None, input_shape=(SIDE, SIDE, 3), classes=CLASSES)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(images / np.float32(255), training=True)
    kernel, bias = model.layers[-1].get_weights()
    bias[0] = 20
    model.layers[-1].set_weights([kernel, bias])
    return model


def measured(*, seed: int) -> dict:
    """What `report` finds, in a process of its own."""
    small = published.images()[0][:IMAGES]
    images = small.repeat(SIDE // small.shape[1], axis=1).repeat(SIDE // small.shape[2], axis=2)
    with tempfile.TemporaryDirectory() as folder:
        model, chosen = Path(folder, "model.keras"), Path(folder, "images.npy")
        network(images, seed=seed).save(model)
        np.save(chosen, images)
        done = subprocess.run([sys.executable, "-m", "bench.memory", model, chosen], stdout=subprocess.PIPE, text=True,
                              check=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(model: keras.Model, images: np.ndarray) -> dict:
    """Of reading a model that takes 0 to 1 and ends in a dense layer, its face of the first of `images`, guided search
    and corners: the peak of this process's memory after each (`peak`, MB; `keras`: before, after a whole pass), the
    seconds of each, and queries per second, beside those of whole passes (`keras`). `difference`: the largest of a
    logit, on the images and on changed ones.

    Raises ValueError where that is more than rounding.
    """
    peak, seconds, rate = {}, {}, {}

    def step(name, call, *given, **settings):
        begin = time.perf_counter()
        made = call(*given, **settings)
        seconds[name] = round(time.perf_counter() - begin, 3)
        peak[name] = _peak()
        return made

    rng = np.random.default_rng(0)
    places = np.column_stack([*(rng.integers(0, most, BATCH) for most in (*images.shape[1:3], 256, 256, 256))])[:, None]
    changed = attack.set_pixels(images[0], places)
    whole = keras.Model(model.input, [model.layers[-2].output, model.output])

    def logits(batch):  # (N, H, W, C) uint8 -> (N, K)
        kernel, bias = model.layers[-1].get_weights()
        return whole.predict_on_batch(batch / np.float32(255))[0] @ kernel + bias

    logits(images[:1])
    peak["keras"] = _peak()
    read = step("read", Incremental.of, model, scale=1 / 255)
    face = step("face", read.face, images[0])
    for name in ("guided", "corners"):
        attack.run(read, images[:1], search=name, queries=BATCH, workers=1)  # compiles
        result = step(name, attack.run, read, images[:1], search=name, queries=QUERIES, workers=1)
        rate[name] = round(int(result.queries.sum()) / seconds[name], 1)
    logits(changed)  # compiles
    begin = time.perf_counter()
    expected = logits(changed)
    rate["keras"] = round(BATCH / (time.perf_counter() - begin), 1)
    difference = max(float(np.abs(face.query(places) - expected).max()),
                     *(float(np.abs(read.face(image).logits - logits(image[None])[0]).max()) for image in images[:4]))
    if difference > SAME:
        raise ValueError(f"expected the logits of {model.name} within {SAME} of Keras', got {difference:.1e}")
    return {"network": model.name, "side": images.shape[1], "classes": model.output.shape[-1], "queries": QUERIES,
            "peak": peak, "seconds": seconds, "queries_per_second": rate, "difference": float(f"{difference:.2g}")}


def _peak() -> int:
    """The most memory that this process held so far, in MB of 10^6 bytes."""
    if not STATUS.exists():
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6)
    [line] = [line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM")]
    return round(int(line.split()[1]) * 1024 / 1e6)


if __name__ == "__main__":
    deterministic()
    print(json.dumps(report(keras.models.load_model(sys.argv[1]), np.load(sys.argv[2]))))
