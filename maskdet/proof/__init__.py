"""Verification: for each face a pixel that flips it, a witness that anyone can check, or a proof that there is none.

`rounding`: what float32 does to the network; `forms`: affine forms of its tensors over a region of colours, followed
forward by the incremental inference; `backward`: the margin that they allow; `bounds`: both together; `branching`:
a face verified, place by place; `single`: the call for any network; `many`: many faces at once.
"""

from maskdet.proof.bounds import Bounds
from maskdet.proof.branching import FLIPPABLE, SAFE, UNDECIDED, Verification, verify_face
from maskdet.proof.forms import Regions
from maskdet.proof.many import Verifications, verify_all
from maskdet.proof.single import verify
