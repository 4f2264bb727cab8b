"""MTCNN (Zhang et al. 2016, "Joint face detection and alignment using multitask cascaded convolutional networks"),
with the weights and the arithmetic of the `mtcnn` package, compiled.

`pyramid`: the photograph at other sizes; `networks`: P-net, R-net and O-net; `convolution`: their sums; `suppression`:
boxes of one face; `stages`: the three of them, in order.
"""

from maskdet.faces.cascade.stages import Cascade

__all__ = ["Cascade"]
