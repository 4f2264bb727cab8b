"""Faces: found by a detector, matched to the labelled boxes, cropped to one size.

`detectors`: all behind one call; `cascade`: MTCNN, compiled; `yunet`: a smaller network, in one pass;
`matching`: boxes paired by overlap, and cropping; `crops`: the stage of the experiment; `tables`: what was found and missed. A new detector is one function and one line in `DETECTORS`.
"""

from maskdet.faces.crops import BOXES, Faces, labels, load, prepare, searched
from maskdet.faces.detectors import DETECTORS, detector, key
from maskdet.faces.matching import crop, match, overlap, surroundings
from maskdet.faces.tables import counts, counts_by_width, missed, numbers, precision_by_width, recall_by_width, sample

__all__ = ["BOXES", "DETECTORS", "Faces", "counts", "counts_by_width", "crop", "detector", "key", "labels", "load",
           "match", "missed", "numbers", "overlap", "precision_by_width", "prepare", "recall_by_width", "sample",
           "searched", "surroundings"]
