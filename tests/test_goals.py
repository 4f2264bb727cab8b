"""What counts as a flip: margins of any number of classes, beside what plain Python says."""

import numpy as np
import pytest

from maskdet.attack.goals import RIVALS, Goal

LOGITS = np.random.default_rng(0).normal(0, 3, (40, 12)).astype(np.float32)


def goals(classes):
    return [Goal(label, target) for label in range(classes) for target in (None, *range(classes)) if target != label]


def plain(goal, logits):
    """The margin of logits, a list."""
    if goal.target is None:
        return logits[goal.label] - max(logits[:goal.label] + logits[goal.label + 1:])
    return max(logits[:goal.target] + logits[goal.target + 1:]) - logits[goal.target]


@pytest.mark.parametrize("classes", [2, 3, 10, 12])
def test_the_margin_is_below_0_where_the_decision_is_flipped(classes):
    logits = LOGITS[:, :classes]
    for goal in goals(classes):
        margins = goal.margin(logits)
        assert margins.tolist() == [np.float32(plain(goal, row)) for row in logits.tolist()]
        assert (margins < 0).tolist() == [goal.flipped(row) for row in logits]
        assert goal.margin(logits.reshape(4, 10, classes)).shape == (4, 10) and goal.margin(logits[0]) == margins[0]


@pytest.mark.parametrize("classes", [2, 3, 10, 12])
def test_the_margin_is_the_least_or_with_a_target_the_largest_difference_of_its_pairs(classes):
    for goal in goals(classes):
        plus, minus = goal.pairs(classes)
        assert len(plus) == len(minus) == classes - 1
        for row in LOGITS[:, :classes]:
            differences = row[plus] - row[minus]
            assert goal.margin(row) == (differences.min() if goal.target is None else differences.max())
            ordered = np.sort(differences)[::1 if goal.target is None else -1][:RIVALS]
            np.testing.assert_allclose(goal.weights(row) @ row, ordered, atol=1e-5)


def test_the_confidence_is_the_probability_of_the_label_or_of_all_but_the_target():
    powers = np.exp(LOGITS.astype(float))
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(Goal(3).confidence(LOGITS), probabilities[:, 3], rtol=1e-4)
    np.testing.assert_allclose(Goal(3, 7).confidence(LOGITS), 1 - probabilities[:, 7], rtol=1e-4)


@pytest.mark.parametrize("goal", goals(2))
def test_of_two_classes_both_are_to_the_last_bit_what_the_records_were_made_with(goal):
    logits = LOGITS[:, :2] * np.float32([[1e-3], [1], [30], [500]] * 10)
    expected = logits[:, goal.label] - logits[:, 1 - goal.label]
    assert (goal.margin(logits) == expected).all()
    with np.errstate(over="ignore"):
        assert (goal.confidence(logits) == 1 / (1 + np.exp(-expected))).all()
    assert goal.confidence(logits).dtype == np.float32


@pytest.mark.parametrize("classes, message", [
    ((1.0,), "expected a label, the number of a class, 0 or more, got 1.0"),
    ((None,), "expected a label, the number of a class, 0 or more, got None"),
    ((-1,), "expected a label, the number of a class, 0 or more, got -1"),
    ((1, "2"), "expected a target, the number of a class, 0 or more, got '2'"),
    ((2, 2), "expected a target other than the label, got 2 for both: leave out")])
def test_what_is_no_goal_is_refused(classes, message):
    with pytest.raises(ValueError, match=message):
        Goal(*classes)


def test_classes_that_the_network_does_not_have_are_refused():
    with pytest.raises(ValueError, match="expected a label of 0 to 2, since the network has 3 classes, got 3"):
        Goal(3).pairs(3)
    with pytest.raises(ValueError, match="expected a target of 0 to 2, since the network has 3 classes, got 4"):
        Goal(0, 4).check(3)
    assert Goal(np.True_, np.int64(0)) == Goal(1, 0)
