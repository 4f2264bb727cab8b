"""The networks of trials attacked, each on the faces that it was tested with."""

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

FIRST = 32  # corners, the most promising first, where each question is a whole pass of a large network


def guided(variant: Variant) -> Search:
    """The white-box search of the region that a line searches; of its first corners, on a large network."""
    return attack.Guided(region=variant.region, most=FIRST if variant.network in networks.COMPARED else None)


def corners(variant: Variant) -> Search:
    """The complete black-box search of the region that a line searches."""
    return attack.Corners(region=variant.region)


def evolution(run: Profile) -> Callable[[Variant], Search]:
    """The preprint's search, of the region that a line searches."""
    return lambda variant: attack.DifferentialEvolution(run.evolution, region=variant.region)


def sweep(run: Profile, outcomes: Mapping[str, Sequence[Outcome]], *,
          search: Callable[[Variant], Search] = guided) -> dict[str, list[Sweep]]:
    """Attack the test faces that each outcome's network has right by `search(line)`, one sweep an outcome."""
    return {name: [_sweep(run, name, outcome, search(outcome.trial.variant)) for outcome in several]
            for name, several in outcomes.items()}


def _sweep(run: Profile, name: str, outcome: Outcome, search: Search) -> Sweep:
    model, large = outcome.model, outcome.trial.variant.network in networks.COMPARED
    network = forward.Forward.of(model) if large else Incremental.of(model)
    of = files.digest(*outcome.fit.weights)
    return attack.sweep(networks.predictor(model), network, outcome.test.images, outcome.test.labels, name=name,
                        stem=outcome.trial.name, search=search, profile=run, of=of, here=large)


def success(outcomes: Sequence[Outcome], sweeps: Sequence[Sweep], *, first: float = np.inf) -> Count:
    """Faces flipped within the `first` questions, of those that were right before and attacked, in all outcomes."""
    hits = [verdict.flipped and verdict.queries <= first for sweep in sweeps for verdict in sweep.attempts]
    clusters = [outcome.test.clusters[sweep.faces] for outcome, sweep in zip(outcomes, sweeps)]
    return clustered(np.array(hits), np.concatenate(clusters))


def pooled(outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, Evaluation]:
    """The tests of all outcomes of a name as one."""
    return {name: Evaluation.pooled(outcome.test for outcome in several) for name, several in outcomes.items()}
