"""The preprint's numbers beside ours: what their rounding leaves open, and which of our counts agree with them."""

import pytest
from scipy.stats import fisher_exact

from maskdet.counts import Count
from maskdet.record import preprint, results, rows
from test_results import recorded_all

STATED = {"accuracy": {"value": 94.2, "unit": "%"}, "success": {"value": 1.77, "unit": "%", "about": True},
          "samples": {"masked": 4180, "bare": 1569}, "test_share": {"value": 20, "unit": "%"}}


def test_the_fewest_pictures_are_those_of_the_smallest_fraction_that_rounds_to_the_share():
    assert preprint.fewest(STATED, "accuracy") == Count(65, 69)
    assert preprint.fewest(STATED, "success") == Count(2, 113)
    assert preprint.fewest({"accuracy": {"value": 33.33}}, "accuracy") == Count(1, 3)
    assert preprint.fewest({"accuracy": {"value": 33.34}}, "accuracy").n > 100


def test_a_count_agrees_with_the_preprint_where_its_interval_holds_the_number():
    count = Count(81, 263)  # 25.5 to 36.6 %
    assert [preprint.agreement(share, count) for share in (0.25, 0.26, 0.36, 0.37)] == [
        "higher", "in agreement", "in agreement", "lower"]


def test_the_headline_sets_the_preprint_the_records_and_the_build_side_by_side(profile, monkeypatch):
    recorded_all(profile)
    for stage in results.STAGES[4:]:  # it needs no later chapter
        (profile.folder / f"results/{stage}.json").unlink()
    columns = results.headline_columns(profile)
    table = preprint.headline(columns)
    assert list(table.columns) == ["the preprint", "its own photographs", "other photographs", "this build"]
    first = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in table.iloc[0]]
    assert first[0] == "94.20 %" and first[3] == str(Count(9, 10))
    assert [cell == "–" for cell in table["this build"]] == ["folds" in row for row in table.index]
    assert (table[["its own photographs", "other photographs"]] != "–").all(axis=None)
    panels = preprint.intervals(columns)
    assert [name for name, *_ in panels["accuracy"]] == [name for name, *_ in panels["success"]], "one axis has both"
    assert list(panels) == ["accuracy", "success"], "two panels, of which the labels do not meet"
    assert all(len({name for name, *_ in rows}) == len(rows) == 11 for rows in panels.values())
    assert len(preprint.comparisons(columns)) == 2 * len(preprint.ROWS)


@pytest.mark.parametrize("quantity, ours, verdict", [
    ("accuracy", Count(2300, 2400), "not told apart"),  # higher than 1072 of 1138, but not than 65 of 69
    ("accuracy", Count(2395, 2400), "higher"), ("accuracy", Count(700, 800), "not told apart"),
    ("accuracy", Count(600, 800), "lower"), ("success", Count(5, 440), "not told apart"),
    ("success", Count(80, 700), "higher"), ("success", Count(80, 700, 40.0), "not told apart"),
    ("success", Count(0, 463), "not told apart"),  # nothing shows how alike the faces are
    ("success", Count(10, 130, 1.3), "not told apart")])  # 7.7 of 100: rounded up it would be told apart
def test_ours_differs_only_where_every_size_of_the_preprints_test_says_so(quantity, ours, verdict):
    found = preprint.Beside.of(ours, STATED, quantity)
    assert preprint.verdicts([found]) == [verdict]


def test_p_is_that_of_fishers_exact_test_against_the_fewest_and_the_most_pictures():
    found = preprint.Beside.of(Count(80, 700), STATED, "success")
    assert preprint.most(STATED, "success") == Count(20, 1133)
    assert preprint.most(STATED, "accuracy") == Count(1072, 1138)
    assert found.p_fewest == pytest.approx(fisher_exact([[80, 620], [2, 111]]).pvalue)
    assert found.p_most == pytest.approx(fisher_exact([[80, 620], [20, 1113]]).pvalue)


def test_of_many_comparisons_each_has_to_be_surer():
    def beside(p):
        return preprint.Beside(Count(1, 2), p, p / 2, "higher")
    assert preprint.verdicts([beside(0.04)]) == ["higher"]
    assert preprint.verdicts([beside(p) for p in (0.04, 0.001, 0.03, 0.6)]) == [
        "not told apart", "higher", "not told apart", "not told apart"], "0.03 is above a third of the level"
    assert preprint.verdicts([]) == []


def test_at_the_preprints_mix_each_class_counts_as_often_as_there():
    run = {"folds": {"accuracy_by_class": {"resnet": {"masked": {"k": 96, "n": 100}, "bare": {"k": 90, "n": 100}}}}}
    assert preprint._at_their_mix(run, STATED, "resnet") == "94.4 %"


def test_every_row_of_the_committed_records_is_in_the_table_once():
    records = {name: results.read(name) for name in ("wobot", "larxel")}
    found = rows.rows(records)
    names = [row.name for row in found]
    assert len(set(names)) == len(names)
    assert {"larxel: resnet, all folds", "wobot: figure2, fold 0", "wobot: code, crops of the text",
            "larxel: text, our training"} <= set(names)
    assert len(found) == len(rows.table(found, STATED)) == sum(map(len, rows.plane(found).values()))
    for name, record in records.items():
        folds = record["folds"]["count"] + 1
        networks = [settings["network"] for settings in record["variants"]["settings"].values()]
        for network in ("resnet", "figure2"):
            assert sum(row.group == f"{name}, {network}" for row in found) == folds + networks.count(network)


@pytest.mark.parametrize("accuracy, success, both", [
    (Count(942, 1000), Count(18, 1000), "this"), (Count(990, 1000), Count(18, 1000), "none")])
def test_a_row_agrees_with_the_preprint_where_both_intervals_hold_its_numbers(accuracy, success, both):
    other = rows.Row("variants", "other", Count(1, 1000), Count(900, 1000))
    numbers = rows.to_quote([rows.Row("variants", "this", accuracy, success), other], STATED)
    assert (numbers["names"], numbers["success"], numbers["rows"]) == (both, 1, 2)
