"""What is true of one pixel: for each face a witness that anyone can check, or a proof that there is none.

`rounding`: what float32 may do to the network as it is run; `forms`: affine forms of its tensors over a box of colours,
followed through the incremental inference; `backward`: the margin that they leave, followed backwards; `bounds`: both
together; `branching`: every place of a face decided; `verdicts`: many faces, at once.
"""

from maskdet.proof.bounds import Bounds
from maskdet.proof.branching import FLIPPABLE, SAFE, UNDECIDED, Decision, decide
from maskdet.proof.forms import Boxes
from maskdet.proof.verdicts import Verdicts, decide_all

__all__ = ["Bounds", "Boxes", "Decision", "FLIPPABLE", "SAFE", "UNDECIDED", "Verdicts", "decide", "decide_all"]
