"""Faces: detected, matched to the labelled boxes, and cropped to the same size.

`detectors`: all of them behind one call; `cascade`: MTCNN, compiled; `yunet`: a smaller network, in one pass;
`matching`: boxes paired by overlap, and cropping; `crops`: the stage of the experiment; `tables`: the faces found and
missed. A new detector is a function in `DETECTORS`.
"""

from maskdet.faces.crops import SOURCES, Faces, crop_faces, detect_split, labels, read
from maskdet.faces.detectors import DETECTORS, detector, key
from maskdet.faces.matching import crop, match, overlap, surroundings
from maskdet.faces.tables import counts, missed, precision_by_width, recall_by_width, sample, to_record
