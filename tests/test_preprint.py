"""The preprint's numbers beside ours: what their rounding leaves open, and which of our counts agree with them."""

from maskdet import preprint, results
from maskdet.counts import Count
from test_results import recorded_all

STATED = {"accuracy": "94.20 %", "success": "about 1.77 %"}


def test_the_fewest_pictures_are_those_of_the_smallest_fraction_that_rounds_to_the_share():
    assert preprint.fewest(STATED, "accuracy") == Count(65, 69)
    assert preprint.fewest(STATED, "success") == Count(2, 113)
    assert preprint.fewest({"accuracy": "50 %"}, "accuracy") == Count(1, 2)


def test_where_the_preprints_number_lies_beside_two_counts_is_said_in_words():
    ends = [Count(98, 100), Count(80, 100)]
    assert [preprint.lies(share, ends) for share in (0.5, 0.9, 0.99)] == ["below both", "between the two", "above both"]


def test_a_count_agrees_with_the_preprint_where_its_interval_holds_the_number():
    count = Count(81, 263)  # 25.5 to 36.6 %
    assert [preprint.beside(share, count) for share in (0.25, 0.26, 0.36, 0.37)] == [
        "higher", "in agreement", "in agreement", "lower"]


def test_the_headline_sets_the_preprint_the_record_and_the_build_side_by_side(profile):
    recorded_all(profile)
    columns, provenance = results.compare(profile)
    table = preprint.headline(columns)
    assert list(table.columns) == ["the preprint", "recorded on photographs", "which is", "this build"]
    first = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in table.iloc[0]]
    assert first[0] == "94.20 %" and first[3] == str(Count(9, 10))
    assert "provenance" not in columns["build"] and provenance["build"]["seed"] == profile.seed
    assert preprint.numbers(columns)["beside"]["accuracy.resnet"] == first[2]
    panels = preprint.intervals(columns)
    assert list(panels) == ["accuracy", "success"], "two panels, of which the labels do not meet"
    assert all(len({name for name, *_ in rows}) == len(rows) == 9 for rows in panels.values())
