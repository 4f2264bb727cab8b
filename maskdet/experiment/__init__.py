"""The experiment done in different ways, and how often it is right and can be fooled.

`variants`: a `Variant` is one way, a `Trial` a variant on one division of the photographs into those that are learned
from and those that are tested; `fitting`: each trial's network fitted once, kept, and tested; `attacks`;
`verification`; `defences`; `tables`: for the book and the record; `detectors`: the whole system, by detector.
A new way is a field of `Variant`, a new set of trials a function in `variants`.
"""

from maskdet.experiment import defences, detectors, verification
from maskdet.experiment.attacks import corners, evolution, guided, pooled, success, sweep
from maskdet.experiment.fitting import Outcome, fit, read
from maskdet.experiment.tables import (by_original_class, folds_to_record, main_to_record, measures,
                                       other_networks_table, other_networks_to_record, summaries, trials_table,
                                       variants_intervals, variants_table, variants_to_record)
from maskdet.experiment.variants import (CODE, TEXT, Trial, Variant, folds, main_run, other_networks, repeats,
                                         text_and_code, training_lengths, with_defences)
