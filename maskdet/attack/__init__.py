"""The one-pixel attack, in plain NumPy around anything that gives logits or probabilities.

`oracle`: what a search is, and what it may query; `pixels`: what it changes, and a verdict; `evolution` and
`complete`: the searches; `sweeps`: many faces at once; `forward`: any Keras model, by whole passes;
`evidence`: tables and figures of attempts. A new search is a frozen dataclass with `__call__`.
"""

from maskdet.attack.complete import Corners, Guided
from maskdet.attack.evidence import (ackley, agreement, check_flips, check_rounding, confidences, flipped_faces,
                                     landscape, on_ackley, on_face, summary, to_record)
from maskdet.attack.evolution import DifferentialEvolution, Population, decoded, minimise
from maskdet.attack.oracle import Found, Predicted, Search
from maskdet.attack.pixels import CORNERS, Attempt, set_pixels
from maskdet.attack.sweeps import Sweep, attack, sweep
