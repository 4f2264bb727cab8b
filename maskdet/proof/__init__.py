"""What is true of one pixel: for each face a witness that anyone can check, or a proof that there is none.

`rounding`: what float32 may do to the network as it is run; `forms`: affine forms of its tensors over a box of colours,
followed through the incremental inference; `backward`: the margin that they leave, followed backwards; `bounds`: both
together; `branching`: every place of a face decided; `verdicts`: many faces, at once.
"""

from maskdet.proof.bounds import Bounds
from maskdet.proof.branching import FLIPPABLE, SAFE, UNDECIDED, Verification, verify
from maskdet.proof.forms import Regions
from maskdet.proof.many import Verifications, verify_all

__all__ = ["Bounds", "FLIPPABLE", "Regions", "SAFE", "UNDECIDED", "Verification", "Verifications", "verify",
           "verify_all"]
