"""Faces: found by a detector, matched to the labelled boxes, cropped to one size.

`detectors`: all behind one call; `matching`: boxes paired by overlap, and cropping; `crops`: the
stage of the experiment; `tables`: what was found and missed. A new detector is one function and
one name in `DETECTORS`.
"""

from maskdet.faces.crops import Faces, load, prepare
from maskdet.faces.detectors import DETECTORS, detector
from maskdet.faces.matching import crop, match, overlap
from maskdet.faces.tables import counts, counts_by_width, missed, numbers, recall_by_width, sample

__all__ = ["DETECTORS", "Faces", "counts", "counts_by_width", "crop", "detector", "load", "match",
           "missed", "numbers", "overlap", "prepare", "recall_by_width", "sample"]
