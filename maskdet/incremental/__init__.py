"""Incremental inference: a changed pixel touches a small window of each layer; only that is computed.

`graph` reads a Keras model by the `readers` of its layers, as the steps of `layers` and `bends`. Their arithmetic is
compiled: in `windows` what multiplies or takes a maximum, in `kernels` the rest. `network` is what an attack queries.
"""

from maskdet.incremental.network import Face, Incremental
from maskdet.incremental.readers import ACTIVATIONS, LAYERS
