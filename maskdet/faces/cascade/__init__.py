"""MTCNN (Zhang et al. 2016, "Joint face detection and alignment using multitask cascaded convolutional networks"),
compiled, with the weights and the arithmetic of the `mtcnn` package.

`pyramid`: the photograph at other sizes; `networks`: P-net, R-net and O-net; `convolution`: their compiled layers;
`suppression`: several boxes of a face reduced to the best; `stages`: the three stages in order.
"""

from maskdet.faces.cascade.stages import Cascade

__all__ = ["Cascade"]
