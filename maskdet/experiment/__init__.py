"""The experiment done in different ways, and how often it is right and can be fooled.

`variants`: a `Line` is one way, a `Trial` a line on one division of the photographs into those that are
learned from and those that are tested; `fitting`: each trial's network fitted once, kept, and tested;
`attacks`: attacked; `verification`: decided; `defences`: with a defence; `tables`: for the book; `detectors`: the
whole system, by detector. A new way is a field of `Line`, a new set of trials a function in `variants`.
"""

from maskdet.experiment import defences, detectors, verification
from maskdet.experiment.attacks import corners, evolved, guided, pooled, success, sweep
from maskdet.experiment.fitting import Outcome, load, prepare
from maskdet.experiment.tables import (by_original, comparison_numbers, comparison_table, folds_numbers,
                                       lines_intervals, lines_numbers, lines_table, main_numbers, measures, summaries,
                                       trials_table)
from maskdet.experiment.variants import (CODE, TEXT, Line, Trial, comparison, defended, folds, lengths, lines, main,
                                         repeats)

__all__ = ["CODE", "Line", "Outcome", "TEXT", "Trial", "by_original", "comparison", "comparison_numbers",
           "comparison_table", "corners", "defences", "defended", "detectors", "evolved", "folds", "folds_numbers",
           "guided", "lengths", "lines", "lines_intervals", "lines_numbers", "lines_table", "load", "main",
           "main_numbers", "measures", "pooled", "prepare", "repeats", "success", "summaries", "sweep",
           "trials_table", "verification"]
