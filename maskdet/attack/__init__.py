"""The one-pixel attack, in plain NumPy around anything that gives logits or probabilities.

`run`, in `runs`: a network of one's own attacked, one result; `streams`: images as they are finished. `goals`: what
counts as a flip; `oracle`: what a search is, and what it may query; `pixels`: what it changes, and what came of it;
`evolution` and `complete`: the searches; `sweeps`: the faces of a run; `forward`: any Keras model, by whole passes;
`evidence`: tables and figures of attempts. A new search is a frozen dataclass with `__call__`.
"""

from maskdet.attack.complete import Corners, Guided
from maskdet.attack.evidence import (ackley, agreement, check_flips, check_rounding, confidences, flipped_faces,
                                     landscape, on_ackley, on_face, summary, to_record)
from maskdet.attack.evolution import DifferentialEvolution, Population, decoded, minimise
from maskdet.attack.goals import Goal
from maskdet.attack.oracle import Found, Predicted, Search
from maskdet.attack.pixels import Attempt, corners, set_pixels
from maskdet.attack.runs import Result, run
from maskdet.attack.streams import stream
from maskdet.attack.sweeps import Sweep, sweep
