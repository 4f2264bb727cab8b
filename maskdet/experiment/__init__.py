"""The experiment done in different ways, and how often it is right and can be fooled.

`variants`: a `Variant` is one way, a `Trial` a variant on one division of the photographs into those that are learned
from and those that are tested; `fitting`: each trial's network fitted once, kept, and tested; `attacks`; `seeds`: many
trials of a kind; `curve`: against the number of faces; `transfer`: from one set to another; `verification`; `defences`;
`three_classes`: also of masks worn wrongly; `detectors`: the whole system, by detector; `recorded`: a run read from its
record; `sources`: records and a run that is here, beside each other; `tables`: for the book and the record.
A new way is a field of `Variant`, a new set of trials a function in `variants`.
"""

from maskdet.experiment import curve, defences, detectors, recorded, seeds, three_classes, transfer, verification
from maskdet.experiment.attacks import SEARCHES, corners, evolution, guided, pooled, success, sweep
from maskdet.experiment.fitting import Outcome, fit, read
from maskdet.experiment.sources import Source, beside, source
from maskdet.experiment.tables import (by_original_class, folds_intervals, main_to_record, mean_histories, measures,
                                       other_networks_table, other_networks_to_record, folds_to_record, summaries,
                                       variants_intervals, variants_table, variants_to_record)
from maskdet.experiment.variants import (CODE, TEXT, Trial, Variant, fewer_faces, folds, main_run, other_networks,
                                         other_seeds, text_and_code, validations, with_defences)
