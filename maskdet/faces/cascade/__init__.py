"""MTCNN (Zhang et al. 2016, "Joint face detection and alignment using multitask cascaded convolutional networks"),
compiled, with the weights and the arithmetic of the `mtcnn` package.

`pyramid`: the photograph at other sizes; `networks`: P-net, R-net and O-net; `convolution`: their compiled layers;
`stages`: the three stages in order, and the suppression of all but the best boxes of a face.
"""

from maskdet.faces.cascade.stages import Cascade
