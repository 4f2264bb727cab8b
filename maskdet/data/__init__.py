"""The photographs and their labelled faces: found or drawn, checked, grouped and split.

    dataset = data.prepare(profile)  # once: read every file, write the tables
    dataset = data.read(profile)     # afterwards: read the tables back
    dataset.boxes                    # a row for each labelled box
    dataset.image(name)              # (H, W, 3) uint8

A new source of photographs needs a reader in `READERS` and a `Profile`; a new class name needs a place in `FOLDING`.
"""

from maskdet.data.classes import FOLDING, WORN_WRONGLY, Fold
from maskdet.data.dataset import Dataset, read, read_tables
from maskdet.data.download import fetch
from maskdet.data.photographs import PhotographError, difference_hash, photographs_folder, read_image
from maskdet.data.preparation import prepare
from maskdet.data.readers import READERS
from maskdet.data.splits import folds, groups, near_any, near_duplicates, split
from maskdet.data.tables import counts, sample, skipped_by_reason, split_table, to_record
