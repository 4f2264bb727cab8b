"""What is true of the networks of trials: their faces decided, beside what searches found of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet import attack, networks
from maskdet.attack import DifferentialEvolution, Sweep
from maskdet.config import Profile
from maskdet.counts import Count, clustered
from maskdet.experiment.attacks import success
from maskdet.experiment.fitting import Outcome
from maskdet.incremental import Incremental
from maskdet.proof import FLIPPABLE, SAFE, UNDECIDED, Verifications, verify_all

Decided = Mapping[str, Verifications]
COLOURS: dict[tuple[int, ...], str] = {
    (0, 0, 0): "black", (0, 0, 255): "blue", (0, 255, 0): "green", (0, 255, 255): "cyan", (255, 0, 0): "red",
    (255, 0, 255): "magenta", (255, 255, 0): "yellow", (255, 255, 255): "white"}  # the corners of the cube
SEARCHES = {"evolution": "differential evolution", "corners": "all corners",  # searches, and what the book calls them
         "guided": "the guided corners"}


def verify(run: Profile, outcomes: Mapping[str, Sequence[Outcome]]) -> dict[str, Verifications]:
    """Decide the test faces that the first network of each name has right, as many as the profile says (`decided`)."""
    found = {}
    for name, [outcome, *_] in outcomes.items():
        model, most = outcome.model, run.verified.get(outcome.trial.variant.network)
        found[name] = verify_all(networks.predictor(model), Incremental.of(model), outcome.test.images,
                                 outcome.test.labels, name=name, profile=run, stem=outcome.trial.name,
                                 most=most, budget=run.regions)
    return found


def _hits(decided: Verifications, sweep: Sweep) -> np.ndarray:
    """Which of the decided faces a search flipped, (N,) bool. Raises AssertionError where one is proved safe,
    and ValueError where one was not searched."""
    flipped = dict(zip(sweep.faces.tolist(), sweep.flipped))
    if missing := set(decided.faces.tolist()) - set(flipped):
        raise ValueError(f"expected a search of every decided face of {decided.network}, got none of {len(missing)}: "
                         "attack as many faces as are decided (`attacked` and `decided` of the profile)")
    hits = np.array([flipped[face] for face in decided.faces.tolist()])
    wrong = decided.faces[hits & decided.are(SAFE)]
    if len(wrong):
        raise AssertionError(f"{decided.network}: expected no flip of a face that is proved safe, got faces {wrong}")
    return hits


def shares(outcomes: Mapping[str, Sequence[Outcome]], decided: Decided,
           sweeps: Mapping[str, Mapping[str, Sequence[Sweep]]]) -> dict[str, dict]:
    """Of the decided faces of each network, as counts: those that each search (by name, then network) flipped,
    those with a witness, and those without a proof, which are all that may be flippable."""
    counts = {}
    for name, one in decided.items():
        clusters = outcomes[name][0].test.clusters[one.faces]
        counts[name] = {search: clustered(_hits(one, found[name][0]), clusters) for search, found in sweeps.items()}
        counts[name] |= {"flippable": clustered(one.are(FLIPPABLE), clusters),
                         "at_most": clustered(~one.are(SAFE), clusters)}
    return counts


def shares_table(counts: Mapping[str, Mapping]) -> pd.DataFrame:
    """`shares`, a row a network."""
    titles = SEARCHES | {"flippable": "flippable: a witness", "at_most": "at most: no proof"}
    return pd.DataFrame({name: {titles[what]: str(count) for what, count in row.items()}
                         for name, row in counts.items()}).T


def verdicts_table(decided: Decided) -> pd.DataFrame:
    """A row a network: faces of each verdict, places that flip, and the work a face."""
    rows = {}
    for name, one in decided.items():
        boxes, flips = (np.array([getattr(d, what) for d in one.decisions]) for what in ("boxes", "flips"))
        rows[name] = {"decided": f"{len(one.faces) - one.counts[UNDECIDED]} of {len(one.faces)}", **one.counts,
                      "flipping places, in all": int(flips.sum()), "boxes a face": f"{boxes.mean():,.0f}"}
    return pd.DataFrame(rows).T


def by_margin(decided: Decided, *, parts: int = 4) -> pd.DataFrame:
    """A row for each network and quarter of its faces, by the margin of the face unchanged: how many have each verdict,
    and by how much the pixel that hurts most moves the margin (median)."""
    rows = []
    for name, one in decided.items():
        moved = one.margins - np.array([decision.reached.min() for decision in one.decisions])
        for part in np.array_split(np.argsort(one.margins, kind="stable"), min(parts, len(one.faces))):
            rows.append({"network": name, "margin": f"{one.margins[part].min():.1f} to {one.margins[part].max():.1f}",
                         "faces": len(part), **{verdict: int(one.are(verdict)[part].sum())
                                                for verdict in (FLIPPABLE, SAFE, UNDECIDED)},
                         "moved by one pixel": f"{np.median(moved[part]):.2f}"})
    return pd.DataFrame(rows).set_index("network").rename_axis(None)


def missed(run: Profile, outcomes: Mapping[str, Sequence[Outcome]], decided: Decided) -> dict[str, list[int]]:
    """How many of the flippable faces of each network differential evolution finds, by each of `run.draws` seeds.

    Elsewhere it finds nothing: that is proved."""
    found = {}
    for name, one in decided.items():
        outcome, faces = outcomes[name][0], one.faces[one.are(FLIPPABLE)]
        network, test = Incremental.of(outcome.model), outcome.test
        found[name] = [sum(verdict.flipped for _, verdict in attack.attack(
            network, test.images[faces], test.labels[faces], search=DifferentialEvolution(run.evolution),
            seed=run.seed + draw)) for draw in range(run.draws)]
    return found


def missed_table(decided: Decided, found: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """A row a network: flippable faces, and how many of them each seed finds."""
    return pd.DataFrame({name: {"flippable": decided[name].counts[FLIPPABLE]} | {
        f"seed {draw}": k for draw, k in enumerate(several)} for name, several in found.items()}).T


def most_vulnerable(outcomes: Mapping[str, Sequence[Outcome]], decided: Decided, *, at_most: int):
    """Faces (N, H, W, 3), each network's least safe ones first, `at_most` of each; by how much one pixel moves the
    margin at each place, (N, H, W); where that turns the decision; and titles. For a figure."""
    images, moved, flips, titles = [], [], [], []
    for name, one in decided.items():
        reached = np.array([decision.reached.min() for decision in one.decisions])
        for row in np.argsort(reached, kind="stable")[:at_most]:
            images.append(outcomes[name][0].test.images[one.faces[row]])
            moved.append(one.margins[row] - one.decisions[row].reached)
            flips.append(one.decisions[row].flips)
            titles.append(f"{name}, margin {one.margins[row]:.1f}\n{one.decisions[row].verdict}")
    return np.array(images), np.array(moved), np.array(flips), titles


def weak_spots(decided: Decided) -> dict[str, tuple[np.ndarray, dict[str, int]]]:
    """For each network: by how much one pixel moves the margin at each place, the mean over its faces (H, W); and of
    how many faces the pixel that moves it most has which colour."""
    found = {}
    for name, one in decided.items():
        moved = np.mean([own - decision.reached for own, decision in zip(one.margins, one.decisions)], axis=0)
        colours = [COLOURS.get(decision.witness[2:], "another") for decision in one.decisions]
        found[name] = moved, {colour: colours.count(colour) for colour in (*COLOURS.values(), "another")}
    return found


def objectives(run: Profile):
    """Differential evolution by the margin and by the confidence, for `sweep`: by name, a function of a line."""
    return {what: lambda variant, what=what: DifferentialEvolution(run.evolution, region=variant.region, objective=what)
            for what in ("margin", "confidence")}


def objectives_table(outcomes: Mapping[str, Sequence[Outcome]], sweeps: Mapping[str, Mapping]) -> pd.DataFrame:
    """A row a network: how sure it is of the faces unchanged, and the success of each objective."""
    return pd.DataFrame({name: {"confidence exactly 1": str(_saturated(outcome))} | {
        f"by the {what}": str(success([outcome], several[name])) for what, several in sweeps.items()}
        for name, [outcome] in outcomes.items()}).T


def _saturated(outcome: Outcome) -> Count:
    """Of the faces that a network has right, those in which its confidence is exactly 1, in float32."""
    right = outcome.test.correct
    return clustered(outcome.test.probabilities[right].max(axis=1) == 1, outcome.test.clusters[right])


def to_record(run: Profile, outcomes: Mapping, decided: Decided, counts: Mapping, found: Mapping, by_objective: Mapping,
            by_length: Mapping) -> tuple[dict, dict]:
    """What the stage of the verification records. `by_objective` and `by_length` are outcomes and their sweeps."""
    objective = {what: {name: success(by_objective[0][name], several[name]) for name in several}
                 for what, several in by_objective[1].items()}
    lengths: dict[str, dict] = {}  # by network, kind of crops and epochs
    for name, [outcome] in by_length[0].items():
        variant = outcome.trial.variant
        kinds = lengths.setdefault(variant.network, {})
        kinds.setdefault("plain" if variant.plain else "augmented", {})[str(variant.settings(run).epochs)] = {
            "accuracy": outcome.test.accuracy, "success": success([outcome], by_length[1][name])}
    seconds = {name: {"mean": float(one.seconds.mean()), "median": float(np.median(one.seconds)),
                      "most": float(one.seconds.max())} for name, one in decided.items()}
    verified = {name: clustered(~one.are(UNDECIDED), outcomes[name][0].test.clusters[one.faces])
                for name, one in decided.items()}
    return {"verification": {
        "verdicts": {name: one.counts for name, one in decided.items()},
        "shares": counts, "draws": run.draws, "regions": run.regions, "objective": objective, "lengths": lengths,
        "saturated": {name: _saturated(outcome) for name, [outcome] in by_objective[0].items()}, "verified": verified,
        "missed": {name: {"flippable": decided[name].counts[FLIPPABLE], "least": min(several), "most": max(several)}
                   for name, several in found.items()}}}, seconds
