"""Figures: arrays in, an `SvgFigure` out, in one style. Nothing is computed or read here.

`photographs`: scenes, boxes and crops; `networks`: layers, training, confusion; `evaluation`: ROC curves and
calibration; `search`: differential evolution and flipped faces; `verification`: where one pixel changes the margin;
`summary`: the main intervals, and speeds; `style`: colours, fonts and axes.
"""

from maskdet.figures.evaluation import calibration, roc
from maskdet.figures.networks import confusion, layers, training
from maskdet.figures.photographs import by_width, detections, labelled, mistakes, recall, sizes
from maskdet.figures.search import ackley, flips, margins, surface
from maskdet.figures.style import SvgFigure
from maskdet.figures.summary import intervals, plane, throughput, times
from maskdet.figures.verification import vulnerability, weak_spots
