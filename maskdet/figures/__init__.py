"""Figures: arrays in, an `SvgFigure` out, in one style. Nothing is computed or read here.

`photographs`: scenes, boxes and crops; `networks`: layers, training, confusion, ROC curves and calibration; `pixel`:
differential evolution, flipped faces, and where one pixel changes the margin; `summary`: shares with intervals, seeds,
curves, and speeds; `style`: colours, fonts and axes, wide and narrow; `beside`: tables under a caption, and a record
and this build, each a click away; `code`: the source of what a chapter is about, and calls described.
"""

from maskdet.figures.beside import Beside, Table
from maskdet.figures.code import Calls, Code
from maskdet.figures.networks import calibration, confusion, layers, roc, training
from maskdet.figures.photographs import by_width, detections, labelled, mistakes, recall, sizes
from maskdet.figures.pixel import (ackley, flip, flips, margins, relaxation, surface, vulnerability, weak_spots,
                                   window)
from maskdet.figures.style import SvgFigure
from maskdet.figures.summary import curves, dumbbell, intervals, plane, seeds, throughput, times
