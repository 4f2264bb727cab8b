"""Incremental inference: a changed pixel touches a small window of each layer; only that is computed.

`graph` reads a Keras model as the steps of `layers`, whose arithmetic `windows` (what multiplies, and
maxima) and `kernels` (the rest) compile; `network` is what an attack asks.
"""

from maskdet.incremental.network import Face, Incremental

__all__ = ["Face", "Incremental"]
