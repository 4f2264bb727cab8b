"""Many trials of a kind: fitted and attacked, kept, and carried on to numbers of faces that nobody has measured."""

import dataclasses
import functools

import numpy as np
import pandas as pd
import pytest

from maskdet import config, data, experiment, faces
from maskdet.counts import Count
from maskdet.experiment import curve, seeds
from maskdet.experiment.seeds import Measured
from maskdet.experiment.variants import Trial, Variant

STATED = {"accuracy": {"value": 94.2}, "success": {"value": 1.77}}


@pytest.fixture(scope="module")
def cropped(tmp_path_factory):
    """A profile whose faces are drawn, found and cropped, in a folder of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKDET_BUILD", str(tmp_path_factory.mktemp("seeds")))
        run = dataclasses.replace(config.PROFILES["smoke"], name="test", attacked=3)
        data.prepare(run)
        faces.crop_faces(run)
        yield run


def test_a_trial_is_fitted_and_attacked_as_in_the_main_run_and_kept(cropped, monkeypatch):
    trials = experiment.main_run(cropped)
    [found] = seeds.measure(cropped, trials["resnet"])
    outcomes = experiment.fit(cropped, {"resnet": trials["resnet"]})
    [sweep] = experiment.sweep(cropped, outcomes, search=experiment.corners)["resnet"]
    assert (found.correct == outcomes["resnet"][0].test.correct).all() and found.accuracy == \
        outcomes["resnet"][0].test.accuracy
    assert np.flatnonzero(found.attacked).tolist() == sweep.faces.tolist()
    assert np.flatnonzero(found.flipped).tolist() == sweep.faces[sweep.flipped].tolist()
    assert found.success.n == min(3, found.accuracy.k)

    @functools.wraps(seeds._measured)  # so that its key is the same
    def fail(*given):
        pytest.fail("measured again")
    monkeypatch.setattr(seeds, "_measured", fail)
    [again] = seeds.measure(cropped, trials["resnet"])
    assert (again.flipped == found.flipped).all() and (again.clusters == found.clusters).all()


def test_the_distribution_has_a_row_for_each_network_and_says_where_the_preprint_lies(cropped):
    rows = seeds.distribution(cropped)
    seeds.keep(cropped, rows)
    assert len(rows) == 2 * 2 * 2 * cropped.seeds
    written = pd.read_csv(cropped.folder / "seeds/distribution.csv")
    pd.testing.assert_frame_equal(written, rows, check_dtype=False)
    for name, points in seeds.plane(rows).items():
        assert name in ("resnet", "figure2") and {len(group) for group in points.values()} == {cropped.seeds}
    places = seeds.places(rows, STATED)
    assert places["resnet"]["text"]["weights"]["accuracy"]["networks"] == cropped.seeds
    assert len(seeds.places_table(places)) == 16


def test_where_a_share_lies_among_networks_is_counted():
    rows = pd.DataFrame({"network": "resnet", "training": "text", "varied": "split", "tested": 100,
                         "correct": [94, 95, 96], "attacked": 100, "flipped": [1, 2, 9]})
    place = seeds.places(rows, STATED)["resnet"]["text"]["split"]
    assert place["accuracy"] == {"least": "94.0", "median": "95.0", "most": "96.0", "networks": 3, "no_more": 1}
    weights = seeds.places(rows.assign(varied="weights"), STATED)["resnet"]["text"]["weights"]
    assert weights["accuracy"]["no_more"] == Count(1, 3), "independent networks, of which a count has an interval"
    assert place["success"] == {"least": "1.0", "median": "2.0", "most": "9.0", "networks": 3, "no_more": 1}


def test_networks_of_fewer_faces_are_measured_on_the_same_test_faces(cropped):
    learned = seeds.learned(cropped)
    sizes = list(learned["resnet"])
    assert sizes[:-1] == list(cropped.sizes) and sizes == sorted(sizes)
    assert len({tuple(one.clusters) for by_number in learned.values() for several in by_number.values()
                for one in several}) == 1
    table = pd.read_csv(cropped.folder / "seeds/sizes.csv")
    assert len(table) == 2 * len(sizes) * cropped.subsets and set(table.faces) == set(sizes)


def test_a_trial_of_other_colours_or_of_a_part_of_the_face_is_refused(cropped):
    for variant in (Variant(scaling="median"), Variant(region=32)):
        with pytest.raises(ValueError, match="expected trials of crops as they are, searched whole, got resnet-"):
            seeds.measure(cropped, [Trial(variant, 562)])


def networks_of(accuracy, *, count, faces=400, seed=0, spread=0.0):
    rng = np.random.default_rng(seed)
    found = []
    for number in range(count):
        correct = rng.random(faces) < accuracy + spread * rng.normal()
        found.append(Measured(Trial(Variant(), 1, weights=number), correct, correct, correct & (
            rng.random(faces) < 0.1), np.arange(faces) // 2))
    return found


def test_a_curve_of_log_odds_is_found_again_and_its_interval_holds_the_truth():
    numbers = [60, 120, 240, 480, 960]
    odds = {number: np.exp(-1 + 0.4 * np.log2(number)) for number in [*numbers, 4600]}
    learned = {number: networks_of(odds[number] / (1 + odds[number]), count=10, seed=number) for number in numbers}
    found = curve.fitted(learned, "accuracy", further=(4600,), seed=1)
    assert found.faces == [*numbers, 4600] and len(found.shares) == 5
    assert found.doubling.value == pytest.approx(np.exp(0.4), rel=0.05)
    there = found.at(4600)
    assert there.low < odds[4600] / (1 + odds[4600]) < there.high and there.high - there.low < 0.03
    flips = curve.fitted(learned, "success", further=(4600,), seed=1)
    assert flips.doubling.low < 1 < flips.doubling.high and flips.at(4600).value == pytest.approx(0.1, abs=0.02)
    assert curve.fitted(learned, "accuracy", further=(4600,), seed=1) == found, "the same seed, the same interval"


def test_networks_that_differ_and_faces_that_are_alike_make_the_interval_wider():
    def width(clusters, **options):
        learned = {number: [dataclasses.replace(one, clusters=clusters) for one in networks_of(
            0.9, count=10, seed=number, **options)] for number in (60, 120, 240)}
        found = curve.fitted(learned, "accuracy", further=(480,), seed=0).at(480)
        return found.high - found.low
    apart, alike = np.arange(400), np.arange(400) // 40
    assert width(apart, spread=0.05) > 1.5 * width(apart)
    shared = [dataclasses.replace(one, correct=np.repeat(one.correct[:10], 40), clusters=alike)
              for one in networks_of(0.9, count=10, seed=1)]
    found = curve.fitted({60: shared, 120: shared}, "accuracy", further=(), seed=0)
    assert found.high[0] - found.low[0] > 2 * width(apart)


def test_the_model_is_tried_on_what_is_known_by_carrying_it_on_from_few_faces():
    odds = {number: np.exp(-1 + 0.4 * np.log2(number)) for number in (60, 120, 480, 960)}
    learned = {number: networks_of(own / (1 + own), count=10, seed=number) for number, own in odds.items()}
    found = curve.backtest(learned, "accuracy", seed=0)
    assert (found["from"], found["to"]) == (120, 960)
    assert float(found["low"][:-2]) <= 100 * odds[960] / (1 + odds[960]) <= float(found["high"][:-2])
    assert curve.backtest({number: learned[number] for number in (60, 120)}, "accuracy", seed=0) == {}


def test_a_share_of_one_has_finite_odds_and_nothing_is_carried_backwards():
    learned = {number: networks_of(1.0, count=2) for number in (60, 120)}
    found = curve.fitted(learned, "accuracy", further=(), seed=0)
    assert found.shares == [1.0, 1.0] and 0.99 < found.line[0] <= found.high[0] <= 1
    with pytest.raises(ValueError, match="expected a quantity, one of accuracy, success, got 'luck'"):
        curve.fitted(learned, "luck", further=(), seed=0)
    table = curve.table(curve.curves({"resnet": learned}, further=(100, 4600), seed=0))
    assert table.loc["accuracy of resnet"].index.tolist() == ["60 faces", "120 faces", "4,600 faces"]
    assert table.loc["success of resnet"].measured.tolist()[-1] == "–"


