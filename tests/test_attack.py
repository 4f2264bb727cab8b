"""The one-pixel attack: known answers, and the mistakes of earlier one-pixel code."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import qmc

from maskdet import attack
from maskdet.config import Evolution

SMALL = Evolution(population=100, generations=30)


def grey(n=1, *, size=50):
    return np.full((n, size, size, 3), 128, np.uint8)


def test_changed_sets_the_pixel_at_row_and_column_and_nothing_else():
    image = grey()[0]
    result = attack.changed(image, [[3, 40, 255, 0, 7]])
    assert result[0, 3, 40].tolist() == [255, 0, 7]
    assert (result[0] != image).any(axis=-1).sum() == 1
    assert (image == 128).all(), "the original is left alone"


@pytest.mark.parametrize("pixel", [[50, 0, 0, 0, 0], [0, 50, 0, 0, 0], [-1, 0, 0, 0, 0],
                                   [0, 0, 256, 0, 0], [0, 0, 0, 0, -1]])
def test_changed_refuses_a_pixel_outside_the_image_or_a_colour_outside_8_bits(pixel):
    with pytest.raises(ValueError, match="expected row, column, red, green, blue below"):
        attack.changed(grey()[0], [pixel])


def test_genes_cover_every_row_column_and_colour_and_no_more():
    genes = np.repeat(np.linspace(0, 1, 10001)[:, None], 5, axis=1)  # 1.0 itself included
    whole = attack.pixels(genes, shape=(50, 40, 3))
    for gene, size in enumerate((50, 40, 256, 256, 256)):
        assert np.unique(whole[:, gene]).tolist() == list(range(size))


@pytest.mark.parametrize("place", [(0, 0, 0), (49, 49, 2), (45, 3, 1)])
def test_evolution_finds_a_planted_pixel_anywhere_in_the_face(planted, place):
    """Rows and columns swapped, or coordinates bounded by 32, would miss some of these."""
    row, column, channel = place

    def predict(images):  # confidence falls towards the planted place, as a slope to descend
        bright = images.astype(int) - 128
        changed = np.abs(bright).sum(axis=-1)
        where = changed.reshape(len(images), -1).argmax(axis=1)
        r, c = np.divmod(where, images.shape[2])
        distance = (np.abs(r - row) + np.abs(c - column)) / 100
        bare = np.where(planted(row, column, channel)(images)[:, 0] > 0.5, 0.9, 0.4 - 0.4 * distance)
        bare = np.where(changed.max(axis=(1, 2)) > 0, bare, 0).astype(np.float32)
        return np.column_stack([bare, 1 - bare])

    [verdict] = attack.differential_evolution(predict, grey(), np.array([1]), seed=0)
    assert verdict.flipped and (verdict.row, verdict.column) == (row, column)
    assert verdict.colour[channel] > 200
    assert verdict.after == pytest.approx((0.9, 0.1)) and verdict.before[1] == 1


def test_a_face_that_cannot_be_flipped_costs_the_whole_budget():
    def predict(images):
        return np.tile(np.float32([0.1, 0.9]), (len(images), 1))
    [verdict] = attack.differential_evolution(predict, grey(), np.array([1]), seed=0)
    assert not verdict.flipped and verdict.queries == 400 * 76


def test_the_search_stops_at_success():
    def predict(images):
        bare = np.where((images != 128).any(axis=(1, 2, 3)), 0.9, 0.1).astype(np.float32)
        return np.column_stack([bare, 1 - bare])
    [verdict] = attack.differential_evolution(predict, grey(), np.array([1]), seed=0)
    assert verdict.flipped and verdict.queries == 400


def noisy(seed=0):
    """Faces, labels and a linear network that one pixel hardly moves."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (6, 50, 50, 3), dtype=np.uint8)
    weights = rng.normal(0, 1, (50, 50, 3))

    def predict(images):
        logit = ((images / 255.0 - 0.5) * weights).sum(axis=(1, 2, 3))
        masked = (1 / (1 + np.exp(-logit / 10))).astype(np.float32)
        return np.column_stack([1 - masked, masked])

    return predict, images, predict(images).argmax(axis=1)


def test_same_seed_same_verdicts_whatever_the_company():
    predict, images, labels = noisy()
    whole = attack.differential_evolution(predict, images, labels, seed=7, settings=SMALL)
    alone = [attack.differential_evolution(predict, images[i:i + 1], labels[i:i + 1], seed=7,
                                           settings=SMALL)[0] for i in range(len(images))]
    assert whole == alone
    other = attack.differential_evolution(predict, images, labels, seed=8, settings=SMALL)
    assert whole != other


def test_evidence_is_what_the_network_says_of_the_changed_face():
    predict, images, labels = noisy()
    verdicts = attack.differential_evolution(predict, images, labels, seed=7, settings=SMALL)
    for image, label, verdict in zip(images, labels, verdicts):
        after = predict(attack.changed(image, verdict.pixel))[0]
        np.testing.assert_allclose(after, verdict.after, rtol=1e-6)
        assert after[label] < verdict.before[label]


def test_a_face_that_is_wrong_already_is_refused():
    predict, images, labels = noisy()
    with pytest.raises(ValueError, match="expected faces that the model has right, got face 2 wrong"):
        labels = labels.copy()
        labels[2] = 1 - labels[2]
        attack.differential_evolution(predict, images, labels, seed=7, settings=SMALL)


