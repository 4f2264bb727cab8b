"""The networks, what they are asked through, and those that are shipped.

`networks`: built, untrained or with given weights; `predict`: `predict(images)`, and networks as files;
`weights`: `load(name)` gives the `predict` of trained ones. A new network is one function and one line
in `networks.NETWORKS`.
"""

from maskdet.augmentation import LUMA
from maskdet.models.networks import (COMPARED, GREY, NETWORKS, SCALINGS, Median, build, folded, multiplications,
                                     restore, summary)
from maskdet.models.predict import BATCH, logits, predictor, read, save
from maskdet.models.weights import card, load, ship, shipped

__all__ = ["BATCH", "COMPARED", "GREY", "LUMA", "Median", "NETWORKS", "SCALINGS", "build", "card", "folded", "load",
           "logits", "multiplications", "predictor", "read", "restore", "save", "ship", "shipped", "summary"]
