"""Figures: arrays in, an `SvgFigure` out, in one style. Nothing is computed or read here.

`photographs`: scenes, boxes and crops; `networks`: layers, training, confusion, ROC curves and calibration; `pixel`:
differential evolution, flipped faces, and where one pixel changes the margin; `summary`: the main intervals, and
speeds; `style`: colours, fonts and axes.
"""

from maskdet.figures.networks import calibration, confusion, layers, roc, training
from maskdet.figures.photographs import by_width, detections, labelled, mistakes, recall, sizes
from maskdet.figures.pixel import ackley, flips, margins, surface, vulnerability, weak_spots
from maskdet.figures.style import SvgFigure
from maskdet.figures.summary import curves, intervals, plane, seeds, throughput, times
