"""TensorFlow and Keras, imported without a word on the screen, and what changes or protects the process around them.

Take them from here: `from maskdet.networks.backend import keras, tf`. To import them changes nothing else in a process.
A result depends on the number of threads and on the processor: `deterministic` fixes them.
"""

import contextlib
import os
import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

THREADS = 1  # sums are split by thread: another number of them rounds otherwise. Processes share the work instead

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C++ writes to file descriptor 2 out of notebooks; show it if the block fails.

    TensorFlow writes there that it found no CUDA, whatever the log level.
    """
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as written:
        os.dup2(written.fileno(), 2)
        try:
            yield
        except Exception:  # not an interruption
            written.seek(0)
            os.write(stderr, written.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


with _quiet():
    import keras
    import tensorflow as tf


def deterministic() -> None:
    """Let TensorFlow compute the same numbers in every process on this machine: with one thread, no GPU and
    deterministic operations. Raises RuntimeError where it has computed already, with other settings."""
    with _quiet():
        try:
            tf.config.set_visible_devices([], "GPU")  # it rounds otherwise: other weights, and proofs that do not hold
            tf.config.threading.set_intra_op_parallelism_threads(THREADS)
            tf.config.threading.set_inter_op_parallelism_threads(THREADS)
        except RuntimeError as error:
            raise RuntimeError("expected TensorFlow not to have computed anything yet, got one that has, with its own "
                               "number of threads: call maskdet.deterministic() before you use it") from error
        tf.config.experimental.enable_op_determinism()
        tf.get_logger().setLevel("ERROR")  # that many networks are traced is no news
        tf.constant(0.0) + 1.0  # starts the devices, which also write to file descriptor 2


def build_apart(make: Callable[[], Any], *, seed: int = 0) -> Any:
    """What `make`, which builds a Keras model, returns; its weights are drawn from `seed`, and the caller's random
    numbers and Keras session stay as they are."""
    def seeded() -> Any:
        state = random.getstate()
        random.seed(seed)  # Keras draws the seeds of weights and of Dropout from Python's generator
        try:
            return make()
        finally:
            random.setstate(state)

    with ThreadPoolExecutor(1) as thread:  # Keras has a session for each thread: names of layers are numbered from 0
        return thread.submit(seeded).result()
