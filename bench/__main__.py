"""`python -m bench PROFILE`: measure on the networks and test faces of a profile, and on ten classes; write
results/bench.json."""

import importlib.metadata
import os
import sys
from collections.abc import Iterator

import numpy as np
from tqdm import tqdm

from bench import cost, lenet, measure, memory, peers, photographed
from maskdet import attack, config, deterministic, experiment, files, networks
from maskdet.incremental import Incremental
from maskdet.networks.backend import keras
from maskdet.origin import published
from maskdet.record import provenance

PACKAGES = ("adversarial-robustness-toolbox", "torch", "torchattacks")


def rows(name: str, attacked: measure.Faces, journal: files.Journal) -> tuple[list, list]:
    """The rows of our searches and of the peers on a network, from the rounds of its journal."""
    rounds = [journal.items[str(index)] for index in range(len(attacked.images))]
    peer_rows = {}
    for peer in rounds[0]["peers"]:
        seconds, queries, flipped = ([attacks["peers"][peer][value] for attacks in rounds]
                                     for value in ("seconds", "queries", "flipped"))
        peer_rows[peer] = _row(peer, name, sum(seconds), queries, flipped)
    ours = []
    for search in rounds[0]["ours"]:
        runs = [attacks["ours"][search] for attacks in rounds if attacks["ours"]]
        flipped = runs[0]["flipped"]
        row = _row(search, name, float(np.median([run["seconds"] for run in runs])), runs[0]["queries"], flipped)
        row["ratio"] = {peer: round(row["faces_per_minute"] / peer_row["faces_per_minute"], 1)
                        for peer, peer_row in peer_rows.items()}
        row["same_verdicts"] = {peer: sum(attacks["peers"][peer]["flipped"] == flip
                                          for attacks, flip in zip(rounds, flipped)) for peer in peer_rows}
        row["runs"] = [round(run["seconds"], 3) for run in runs]
        ours.append(row)
    return ours, list(peer_rows.values())


def _row(search: str, network: str, seconds: float, queries: list, flipped: list) -> dict:
    return {"search": search, "network": network, "success": {"k": sum(flipped), "n": len(flipped)},
            "faces_per_minute": round(60 * len(flipped) / seconds, 2),
            "evaluations_per_second": round(sum(queries) / seconds),
            "median_queries": int(np.median(queries)), "queries": sum(queries)}


def subjects(run: config.Profile) -> Iterator[tuple[str, keras.Model, Incremental, measure.Faces]]:
    """The networks that are attacked, by name: those of a profile, and one of ten classes, each with its images."""
    for name in networks.NETWORKS:
        [outcome] = experiment.read(run, {name: experiment.main_run(run)[name]})[name]
        model, test = outcome.model, outcome.test
        network = Incremental.of(model)
        swept = attack.sweep(networks.predictor(model), network, test.images, test.labels, name=model.name,
                             search=attack.Corners(), profile=run)
        yield name, model, network, measure.chosen(
            name, test.images, test.labels, flipped=swept.faces[swept.flipped], others=swept.faces[~swept.flipped],
            seed=run.seed)
    yield ten_classes(seed=run.seed)


def ten_classes(*, seed: int) -> tuple[str, keras.Model, Incremental, measure.Faces]:
    """LeNet, and test images of CIFAR-10 that it has right."""
    model, (images, labels) = lenet.model(), published.images()
    network = Incremental.of(model)
    status = attack.run(network, images, labels, search="corners").status
    return lenet.NAME, model, network, measure.chosen(
        lenet.NAME, images, labels, flipped=np.flatnonzero(status == "flipped"),
        others=np.flatnonzero(status == "stands"), seed=seed)


def main(arguments: list[str]) -> int:
    """Measure both networks of a profile and that of ten classes, and the memory that a large one takes."""
    run = photographed(arguments, command="make bench")
    if "SCHEDULER" in os.environ:
        raise ValueError("expected no SCHEDULER: the benchmark compares searches on this machine")
    deterministic()
    machine = provenance.environment()
    del machine["date"]
    published.file("lenet.npz")  # before the hour that the rest takes
    record = {"run": run.name, "attack": [], "peers": [], "cost": {}, "growth": {},
              "memory": memory.measured(seed=run.seed)}
    journals = []
    for name, model, network, faces in subjects(run):
        ready = {peer: prepare(model, run.evolution) for peer, prepare in peers.PEERS.items()}
        weights = [weight.tobytes() for weight in model.get_weights()]
        key = files.digest(faces.images.tobytes(), *weights, run.evolution, run.seed, machine)
        journals.append(journal := files.Journal(run.folder / f"bench-{name}.jsonl", key=key))
        with tqdm(total=len(faces.images), desc=f"bench, {name}", unit="face") as progress:
            measure.rounds(faces, network, ready, journal, seed=run.seed, settings=run.evolution, progress=progress)
        ours, peer_rows = rows(name, faces, journal)
        record["attack"] += ours
        record["peers"] += peer_rows
        rate = float(np.median([attacks["matmul"] for attacks in journal.items.values()]))
        record["cost"][name] = {**cost.multiplications(network, faces.images[0], seed=run.seed),
                                "matmul": round(rate / 1e9, 1)}  # 10^9 operations per second
        record["growth"][name] = list(cost.growth(network, faces.images[~faces.flippable],
                                                  faces.labels[~faces.flippable], seed=run.seed))
    record["provenance"] = provenance.environment()
    record["provenance"]["versions"] |= {package: importlib.metadata.version(package) for package in PACKAGES}
    files.write_json(config.RECORDED / "bench.json", record)
    for journal in journals:  # the next run measures anew
        journal.path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
