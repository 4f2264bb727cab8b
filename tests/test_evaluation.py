"""Tests of a network, against numbers worked out by hand."""

import numpy as np
import pytest

from maskdet.networks.evaluation import Evaluation


def evaluation(masked, labels, clusters=None):
    masked = np.float32(masked)
    clusters = np.arange(len(masked)) if clusters is None else np.array(clusters)
    return Evaluation(np.arange(len(masked)), np.array(labels), np.column_stack([1 - masked, masked]), clusters)


def test_mistakes_are_the_wrong_faces_the_most_confident_first():
    wrong, titles = evaluation([0.1, 0.7, 0.4, 0.8], [1, 1, 1, 0]).mistakes(5)
    assert wrong.tolist() == [0, 3, 2] and titles == ["masked 10%", "bare 20%", "masked 40%"]


def test_counts_are_of_all_faces_and_of_each_class():
    test = evaluation([0.1, 0.7, 0.4, 0.8], [1, 1, 1, 0])
    assert (test.accuracy.k, test.accuracy.n) == (1, 4) and test.confusion.tolist() == [[0, 1], [2, 1]]
    assert {name: (count.k, count.n) for name, count in test.by_class.items()} == {"bare": (0, 1), "masked": (1, 3)}
    assert test.balanced(seed=0).value == pytest.approx((0 + 1 / 3) / 2)


def test_pooled_tests_count_every_face_once():
    one, two = evaluation([0.9, 0.2], [1, 0], [5, 5]), evaluation([0.9], [0], [6])
    both = Evaluation.pooled([one, two])
    assert (both.accuracy.k, both.accuracy.n) == (2, 3) and both.clusters.tolist() == [5, 5, 6]


def test_the_roc_curve_and_its_area_by_hand():
    test = evaluation([0.9, 0.8, 0.8, 0.3], [1, 1, 0, 0])
    assert test.roc.tolist() == [[0, 0], [0, 0.5], [0.5, 1], [1, 1]], "equal scores make one step"
    assert test.area(seed=0).value == pytest.approx(3.5 / 4)


def test_a_calibrated_network_has_no_error_and_a_boastful_one_has():
    said = np.repeat([0.25, 0.75], 4)
    calibrated, boastful = [1, 0, 0, 0, 1, 1, 1, 0], [0, 0, 0, 0, 1, 1, 1, 1]
    assert evaluation(said, calibrated).calibration_error == pytest.approx(0)
    assert evaluation(said, boastful).calibration_error == pytest.approx(0.25)
    assert evaluation(said, boastful).brier == pytest.approx(0.25**2)
    table = evaluation(said, calibrated).calibration()
    assert table.predicted.tolist() == [0.25, 0.75] and table.share.tolist() == [0.25, 0.75]
    assert (table.low < table.share).all() and (table.share < table.high).all() and table.faces.tolist() == [4, 4]
