"""Groups of near duplicates, and the split into sides."""

import zlib

import numpy as np
import pytest
from PIL import Image

from maskdet import data
from maskdet.data import splits

from small_sets import MASKED, noise


def test_copies_share_a_group_and_a_side(voc):
    pixels = noise(zlib.crc32(b"p00.png"))
    for number in range(5):
        voc.photograph(f"copy{number}.png", pixels=(pixels // 2 + number * 9).astype(np.uint8))
        voc.annotation(f"copy{number}", [MASKED])
    table = voc.prepare().photographs
    copies = table[table["photograph"].str.contains("copy|p00")]
    assert len(copies) == 6 and copies["group"].nunique() == 1 and copies["split"].nunique() == 1
    assert table["group"].nunique() == 10


def bits(*positions):
    chosen = np.zeros(256, bool)
    chosen[list(positions)] = True
    return np.packbits(chosen).view(np.uint64)


def test_under_twenty_bits_apart_is_near_and_nearness_is_passed_on():
    spans = [range(0), range(19), range(38), range(100, 120), range(200, 256)]
    hashes = np.array([bits(*span) for span in spans])
    assert data.near_duplicates(hashes).tolist() == [[0, 1], [1, 2]]
    assert splits.groups(hashes).tolist() == [0, 0, 0, 1, 2]


def test_near_duplicates_are_found_across_blocks():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**63, (600, 4), np.uint64)
    hashes[599] = hashes[3] ^ np.uint64(0b111)
    assert data.near_duplicates(hashes).tolist() == [[3, 599]]


def test_the_hash_knows_a_photograph_at_another_size_and_brightness():
    smooth = Image.fromarray(noise(4, width=8, height=8)).resize((200, 150))
    pixels, other = np.asarray(smooth), np.asarray(smooth.resize((120, 90))) // 2

    def apart(one, two):
        return np.bitwise_count(data.difference_hash(one) ^ data.difference_hash(two)).sum()

    assert apart(pixels, other) < splits.NEAR
    assert apart(pixels, pixels[:, ::-1]) > 3 * splits.NEAR


def test_the_split_has_the_shares_and_whole_groups():
    groups = np.repeat(np.arange(400), np.where(np.arange(400) % 10 == 0, 3, 1))
    sides = data.split(groups, test_share=0.2, validation_share=0.1, seed=1)
    counts = {side: int((sides == side).sum()) for side in ("train", "validation", "test")}
    assert len(groups) == 480 and counts == {"train": 336, "validation": 48, "test": 96}
    assert all(len(set(sides[groups == group])) == 1 for group in range(400))


def test_the_split_follows_from_the_seed():
    options = {"test_share": 0.2, "validation_share": 0.1}
    one, same, other = (data.split(np.arange(100), **options, seed=seed) for seed in (1, 1, 2))
    assert (one == same).all() and (one != other).any()


def test_every_box_is_on_the_side_of_its_photograph(voc):
    dataset = voc.prepare()
    sides = dataset.photographs.set_index("photograph")["split"]
    assert (dataset.boxes["photograph"].map(sides) == dataset.boxes["split"]).all()
    assert sides.value_counts().to_dict() == {"train": 7, "test": 2, "validation": 1}


def test_folds_are_of_equal_size_of_whole_groups_and_follow_from_the_seed():
    groups = np.repeat(np.arange(400), np.where(np.arange(400) % 10 == 0, 3, 1))
    folds = data.folds(groups, 5, seed=1)
    assert np.bincount(folds).tolist() == [96] * 5
    assert all(len(set(folds[groups == group])) == 1 for group in range(400))
    assert (folds == data.folds(groups, 5, seed=1)).all() and (folds != data.folds(groups, 5, seed=2)).any()
    with pytest.raises(ValueError, match="expected 2 folds or more and a group for each, got 5 folds and 3 groups"):
        data.folds(np.arange(3), 5, seed=0)
