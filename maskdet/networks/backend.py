"""TensorFlow and Keras, imported once, the same way everywhere: quiet, one thread, deterministic.

Take them from here (`from maskdet.networks.backend import keras, tf`), never directly: a result depends on
the number of threads and on the kernels, which are fixed when TensorFlow starts.
"""

import contextlib
import os
import sys
import tempfile

THREADS = 1  # sums are split by thread: another number of them gives other roundings. Processes share the work

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"


@contextlib.contextmanager
def _quiet():
    """Keep what C++ writes to file descriptor 2 out of notebooks; show it if the block fails.

    TensorFlow says there that it found no CUDA, before any log level that Python sets counts.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        except BaseException:
            said.seek(0)
            os.write(kept, said.read())
            raise
        finally:
            os.dup2(kept, 2)
            os.close(kept)


with _quiet():
    import keras
    import tensorflow as tf

    try:
        tf.config.set_visible_devices([], "GPU")  # it rounds otherwise: other weights, and proofs that do not hold
        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
    except RuntimeError as error:
        raise RuntimeError("expected TensorFlow not to have computed anything yet, got one that has, with its own "
                           "number of threads: import maskdet.networks before you use it") from error
    tf.config.experimental.enable_op_determinism()
    tf.get_logger().setLevel("ERROR")  # that many networks are traced is no news
    tf.constant(0.0) + 1.0  # starts the devices, which also write there

__all__ = ["keras", "tf"]
