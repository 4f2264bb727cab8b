"""The experiment done in different ways, and how often it is right and can be fooled.

`trial`: a `Line` is one way, a `Trial` a line on one division of the photographs into those that are
learned from and those that are tested; `fitting`: each trial's network fitted once, kept, and tested;
`attacks`: attacked; `truth`: decided; `defended`: with a defence; `tables`: for the book.
A new way is a field of `Line`, a new set of trials a function in `trial`.
"""

from maskdet.trials.attacks import corners, evolved, guided, pooled, success, sweep
from maskdet.trials.fitting import Outcome, load, prepare
from maskdet.trials import defended, truth
from maskdet.trials.trial import (CODE, TEXT, Line, Trial, comparison, defences, folds, lengths, lines, main,
                                  repeats)
from maskdet.trials.tables import (by_original, comparison_numbers, comparison_table, folds_numbers, lines_intervals,
                                   lines_numbers, lines_table, main_numbers, measures, summaries, trials_table)

__all__ = ["CODE", "TEXT", "Line", "Outcome", "Trial", "by_original", "comparison", "comparison_numbers",
           "comparison_table", "corners", "defences", "defended", "evolved", "folds", "folds_numbers", "guided",
           "lengths", "lines", "lines_intervals", "lines_numbers", "lines_table", "load", "main", "main_numbers",
           "measures", "pooled", "prepare", "repeats", "success", "summaries", "sweep", "trials_table",
           "truth"]
