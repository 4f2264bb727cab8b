"""The networks, what they are asked through, and those that are shipped.

`architectures`: built, untrained or with given weights; `predict`: `predict(images)`, and networks as files;
`weights`: `load(name)` gives the `predict` of trained ones; `training`, `augmentation`, `hardening`: how they are
fitted; `evaluation`: what they say of faces that they never saw; `backend`: TensorFlow. A new network is one function and one line
in `architectures.NETWORKS`.
"""

from maskdet.networks.architectures import (BATCH_NORMALISED, COMPARED, GREY, NETWORKS, SCALINGS, Median, build,
                                            merge_batch_normalisation, multiplications, restore, scale_and_offset,
                                            summary)
from maskdet.networks.augmentation import LUMA
from maskdet.networks.predict import BATCH, logits, predictor, read_model, save_model
from maskdet.networks.weights import card, load, ship, shipped

__all__ = ["BATCH", "BATCH_NORMALISED", "COMPARED", "GREY", "LUMA", "Median", "NETWORKS", "SCALINGS", "build", "card",
           "load", "logits", "merge_batch_normalisation", "multiplications", "predictor", "read_model", "restore",
           "save_model", "scale_and_offset", "ship", "shipped", "summary"]
