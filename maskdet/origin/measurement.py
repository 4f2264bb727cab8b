"""Our searches and proofs on the published networks: each image attacked and verified, and kept as it is finished."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet import config, files, keys
from maskdet.attack import Corners, DifferentialEvolution, Goal, Guided, Search, set_pixels, stream
from maskdet.config import Evolution
from maskdet.counts import Count, clustered
from maskdet.incremental import Incremental
from maskdet.origin import published
from maskdet.proof import FLIPPABLE, SAFE, UNDECIDED, verify_face
from maskdet.workers import each

SEED = 562
REGIONS = 50_000  # of colours that are bounded for an image, at most
# As the published code searches: 400 members for a pixel; for three, the largest multiple of 15 genes that is no more.
ONE, THREE = Evolution(400, 75), Evolution(390, 75)
QUERIES = ONE.population * (ONE.generations + 1)
EVOLUTION = DifferentialEvolution(ONE, objective="confidence")
THREE_AT_ONCE = DifferentialEvolution(THREE, size=3, objective="confidence")
GREEDY = Guided(size=3)  # whose first pixel is that of Guided()
# Of the deep network a query takes two hundred times as long: without evolution, whose budget is four times as many
# queries as there are corners, and towards a target with the first corners alone. Nothing can be proved of it, since
# the bound of what float32 may round through its layers (`Bounds.doubt`) is infinite.
DEEP, FIRST = ("resnet",), Guided(most=512)
PARTS = (("lenet", "searches"), ("lenet", "targeted"), ("lenet", "verification"), ("resnet", "searches"),
         ("resnet", "targeted"))
# What the abstract of Su et al. (2019) states: images of which one pixel reaches at least one of the other classes.
STATED = {"kaggle": {"value": 67.97, "unit": "%"}, "imagenet": {"value": 16.04, "unit": "%"}}


@dataclass(frozen=True, eq=False)
class Subject:
    """A published network as it is attacked: the images of which it classifies those numbered `correct` correctly."""

    name: str
    network: Incremental
    images: np.ndarray
    labels: np.ndarray
    correct: np.ndarray

    @classmethod
    def of(cls, name: str, count: int | None = None) -> "Subject":
        """One of `published.NETWORKS` on the published images, or on the first `count` of them."""
        images, labels = (array[:count] for array in published.images())
        network = Incremental.of(published.network(name))
        correct = np.flatnonzero(_whole(network, images).argmax(axis=1) == labels)
        return cls(name, network, images, labels, correct)

    def journal(self, stem: str, *parts: object) -> files.Journal:
        """What is finished of `stem`, under a key of the network, the images and `parts`."""
        weights = [value for step in self.network.steps for value in vars(step).values()
                   if isinstance(value, np.ndarray)]
        path = config.build_folder() / "cifar10" / f"{self.name}-{stem}.jsonl"
        return files.Journal(path, key=files.digest(*weights, self.images, self.labels, *parts))


def _whole(network: Incremental, images: np.ndarray) -> np.ndarray:
    """The probabilities (N, K) by the whole pass of the Keras model."""
    if network.whole is None:
        raise ValueError("expected a network that was read in this process, got one without its whole pass: read it "
                         "again, Incremental.of(model)")
    return network.whole(images.astype(np.float32))


def measure(workers: int = -1, *, count: int | None = None) -> Iterator[dict]:
    """What is to be recorded, on the first `count` images, by default all: again after each part that is finished, with
    those that are `missing`. Interrupted, it goes on where it stopped. Raises FileNotFoundError, with the remedy, where
    the published files are not there."""
    subjects = {name: Subject.of(name, count) for name in published.NETWORKS}
    networks: dict[str, dict] = {name: {} for name in subjects}
    found = {"images": len(published.images()[0][:count]), "published": published.counts(), "stated": STATED,
             "example": published.example(), "regions": REGIONS, "networks": networks,
             "budget": {"population": ONE.population, "generations": ONE.generations, "queries": QUERIES},
             "checksum": files.checksum(published.FILES)}
    makers = {"searches": _searched, "targeted": _all_targeted, "verification": _verification}
    for number, (name, part) in enumerate(PARTS):
        networks[name] |= makers[part](subjects[name], workers)
        yield found | {"missing": [f"{part} of {name}" for name, part in PARTS[number + 1:]]}


def _searched(subject: Subject, workers: int) -> dict:
    """The counts of untargeted attacks, by number of pixels and search."""
    greedy = attacked(subject, GREEDY, workers=workers)
    single = greedy.assign(flipped=greedy.flipped & (greedy.pixels.map(len) == 1))
    tables = {"one_pixel": {"guided": single}, "three_pixels": {"guided": greedy}}
    found: dict = {"correct": Count(len(subject.correct), len(subject.images))}
    if subject.name not in DEEP:
        one, corners = (attacked(subject, search, workers=workers) for search in (EVOLUTION, Corners()))
        tables["one_pixel"] |= {"evolution": one, "corners": corners}
        tables["three_pixels"]["evolution"] = attacked(subject, THREE_AT_ONCE, workers=workers)
        found["missed"] = {"by_evolution": int((corners.flipped & ~one.flipped).sum()),  # that a corner flips
                           "by_corners": int((one.flipped & ~corners.flipped).sum())}  # and the reverse
        found["queries"] = {"evolution": float(one.queries.mean()), "corners": float(corners.queries.mean()),
                            "guided": float(single.queries.clip(upper=corners.queries.max()).mean())}
    return found | {pixels: {name: Count(int(table.flipped.sum()), len(table)) for name, table in by_name.items()}
                    for pixels, by_name in tables.items()}


def _all_targeted(subject: Subject, workers: int) -> dict:
    searches = {"guided": FIRST} if subject.name in DEEP else {"evolution": EVOLUTION, "guided": Guided()}
    return {"targeted": {name: _targeted(attacked(subject, search, targeted=True, workers=workers))
                         for name, search in searches.items()}}


def _verification(subject: Subject, workers: int) -> dict:
    corners = attacked(subject, Corners(), workers=workers)
    return {"verification": _verdicts(corners.flipped, verified(subject, corners, workers=workers))}


def _targeted(table: pd.DataFrame) -> dict:
    """Of attacks that each have a target: how many `reached` it, how many left the image with `any` other class than
    its own, as the published table counts, and for how many images some target was reached."""
    clusters = table.image.to_numpy()
    by_image = table.flipped.groupby(clusters).any()
    return {"reached": clustered(table.flipped.to_numpy(bool), clusters),
            "any": clustered((table.decision != table.label).to_numpy(), clusters),
            "images": Count(int(by_image.sum()), len(by_image))}


def _verdicts(flipped: pd.Series, table: pd.DataFrame) -> dict:
    """The verdicts on all images: those `flipped` by a corner are flippable, the others were verified."""
    verdicts = {verdict: int((table.verdict == verdict).sum()) for verdict in (FLIPPABLE, SAFE, UNDECIDED)}
    beyond = verdicts[FLIPPABLE]
    verdicts[FLIPPABLE] += int(flipped.sum())
    return {**{verdict: Count(k, len(flipped)) for verdict, k in verdicts.items()}, "beyond_corners": beyond,
            "verified": len(table), "seconds": float(table.seconds.median()) if len(table) else 0.0,
            "regions": float(table.regions.median()) if len(table) else 0.0}


def attacked(subject: Subject, search: Search, *, targeted: bool = False, workers: int = -1) -> pd.DataFrame:
    """A row for each correct image or, `targeted`, for each of its other classes: whether it is `flipped`, and what
    is the `decision`, both by the whole pass; and the queries and the seconds of a processor."""
    journal = subject.journal(search.name + "-targeted" * targeted, search, SEED, targeted,
                              keys.code(_attempt, type(search), Incremental))
    goals = {f"{index}-{target}": (index, target) for index in subject.correct.tolist()
             for target in (range(published.CLASSES) if targeted else [None]) if target != subject.labels[index]}
    calls = {name: functools.partial(_attempt, subject.network, subject.images[index], int(subject.labels[index]),
                                     target, search) for name, (index, target) in goals.items()}
    for name, item in _unfinished(journal, calls, workers, title=f"{search.name}, {subject.name}"):
        index, target = goals[name]
        label, changed = int(subject.labels[index]), set_pixels(subject.images[index], np.array([item["pixels"]]))
        outputs = _whole(subject.network, changed)[0]
        item |= {"flipped": item["flipped"] and Goal(label, target).flipped(outputs), "decision": int(outputs.argmax())}
        journal.add(name, item)
    return pd.DataFrame([{"image": index, "label": int(subject.labels[index]), "target": target, **journal.items[name]}
                         for name, (index, target) in goals.items()]).set_index("image", drop=False)


def _attempt(network: Incremental, image: np.ndarray, label: int, target: int | None, search: Search) -> dict:
    start = time.process_time()
    [(_, attempt)] = stream(network, image[None], np.array([label]), search=search, seed=SEED, target=target)
    return {"pixels": [list(pixel) for pixel in attempt.pixels], "flipped": attempt.flipped,
            "queries": attempt.queries, "seconds": round(time.process_time() - start, 4)}


def verified(subject: Subject, corners: pd.DataFrame, *, workers: int = -1) -> pd.DataFrame:
    """A row for each image that no corner flips, as `corners` has them: the verdict, with the regions that were bounded
    and the seconds of a processor. That others are flippable is known."""
    journal = subject.journal("verified", REGIONS, keys.code(_verify, Incremental))
    left = corners.index[~corners.flipped.to_numpy(bool)].tolist()
    calls = {str(index): functools.partial(_verify, subject.network, subject.images[index], int(subject.labels[index]))
             for index in left}
    for name, item in _unfinished(journal, calls, workers, title=f"verify, {subject.name}"):
        image, label = subject.images[int(name)], int(subject.labels[int(name)])
        if item["verdict"] == FLIPPABLE and not Goal(label).flipped(
                _whole(subject.network, set_pixels(image, np.array([item["witness"]])))[0]):
            item["verdict"] = UNDECIDED  # rounding
        journal.add(name, item)
    return pd.DataFrame([{"image": index, **journal.items[str(index)]} for index in left],
                        columns=["image", "verdict", "witness", "reached", "regions", "seconds"])


def _verify(network: Incremental, image: np.ndarray, label: int) -> dict:
    start = time.process_time()
    result = verify_face(network.face(image), Goal(label), budget=REGIONS)
    return {"verdict": result.verdict, "witness": list(result.witness), "reached": float(result.reached.min()),
            "regions": result.regions, "seconds": round(time.process_time() - start, 2)}


def _unfinished(journal: files.Journal, calls: Mapping[str, Callable[[], dict]], workers: int, *,
                title: str) -> Iterator[tuple[str, dict]]:
    """The names of `calls` that the journal does not have, and what each returns, as they finish."""
    todo = {name: call for name, call in calls.items() if name not in journal.items}
    with (tqdm(desc=title, total=len(calls), initial=len(calls) - len(todo), unit="image", disable=None) as bar,
          contextlib.closing(each(todo, workers=workers)) as finished):
        for name, item in finished:
            yield name, item
            bar.update()
