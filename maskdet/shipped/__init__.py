"""The shipped weights: their recipe, their test on faces from elsewhere, and what else is stated of them."""

from maskdet.shipped.elsewhere import elsewhere_table, test
from maskdet.shipped.recipe import train
from maskdet.shipped.report import card_table, covered, covered_table, on_this_run, this_run_table, to_quote
