"""The one-pixel attack, in plain NumPy around any `predict(images) -> probabilities`.

`pixels`: one pixel set in an image, and a verdict; `evolution`: the search; `sweep`: a whole test
set; `evidence`: what was found, for the book. A new search is a module that yields `Verdict`s.
"""

from maskdet.attack.evidence import (ackley, check, confidences, flipped_faces, numbers, on_ackley,
                                     on_face, summary)
from maskdet.attack.evolution import Population, differential_evolution, evolve, minimise, pixels
from maskdet.attack.pixels import CORNERS, Verdict, changed, landscape
from maskdet.attack.sweep import Sweep, sweep

__all__ = ["CORNERS", "Population", "Sweep", "Verdict", "ackley", "changed", "check", "confidences",
           "differential_evolution", "evolve", "flipped_faces", "landscape", "minimise", "numbers",
           "on_ackley", "on_face", "pixels", "summary", "sweep"]
