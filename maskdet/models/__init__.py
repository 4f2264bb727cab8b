"""The networks, what they are asked through, and those that are shipped.

`networks`: built, untrained or with given weights; `predict`: `predict(images)`, and networks as files;
`weights`: `load(name)` gives the `predict` of trained ones. A new network is one function and one line
in `networks.NETWORKS`.
"""

from maskdet.augmentation import LUMA
from maskdet.models.networks import (BATCH_NORMALISED, COMPARED, GREY, NETWORKS, SCALINGS, Median, affine, build,
                                     merged, multiplications, restore, summary)
from maskdet.models.predict import BATCH, logits, predictor, read, save
from maskdet.models.weights import card, load, ship, shipped

__all__ = ["BATCH", "BATCH_NORMALISED", "COMPARED", "GREY", "LUMA", "Median", "NETWORKS", "SCALINGS", "affine", "build",
           "card", "load", "logits", "merged", "multiplications", "predictor", "read", "restore", "save", "ship",
           "shipped", "summary"]
