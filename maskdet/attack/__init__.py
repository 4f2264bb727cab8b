"""The one-pixel attack, in plain NumPy around anything that gives logits or probabilities.

`oracle`: what a search is, what it may ask, and of whom; `pixels`: what it changes, and a verdict; `evolution` and
`complete`: the searches; `sweeps`: many faces at once; `forward`: any Keras model, by whole passes;
`evidence`: what was found, for the book. A new search is a frozen dataclass with `__call__`.
"""

from maskdet.attack.complete import Corners, Guided
from maskdet.attack.evidence import (ackley, agreement, check, confidences, flipped_faces, numbers, on_ackley, on_face,
                                     rounding, summary)
from maskdet.attack.evolution import DifferentialEvolution, Population, decoded, minimise
from maskdet.attack.oracle import Found, Predicted, Search
from maskdet.attack.pixels import CORNERS, Verdict, changed, landscape
from maskdet.attack.sweeps import Sweep, attack, sweep
from maskdet.workers import Workers, workers

__all__ = ["CORNERS", "Corners", "DifferentialEvolution", "Found", "Guided", "Population", "Predicted", "Search",
           "Sweep", "Verdict", "Workers", "ackley", "agreement", "attack", "changed", "check", "confidences", "decoded",
           "flipped_faces", "landscape", "minimise", "numbers", "on_ackley", "on_face", "rounding", "summary", "sweep",
           "workers"]
