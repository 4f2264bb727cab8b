"""What a user of a network can do against one pixel: each defence beside the network without any."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
import pandas as pd

from maskdet.config import Profile
from maskdet.counts import Count, clustered
from maskdet.experiment.attacks import SEARCHES, Outcomes, Sweeps, pooled, success
from maskdet.experiment.variants import DEFENCES, defence
from maskdet.experiment.verification import Verified
from maskdet.proof import SAFE

Searches = Mapping[str, Sweeps]  # by search, then by network and defence
Shares = Mapping[str, Mapping[str, Count]]  # as of `verification.shares`


def searched_table(outcomes: Outcomes, sweeps: Searches) -> pd.DataFrame:
    """A row for each network and defence: accuracy, and the faces that each search flips."""
    return pd.DataFrame({name: {"accuracy": str(test.accuracy)} | {
        f"flipped by {SEARCHES[search]}": str(success(outcomes[name], swept[name])) for search, swept in sweeps.items()}
        for name, test in pooled(outcomes).items()}).T


def verdicts_table(outcomes: Outcomes, verified: Verified, shares: Shares) -> pd.DataFrame:
    """A row for each network and defence: by how many points its accuracy is higher than without, the verdicts, how
    many faces any attack can flip at most, and the certified accuracy: the share of all test faces that are correct and
    proved safe, a lower bound where not all correct faces were verified."""
    rows, tests = {}, pooled(outcomes)
    for name, test in tests.items():
        without = tests[f"{outcomes[name][0].trial.variant.network}, none"]
        more = 100 * (test.accuracy.share - without.accuracy.share)
        safe = verified[name].faces[verified[name].are(SAFE)]
        certified = clustered(np.isin(np.arange(len(test.clusters)), safe), test.clusters)
        rows[name] = {"accuracy": f"{more:+.2f}", **verified[name].counts,
                      "at most flippable": str(shares[name]["at_most"]), "certified accuracy": str(certified)}
    return pd.DataFrame(rows).T


def dumbbell(outcomes: Outcomes, shares: Shares) -> dict[str, list]:
    """Accuracy, and the share of the verified faces that are flippable, by network, as `figures.dumbbell` draws it."""
    rows: dict[str, list] = {}
    for name, test in pooled(outcomes).items():
        variant, flippable = outcomes[name][0].trial.variant, shares[name]["flippable"]
        rows.setdefault(variant.network, []).append((DEFENCES[defence(variant)][0], test.accuracy.share,
                                                     test.accuracy.interval, flippable.share, flippable.interval))
    return rows


def to_record(run: Profile, outcomes: Outcomes, sweeps: Searches, verified: Verified, shares: Shares) -> tuple:
    """What this stage records, by network, then by defence; and the seconds of each training and of a verified face."""
    record, seconds = defaultdict[str, dict](dict), defaultdict[str, dict](dict)
    for name, members in outcomes.items():
        variant = members[0].trial.variant
        network, key = variant.network, defence(variant)
        seconds[network][key] = {"training": sum(outcome.fit.seconds for outcome in members),
                                 "verification": float(verified[name].seconds.mean())}
        record[network][key] = {
            "seeds": len(members), "accuracy": pooled({name: members})[name].accuracy,
            "success": {search: success(members, swept[name]) for search, swept in sweeps.items()},
            "verdicts": verified[name].counts, **{key: shares[name][key] for key in ("flippable", "at_most")}}
    return {"defences": record}, seconds
