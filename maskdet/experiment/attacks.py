"""The networks of trials attacked, each on its test faces."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from maskdet import attack, files, networks
from maskdet.attack import Search, Sweep, forward
from maskdet.config import Profile
from maskdet.counts import Count, clustered
from maskdet.experiment.fitting import Outcome
from maskdet.experiment.variants import Variant
from maskdet.incremental import Incremental
from maskdet.networks.evaluation import Evaluation

Outcomes = Mapping[str, Sequence[Outcome]]  # of several trials, by name
Sweeps = Mapping[str, Sequence[Sweep]]  # of each outcome, by the same names
# Searches, as the book calls them.
SEARCHES = {"evolution": "differential evolution", "corners": "all corners", "guided": "the guided corners"}
FIRST = 32  # corners that are tried on a large network, of which each query is a whole pass


def guided(variant: Variant) -> Search:
    """The white-box search of a variant's region; of its `FIRST` corners, on a large network."""
    return attack.Guided(region=variant.region, most=FIRST if variant.network in networks.COMPARED else None)


def corners(variant: Variant) -> Search:
    """The complete black-box search of a variant's region."""
    return attack.Corners(region=variant.region)


def evolution(run: Profile) -> Callable[[Variant], Search]:
    """The preprint's search of a variant's region."""
    return lambda variant: attack.DifferentialEvolution(run.evolution, region=variant.region)


def sweep(run: Profile, outcomes: Outcomes, *,
          search: Callable[[Variant], Search] = guided) -> dict[str, list[Sweep]]:
    """Attack the test faces that each network classifies correctly, by `search(variant)`: a sweep for each outcome."""
    sweeps: dict[str, list[Sweep]] = {name: [] for name in outcomes}
    for name, outcome in ((name, outcome) for name, members in outcomes.items() for outcome in members):
        model, test, variant = outcome.model, outcome.test, outcome.trial.variant
        large = variant.network in networks.COMPARED
        network = forward.Forward.of(model) if large else Incremental.of(model)
        sweeps[name].append(attack.sweep(
            networks.predictor(model), network, test.images, test.labels, name=name, stem=outcome.trial.name,
            search=search(variant), profile=run, of=files.digest(*outcome.fit.weights), here=large))
    return sweeps


def success(outcomes: Sequence[Outcome], sweeps: Sequence[Sweep], *, first: float = np.inf) -> Count:
    """Faces flipped within the `first` queries, of all attacked faces of all outcomes."""
    hits = [attempt.flipped and attempt.queries <= first for sweep in sweeps for attempt in sweep.attempts]
    clusters = [outcome.test.clusters[sweep.faces] for outcome, sweep in zip(outcomes, sweeps)]
    return clustered(np.array(hits), np.concatenate(clusters))


def pooled(outcomes: Outcomes) -> dict[str, Evaluation]:
    """The tests of all outcomes of each name, put together."""
    return {name: Evaluation.pooled(outcome.test for outcome in members) for name, members in outcomes.items()}
