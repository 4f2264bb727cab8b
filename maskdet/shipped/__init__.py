"""The shipped weights: their recipe, their test on faces from elsewhere, and what else is stated of them."""

from maskdet.shipped.elsewhere import elsewhere_table, test
from maskdet.shipped.recipe import train
from maskdet.shipped.statement import card_table, covered, covered_table, here, here_table, numbers

__all__ = ["card_table", "covered", "covered_table", "elsewhere_table", "here", "here_table", "numbers", "test",
           "train"]
