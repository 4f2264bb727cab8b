"""The preprint's numbers beside ours: what their rounding leaves open, and which of our counts agree with them."""

import pytest
from scipy.stats import fisher_exact

from maskdet.counts import Count
from maskdet.record import preprint, results, rows
from test_results import recorded_all

STATED = {"accuracy": {"value": 94.2, "unit": "%"}, "success": {"value": 1.77, "unit": "%", "about": True}}


def test_the_fewest_pictures_are_those_of_the_smallest_fraction_that_rounds_to_the_share():
    assert preprint.fewest(STATED, "accuracy") == Count(65, 69)
    assert preprint.fewest(STATED, "success") == Count(2, 113)
    assert preprint.fewest({"accuracy": {"value": 33.33}}, "accuracy") == Count(1, 3)
    assert preprint.fewest({"accuracy": {"value": 33.34}}, "accuracy").n > 100


def test_where_the_preprints_number_lies_beside_two_counts_is_said_in_words():
    ends = [Count(98, 100), Count(80, 100)]
    said = [preprint.position(share, ends) for share in (0.5, 0.9, 0.99)]
    assert said == ["below both", "between the two", "above both"]


def test_a_count_agrees_with_the_preprint_where_its_interval_holds_the_number():
    count = Count(81, 263)  # 25.5 to 36.6 %
    assert [preprint.agreement(share, count) for share in (0.25, 0.26, 0.36, 0.37)] == [
        "higher", "in agreement", "in agreement", "lower"]


def test_the_headline_sets_the_preprint_the_record_and_the_build_side_by_side(profile):
    recorded_all(profile)
    for stage in results.STAGES[4:]:  # it needs no later chapter
        (profile.folder / f"results/{stage}.json").unlink()
    columns = results.headline_columns(profile)
    table = preprint.headline(columns)
    assert list(table.columns) == ["the preprint", "recorded on photographs", "which is", "this build"]
    first = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in table.iloc[0]]
    assert first[0] == "94.20 %" and first[3] == str(Count(9, 10))
    assert [cell == "–" for cell in table["this build"]] == ["folds" in row for row in table.index]
    columns["recorded"] = columns["recorded"] | {
        "accuracy": {"resnet": {"k": 99, "n": 100}, "figure2": {"k": 94, "n": 100}},
        "attack": {name: {"differential_evolution": {"k": 0, "n": 1000}} for name in ("resnet", "figure2")}}
    said = preprint.headline(columns)["which is"].tolist()
    assert said[:2] == ["higher", "in agreement"] and said[4:6] == ["lower", "lower"]
    assert preprint.to_quote(columns)["beside"]["attack.figure2.differential_evolution"] == "lower"
    panels = preprint.intervals(columns)
    assert [name for name, *_ in panels["accuracy"]] == [name for name, *_ in panels["success"]], "one axis has both"
    assert list(panels) == ["accuracy", "success"], "two panels, of which the labels do not meet"
    assert all(len({name for name, *_ in rows}) == len(rows) == 7 for rows in panels.values())


def test_every_row_of_the_committed_record_is_in_the_table_once():
    record = results.read("larxel")
    found = rows.rows(record)
    names = [row.name for row in found]
    assert len(set(names)) == len(names)
    assert {"resnet, all folds", "figure2, fold 0", "resnet, seed 563", "code, crops of the text"} <= set(names)
    single = [(row.accuracy, row.success) for row in found if row.group in ("seeds", "lengths")]
    assert not {(row.accuracy, row.success) for row in found if row.name in ("text", "text, network of the code")} & {
        *single}, "of one trial there is one row"
    assert len(found) == len(rows.table(found, STATED)) == sum(map(len, rows.plane(found).values()))
    lengths = record["verification"]["lengths"]
    trained = [epochs for kinds in lengths.values() for several in kinds.values() for epochs in several]
    assert sum(row.group == "lengths" for row in found) == len(trained) - 2  # which are variants, too
    longer = [lengths["figure2"]["augmented"][epochs] for epochs in ("5", "20", "160")]
    for quantity in ("accuracy", "success"):
        shares = [counts[quantity]["k"] / counts[quantity]["n"] for counts in longer]
        assert shares == sorted(shares), f"the page says in words that {quantity} rises"
    assert sum(row.group == "variants" for row in found) == len(record["variants"]["accuracy"])


def test_most_of_the_recorded_intervals_meet_those_of_a_preprint_of_few_pictures_as_the_pages_say():
    record, meet = results.read("larxel"), {}
    for row in preprint.ROWS:
        low, high = preprint.fewest(STATED, row.quantity).interval
        least, most = preprint._count(record, row).interval
        meet.setdefault(row.quantity, []).append(low <= most and least <= high)
    assert all(2 * sum(several) > len(several) for several in meet.values())


def test_what_the_page_says_in_words_of_the_defences_is_so_in_the_record():
    def split(row):
        return [row["at_most"]["k"], row["at_most"]["n"] - row["at_most"]["k"]]

    record = results.read("larxel")["defences"]
    for network, defences in record.items():
        for name, row in defences.items():
            beyond_chance = fisher_exact([split(row), split(defences["none"])]).pvalue < 0.05
            assert beyond_chance == (network == "figure2" and "filter" in name), (network, name)
    alone, both = (record["figure2"][name]["verdicts"]["safe"]
                   for name in ("median_filter", "filter_trained_on_witnesses"))
    assert alone >= both


@pytest.mark.parametrize("accuracy, success, both", [
    (Count(942, 1000), Count(18, 1000), "this"), (Count(990, 1000), Count(18, 1000), "none")])
def test_a_row_agrees_with_the_preprint_where_both_intervals_hold_its_numbers(accuracy, success, both):
    other = rows.Row("variants", "other", Count(1, 1000), Count(900, 1000))
    numbers = rows.to_quote([rows.Row("variants", "this", accuracy, success), other], STATED)
    assert (numbers["names"], numbers["success"], numbers["rows"]) == (both, 1, 2)
