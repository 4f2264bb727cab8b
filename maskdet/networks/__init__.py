"""The networks, what they are asked through, and those that are shipped.

`architectures`: built, untrained or with given weights; `predict`: `predict(images)`, and networks as files;
`weights`: `load(name)` gives the `predict` of trained ones; `training`, `augmentation`, `hardening`: how they are
fitted; `evaluation`: what they say of faces that they never saw; `backend`: TensorFlow. A new network is one function and one line
in `architectures.NETWORKS`.
"""

from maskdet.networks.architectures import (BATCH_NORMALISED, COMPARED, GREY, NETWORKS, SCALINGS, Median, affine,
                                            build, merged, multiplications, restore, summary)
from maskdet.networks.augmentation import LUMA
from maskdet.networks.predict import BATCH, logits, predictor, read, save
from maskdet.networks.weights import card, load, ship, shipped

__all__ = ["BATCH", "BATCH_NORMALISED", "COMPARED", "GREY", "LUMA", "Median", "NETWORKS", "SCALINGS", "affine", "build",
           "card", "load", "logits", "merged", "multiplications", "predictor", "read", "restore", "save", "ship",
           "shipped", "summary"]
