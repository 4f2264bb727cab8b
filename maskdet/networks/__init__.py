"""The networks: built, fitted, evaluated, and those that come with the package.

`architectures`: networks, untrained or with given weights; `predict`: `predict(images)`, and networks as files;
`weights`: the shipped networks, of which `deeper` is one; `training`, `augmentation`, `hardening`: how networks are
fitted; `evaluation`: what is measured on test faces; `backend`: TensorFlow. A new network is a function and a line in
`architectures.NETWORKS`.
"""

from maskdet.networks.architectures import (BATCH_NORMALISED, COMPARED, GREY, NETWORKS, SCALINGS, Maker, Median, build,
                                            merge_batch_normalisation, multiplications, restore, scale_and_offset,
                                            summary)
from maskdet.networks.augmentation import LUMA
from maskdet.networks.predict import BATCH, logits, predictor, read_model, save_model
from maskdet.networks.weights import MADE, card, load, ship, shipped
