"""Differential evolution by itself: its population, its trials, and a function of known minimum."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import qmc

from maskdet import attack
from maskdet.config import Evolution

SMALL = Evolution(population=100, generations=30)


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


def test_by_the_confidence_a_saturated_network_shows_no_slope_and_by_the_margin_it_does(linear):
    [dense] = linear.steps
    steep = dataclasses.replace(linear, steps=(dataclasses.replace(dense, kernel=dense.kernel * 300),))
    image = np.random.default_rng(3).integers(0, 256, (6, 7, 3), dtype=np.uint8)
    face = steep.face(image)
    goal = attack.Goal(int(face.logits.argmax()))
    assert goal.confidence(face.logits) == 1 < goal.margin(face.logits) / 17
    found = {}
    for objective in ("margin", "confidence"):
        search = attack.DifferentialEvolution(dataclasses.replace(SMALL, generations=10), objective=objective)
        pixels, _ = search(face, goal, rng=np.random.default_rng(0))
        found[objective] = goal.margin(face.query(pixels[None]))[0]
    assert found["margin"] < found["confidence"], "it saw where to go"
    assert search.name == "differential_evolution_by_confidence"
    with pytest.raises(ValueError, match="expected an objective, one of margin, confidence, got 'loss'"):
        attack.DifferentialEvolution(objective="loss")
