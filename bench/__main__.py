"""`python -m bench PROFILE`: measure on the networks and test faces of a profile; write results/bench.json."""

import importlib.metadata
import os
import sys

import numpy as np
from tqdm import tqdm

from bench import cost, measure, peers, photographed
from maskdet import config, deterministic, experiment, files, networks
from maskdet.incremental import Incremental
from maskdet.record import provenance

PACKAGES = ("adversarial-robustness-toolbox", "torch", "torchattacks")


def rows(name: str, attacked: measure.Faces, journal: files.Journal) -> tuple[list, list]:
    """The rows of ours and of the peers on one network, from the rounds of its journal."""
    rounds = [journal.items[str(index)] for index in range(len(attacked.images))]
    beside = {}
    for peer in rounds[0]["peers"]:
        found = [one["peers"][peer] for one in rounds]
        beside[peer] = _row(peer, name, sum(one["seconds"] for one in found), [one["queries"] for one in found],
                            [one["flipped"] for one in found])
    ours = []
    for search in rounds[0]["ours"]:
        runs = [r["ours"][search] for r in rounds if r["ours"]]
        seconds = float(np.median([run["seconds"] for run in runs]))
        row = _row(search, name, seconds, runs[0]["queries"], runs[0]["flipped"])
        row["ratio"] = {peer: round(row["faces_per_minute"] / other["faces_per_minute"], 1)
                        for peer, other in beside.items()}
        row["same_verdicts"] = {peer: sum(r["peers"][peer]["flipped"] == flipped
                                          for r, flipped in zip(rounds, runs[0]["flipped"])) for peer in beside}
        row["runs"] = [round(run["seconds"], 3) for run in runs]
        ours.append(row)
    return ours, list(beside.values())


def _row(search: str, network: str, seconds: float, queries: list, flipped: list) -> dict:
    return {"search": search, "network": network, "success": {"k": sum(flipped), "n": len(flipped)},
            "faces_per_minute": round(60 * len(flipped) / seconds, 2),
            "evaluations_per_second": round(sum(queries) / seconds),
            "median_queries": int(np.median(queries)), "queries": sum(queries)}


def main(arguments: list[str]) -> int:
    """Measure both networks of a profile."""
    run = photographed(arguments, command="make bench")
    if "SCHEDULER" in os.environ:
        raise ValueError("expected no SCHEDULER: the benchmark compares ours with others on this machine")
    deterministic()
    machine = provenance.environment()
    del machine["date"]
    written = {"run": run.name, "attack": [], "peers": [], "cost": {}, "growth": {}}
    for name in networks.NETWORKS:
        [outcome] = experiment.read(run, {name: experiment.main_run(run)[name]})[name]
        model, test = outcome.model, outcome.test
        network = Incremental.of(model)
        found = measure.chosen(model, network, test.images, test.labels, run)
        ready = {peer: prepare(model, run.evolution) for peer, prepare in peers.PEERS.items()}
        weights = [weight.tobytes() for weight in model.get_weights()]
        key = files.digest(found.images.tobytes(), *weights, run.evolution, run.seed, machine)
        journal = files.Journal(run.folder / f"bench-{name}.jsonl", key=key)
        with tqdm(total=len(found.images), desc=f"bench, {name}", unit="face") as progress:
            measure.rounds(found, network, ready, journal, seed=run.seed, settings=run.evolution, progress=progress)
        ours, beside = rows(name, found, journal)
        written["attack"] += ours
        written["peers"] += beside
        rate = float(np.median([one["matmul"] for one in journal.items.values()]))
        written["cost"][name] = {**cost.multiplications(network, found.images[0], seed=run.seed),
                                 "matmul": round(rate / 1e9, 1)}  # 10^9 operations a second
        standing = ~found.flippable
        written["growth"][name] = list(cost.growth(network, found.images[standing], found.labels[standing],
                                                   seed=run.seed))
    written["provenance"] = provenance.environment()
    written["provenance"]["versions"] |= {package: importlib.metadata.version(package) for package in PACKAGES}
    files.write_json(config.RECORDED / "bench.json", written)
    for name in networks.NETWORKS:  # the next run measures anew
        (run.folder / f"bench-{name}.jsonl").unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
