"""The test faces of trials verified, beside what searches found on them."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from maskdet import attack, networks
from maskdet.attack import DifferentialEvolution, Sweep
from maskdet.config import Profile
from maskdet.counts import Count, clustered
from maskdet.experiment.attacks import SEARCHES, Outcomes, Sweeps, pooled, success
from maskdet.experiment.fitting import Outcome
from maskdet.incremental import Incremental
from maskdet.proof import FLIPPABLE, SAFE, UNDECIDED, Verifications, verify_all

Verified = Mapping[str, Verifications]  # by network
COLOURS: dict[tuple[int, ...], str] = {
    (0, 0, 0): "black", (0, 0, 255): "blue", (0, 255, 0): "green", (0, 255, 255): "cyan", (255, 0, 0): "red",
    (255, 0, 255): "magenta", (255, 255, 0): "yellow", (255, 255, 255): "white"}  # the corners of the cube


def verify(run: Profile, outcomes: Outcomes) -> dict[str, Verifications]:
    """Verify the test faces that each network classifies correctly, at most `run.verified` of each. Rows are those of
    the tests of all outcomes of a name put together, as by `attacks.pooled`."""
    verified = {}
    for name, members in outcomes.items():
        parts = []
        for start, outcome in zip(starts(members), members):
            model, test, most = outcome.model, outcome.test, run.verified.get(outcome.trial.variant.network)
            part = verify_all(networks.predictor(model), Incremental.of(model), test.images, test.labels, name=name,
                              profile=run, stem=outcome.trial.name, most=most, budget=run.regions)
            parts.append(dataclasses.replace(part, faces=part.faces + start))
        verified[name] = Verifications(name, np.concatenate([part.faces for part in parts]),
                                       [result for part in parts for result in part.results],
                                       *(np.concatenate([getattr(part, of) for part in parts])
                                         for of in ("margins", "seconds")))
    return verified


def starts(outcomes: Sequence[Outcome]) -> list[int]:
    """The row of the first face of each outcome where their tests are put together."""
    return [0, *np.cumsum([len(outcome.test.labels) for outcome in outcomes])[:-1].tolist()]


def _flipped(verified: Verifications, outcomes: Sequence[Outcome], sweeps: Sequence[Sweep]) -> np.ndarray:
    """Which of the verified faces a search flipped, (N,) bool. Raises AssertionError where such a face is proved safe,
    and ValueError where a face was not searched."""
    flipped = {face + start: flips for start, sweep in zip(starts(outcomes), sweeps)
               for face, flips in zip(sweep.faces.tolist(), sweep.flipped)}
    if missing := set(verified.faces.tolist()) - set(flipped):
        raise ValueError(f"expected a search of every verified face of {verified.network}, got none of {len(missing)}: "
                         "attack as many faces as are verified (`attacked` and `verified` of the profile)")
    hits = np.array([flipped[face] for face in verified.faces.tolist()])
    if len(wrong := verified.faces[hits & verified.are(SAFE)]):
        raise AssertionError(f"{verified.network}: expected no flip of a face that is proved safe, got faces {wrong}")
    return hits


def shares(outcomes: Outcomes, verified: Verified, sweeps: Mapping[str, Sweeps]) -> dict[str, dict]:
    """Of the verified faces of each network: how many each search (sweeps by search, then network) flipped, how many
    have a witness ("flippable"), and how many have no proof, so that they may be flippable ("at_most")."""
    tests, counts = pooled(outcomes), {}
    for name, verdicts in verified.items():
        hits = {search: _flipped(verdicts, outcomes[name], swept[name]) for search, swept in sweeps.items()}
        hits |= {"flippable": verdicts.are(FLIPPABLE), "at_most": ~verdicts.are(SAFE)}
        counts[name] = {key: clustered(hit, tests[name].clusters[verdicts.faces]) for key, hit in hits.items()}
    return counts


def shares_table(counts: Mapping[str, Mapping]) -> pd.DataFrame:
    """`shares`, a row for each network."""
    titles = SEARCHES | {"flippable": "flippable: a witness", "at_most": "at most: no proof"}
    return pd.DataFrame(counts).T.map(str).rename(columns=titles)


def verdicts_table(verified: Verified) -> pd.DataFrame:
    """A row for each network: faces with each verdict, places that flip, and regions that were bounded."""
    rows = {}
    for name, verdicts in verified.items():
        table, counts = verdicts.table(), verdicts.counts
        rows[name] = {"verified": f"{len(table) - counts[UNDECIDED]} of {len(table)}", **counts,
                      "flipping places, in all": int(table["flipping places"].sum()),
                      "regions per face": f"{table.regions.mean():,.0f}"}
    return pd.DataFrame(rows).T


def by_margin(verified: Verified, *, parts: int = 4) -> pd.DataFrame:
    """A row for each network and quarter of its faces, by the margin of the unchanged face: how many have each verdict,
    and the median of what the worst pixel moves the margin by."""
    rows = []
    for name, verdicts in verified.items():
        moved = (verdicts.table().margin - verdicts.table().reached).to_numpy()
        for part in np.array_split(np.argsort(verdicts.margins, kind="stable"), min(parts, len(verdicts.faces))):
            margins = verdicts.margins[part]
            rows.append({"network": name, "margin": f"{margins.min():.1f} to {margins.max():.1f}", "faces": len(part),
                         **{verdict: int(verdicts.are(verdict)[part].sum())
                            for verdict in (FLIPPABLE, SAFE, UNDECIDED)},
                         "moved by one pixel": f"{np.median(moved[part]):.2f}"})
    return pd.DataFrame(rows).set_index("network").rename_axis(None)


def missed(run: Profile, outcomes: Outcomes, verified: Verified) -> dict[str, list[int]]:
    """How many of the flippable faces of each network differential evolution flips, for each of `run.draws` seeds."""
    flips, search = {name: [0] * run.draws for name in verified}, DifferentialEvolution(run.evolution)
    for name, verdicts in verified.items():
        faces = verdicts.faces[verdicts.are(FLIPPABLE)]
        for start, outcome in zip(starts(outcomes[name]), outcomes[name]):
            own = faces[(faces >= start) & (faces < start + len(outcome.test.labels))] - start
            network, test = Incremental.of(outcome.model), outcome.test.part(own)
            for draw in range(run.draws):
                flips[name][draw] += sum(attempt.flipped for _, attempt in attack.stream(
                    network, test.images, test.labels, search=search, seed=run.seed + draw, workers=-1))
    return flips


def missed_table(verified: Verified, flips: Mapping[str, Sequence[int]]) -> pd.DataFrame:
    """A row for each network: how many faces are flippable, and how many of them each seed flips."""
    return pd.DataFrame({name: [verified[name].counts[FLIPPABLE], *counts] for name, counts in flips.items()}).T.rename(
        columns=lambda number: f"seed {number - 1}" if number else "flippable")


def most_vulnerable(outcomes: Outcomes, verified: Verified, *, at_most: int):
    """For `figures.vulnerability`: `at_most` faces (N, H, W, 3) of each network, the least safe first; how much one
    pixel moves the margin at each place, (N, H, W); where it flips the decision; and titles."""
    rows: list[tuple] = []
    for name, verdicts in verified.items():
        images = pooled(outcomes)[name].images
        for row in np.argsort([face.reached.min() for face in verdicts.results], kind="stable")[:at_most]:
            face, margin = verdicts.results[row], verdicts.margins[row]
            rows.append((images[verdicts.faces[row]], margin - face.reached, face.flips,
                         f"{name}, margin {margin:.1f}\n{face.verdict}"))
    shown, moved, flips, titles = zip(*rows)
    return np.array(shown), np.array(moved), np.array(flips), list(titles)


def weak_spots(verified: Verified) -> dict[str, tuple[np.ndarray, dict[str, int]]]:
    """By network: by how much a pixel at each place moves the margin, the mean over its faces (H, W); and how many of
    the worst pixels have each colour."""
    spots = {}
    for name, verdicts in verified.items():
        colours = [COLOURS.get(tuple(pixel[2:]), "another") for pixel in verdicts.table().pixel]
        # Rounded, so that a record, which has the maps of its parts, shows the same.
        spots[name] = verdicts.moved.round(3), {colour: colours.count(colour)
                                                for colour in (*COLOURS.values(), "another")}
    return spots


def objectives(run: Profile) -> dict[str, Callable]:
    """Differential evolution of the margin and of the confidence, for `sweep`: by name, a function of a variant."""
    return {name: lambda variant, name=name: DifferentialEvolution(run.evolution, region=variant.region, objective=name)
            for name in ("margin", "confidence")}


def objectives_table(outcomes: Outcomes, sweeps: Mapping[str, Sweeps]) -> pd.DataFrame:
    """A row for each network: how often its confidence is exactly 1, and the success of each objective."""
    return pd.DataFrame({"confidence exactly 1": _saturated(outcomes)} | {
        f"by the {objective}": count for objective, count in _by_objective(outcomes, sweeps).items()}).map(str)


def _saturated(outcomes: Outcomes) -> dict[str, Count]:
    """Of the faces that each network classifies correctly, those whose float32 confidence is exactly 1."""
    tests = {name: outcome.test.part(outcome.test.correct) for name, [outcome] in outcomes.items()}
    return {name: clustered(test.probabilities.max(axis=1) == 1, test.clusters) for name, test in tests.items()}


def _by_objective(outcomes: Outcomes, sweeps: Mapping[str, Sweeps]) -> dict[str, dict]:
    """The success of each objective on each network."""
    return {objective: {name: success(outcomes[name], swept[name]) for name in swept}
            for objective, swept in sweeps.items()}


def to_record(run: Profile, outcomes: Outcomes, verified: Verified, counts: Mapping, flips: Mapping,
              by_objective: tuple) -> tuple[dict, dict]:
    """What this stage records, and its seconds. `by_objective`: outcomes and their sweeps."""
    tests = pooled(outcomes)
    return {"verification": {
        "verdicts": {name: verdicts.counts for name, verdicts in verified.items()},
        "shares": counts, "draws": run.draws, "regions": run.regions, "objective": _by_objective(*by_objective),
        "saturated": _saturated(by_objective[0]),
        "verified": {name: clustered(~verdicts.are(UNDECIDED), tests[name].clusters[verdicts.faces])
                     for name, verdicts in verified.items()},
        "missed": {name: {"flippable": verified[name].counts[FLIPPABLE], "least": min(flipped), "most": max(flipped)}
                   for name, flipped in flips.items()}}
    }, {name: {"mean": float(verdicts.seconds.mean()), "median": float(np.median(verdicts.seconds)),
               "most": float(verdicts.seconds.max())} for name, verdicts in verified.items()}
