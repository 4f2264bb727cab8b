"""The shipped weights: their recipe, their test on faces from elsewhere, and what else is stated of them.

`python -m maskdet.weights train` fits both networks to the faces of larxel and of drawn scenes, in the boxes that were
found and in those that are labelled; `python -m maskdet.weights test` asks them about `$MASKDET_DATA/portraits`.
"""

from maskdet.weights.elsewhere import elsewhere_table, test
from maskdet.weights.recipe import train
from maskdet.weights.statement import card_table, covered, covered_table, here, here_table, numbers

__all__ = ["card_table", "covered", "covered_table", "elsewhere_table", "here", "here_table", "numbers", "test",
           "train"]