@pytest.mark.parametrize("images, labels, answer, message", [
    (grey() / 255.0, [1], [[0.1, 0.9]], "expected uint8 images"),
    (grey()[0], [1], [[0.1, 0.9]], "expected uint8 images"),
    (grey(), [1, 1], [[0.1, 0.9]], "expected a label, 0 or 1, for each of 1 images"),
    (grey(), [2], [[0.1, 0.9]], "expected a label, 0 or 1"),
    (grey(), [1], [[0.1, np.nan]], r"expected finite probabilities \(1, 2\) of predict"),
    (grey(), [1], [0.9], r"expected finite probabilities \(1, 2\) of predict, got \(1,\)")])
def test_bad_images_labels_and_answers_are_refused(images, labels, answer, message):
    with pytest.raises(ValueError, match=message):
        attack.differential_evolution(lambda faces: np.array(answer), images, np.array(labels), seed=0)


@pytest.mark.parametrize("settings", [{"population": 2}, {"generations": -1}])
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="expected a population of at least 3 and generations of at least 0"):
        Evolution(**settings)


def test_the_population_size_is_the_number_of_members():
    population = attack.Population(5, rng=np.random.default_rng(0), settings=Evolution())
    assert population.trial().shape == (400, 5)


def test_the_first_population_is_a_latin_hypercube():
    first = attack.Population(2, rng=np.random.default_rng(0), settings=SMALL).trial()
    for gene in first.T:
        assert sorted((gene * 100).astype(int)) == list(range(100))
    assert qmc.discrepancy(first) < 0.01


def test_trials_are_the_best_member_plus_a_scaled_difference_of_two_others():
    settings = dataclasses.replace(SMALL, population=5)
    population = attack.Population(3, rng=np.random.default_rng(1), settings=settings)
    first = population.trial() * 0.01 + 0.5  # close together, so that no trial leaves [0, 1)
    population.select(first, np.array([5.0, 1, 2, 3, 4]))
    scales = set()
    for _ in range(20):
        trial = population.trial()
        for own, genes in enumerate(trial):
            fits = [(genes - first[1]) / (first[a] - first[b]) for a in range(5) for b in range(5)
                    if len({own, a, b}) == 3]
            [scale] = [fit[0] for fit in fits if fit[0] > 0 and np.allclose(fit, fit[0])]
            scales.add(round(scale, 6))
    assert len(scales) == 20, "F is drawn anew each generation"
    assert 0.5 <= min(scales) and max(scales) < 1


def test_genes_out_of_range_are_drawn_anew():
    population = attack.Population(2, rng=np.random.default_rng(0), settings=SMALL)
    for _ in range(30):
        trial = population.trial()
        assert (trial >= 0).all() and (trial < 1).all()
        population.select(trial, trial.sum(axis=1))  # drives the population into a corner


def test_evolution_minimises_ackleys_function():
    members, energies = attack.minimise(lambda x: attack.ackley(10 * x - 5), 2, settings=SMALL,
                                        rng=np.random.default_rng(0))
    assert members.shape == (31, 100, 2) and (np.diff(energies.min(axis=1)) <= 0).all()
    assert energies[-1].min() < 1e-3
    assert attack.ackley(np.zeros(2)) == pytest.approx(0, abs=1e-12)


def test_the_landscape_is_the_lowest_confidence_of_eight_colours(planted):
    surface = attack.landscape(planted(3, 40, 0), grey()[0], 1)
    assert surface[3, 40] == pytest.approx(0.1) and surface.shape == (50, 50)
    assert (np.delete(surface.ravel(), 3 * 50 + 40) == surface[0, 0]).all()


def test_an_interrupted_sweep_goes_on_and_gives_the_same_table(profile, monkeypatch):
    predict, images, labels = noisy()
    profile = dataclasses.replace(profile, attacked=5)
    whole = attack.sweep(predict, images, labels, network="net", profile=profile)
    table = (profile.folder / "verdicts-net.csv").read_bytes()
    journal = profile.folder / "verdicts-net.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:3]) + lines[3][:20])  # killed while writing the third verdict
    asked = []

    def counting(faces):
        asked.append(len(faces))
        return predict(faces)

    again = attack.sweep(counting, images, labels, network="net", profile=profile)
    assert again.verdicts == whole.verdicts and (profile.folder / "verdicts-net.csv").read_bytes() == table
    assert sum(asked) < sum(v.queries for v in whole.verdicts), "finished faces are not attacked again"
    attack.sweep(predict, images, labels, network="net", profile=dataclasses.replace(profile, seed=1))
    assert (profile.folder / "verdicts-net.csv").read_bytes() != table, "another seed is another sweep"


def test_a_sweep_counts_only_faces_that_were_right(profile):
    predict, images, labels = noisy()
    labels = np.where(np.arange(6) < 2, 1 - labels, labels)
    sweep = attack.sweep(predict, images, labels, network="net", profile=dataclasses.replace(profile, attacked=99))
    assert sweep.faces.tolist() == [2, 3, 4, 5] and (sweep.correct, sweep.tested) == (4, 6)
    with pytest.raises(ValueError, match="expected faces that net has right, got none"):
        attack.sweep(predict, images[:2], labels[:2], network="net", profile=profile)


def test_the_second_look_refuses_a_flip_that_does_not_hold(planted):
    verdict = attack.Verdict(1, 3, 40, (255, 0, 0), (0.2, 0.8), (0.9, 0.1), 10)
    faces = grey()
    good = attack.Sweep("net", np.array([0]), [verdict], 1, 1, 1.0)
    assert attack.check({"net": good}, {"net": planted(3, 40, 0)}, faces)["flips that hold"].tolist() == [1]
    with pytest.raises(AssertionError, match="net, face 0: expected a flip"):
        attack.check({"net": good}, {"net": planted(40, 3, 0)}, faces)
