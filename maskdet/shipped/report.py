"""What is stated of the shipped networks beside recipe and test: their files, answers here and to covered mouths."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from maskdet import attack, drawing, faces, networks
from maskdet.config import CLASSES, Profile
from maskdet.counts import Count, clustered
from maskdet.incremental import Incremental
from maskdet.networks.evaluation import Evaluation
from maskdet.record.results import typed

PEOPLE = 60  # drawn anew, to be seen with something before their mouths


def card_table(card: Mapping, record: Mapping) -> pd.DataFrame:
    """A column a shipped network: its accuracy in the `record` of faces from elsewhere, the multiplications for a face,
    its parameters, the size of its file, and the start of its checksum."""
    tested = record["detectors"]["yunet"]["networks"]
    return pd.DataFrame({name: {"correct elsewhere, in YuNet's boxes": str(typed(tested[name]["accuracy"])),
                                "multiplications a face": f"{networks.multiplications(networks.shipped(name)):,}",
                                "parameters": f"{stated['parameters']:,}", "file (kB)": f"{stated['bytes'] / 1000:.0f}",
                                "SHA-256 begins": stated["sha256"][:16]}
                         for name, stated in card["networks"].items()})


def this_run_table(here: Mapping) -> pd.DataFrame:
    """The shipped networks on the test faces of a run: accuracy, of each class too, and success of one pixel."""
    return pd.DataFrame({name: {"accuracy": test.accuracy, **test.by_class, "flipped, of those correct": flips}
                         for name, (test, flips) in here.items()}).map(str)


def on_this_run(run: Profile) -> dict[str, tuple[Evaluation, Count]]:
    """The shipped networks on a run's test faces, and how many of its correct ones the guided search flips."""
    images, labels, table = faces.read(run).part("test")
    found = {}
    for name in networks.NETWORKS:
        test = Evaluation(images, labels, networks.load(name)(images), table.group.to_numpy())
        attacked = np.random.default_rng(run.seed).permutation(np.flatnonzero(test.correct))[:run.attacked]
        verdicts = dict(attack.stream(Incremental.of(networks.shipped(name)), images[attacked], labels[attacked],
                                      search=attack.Guided(), seed=run.seed, workers=-1))
        flipped = np.array([verdicts[number].flipped for number in range(len(attacked))])
        found[name] = test, clustered(flipped, test.clusters[attacked])
    return found


def covered(*, seed: int) -> dict[str, dict[str, Count]]:
    """The same drawn faces, one a scene, with each of `drawing.BEFORE` before their mouths (glasses may differ): of
    how many each shipped network says that they wear a mask, by network, then by thing."""
    predict = {name: networks.load(name) for name in networks.NETWORKS}
    found: dict[str, dict[str, Count]] = {name: {} for name in predict}
    for before in drawing.BEFORE:
        crops = []
        for number in range(PEOPLE):
            scene = drawing.scene(rng=np.random.default_rng([seed, number]), people=1, before=before)
            box = next(box for box in scene.boxes if box.name.startswith("face_"))
            crops.append(faces.crop(scene.photograph, (box.left, box.top, box.right, box.bottom)))
        for name, said in found.items():
            masked = predict[name](np.array(crops)).argmax(axis=1) == CLASSES.index("masked")
            said[before] = Count(int(masked.sum()), PEOPLE)
    return found


def covered_table(found: Mapping) -> pd.DataFrame:
    """What `covered` found, a row for each thing before the mouth."""
    return pd.DataFrame(found).map(str).add_suffix(" says masked").rename_axis("before the mouth")


def to_quote(here: Mapping, covered: Mapping, card: Mapping, record: Mapping) -> dict:
    """What the prose quotes: of this build, of the card and of the test on faces from elsewhere."""
    tightest, loosest = map(str, card["augmentation"]["zoom"])
    size = sum(network["bytes"] for network in card["networks"].values())
    return {"card": {**{name: dict(part["faces"]) for name, part in card["data"].items()}, "recipes": card["recipes"],
                     "tightest": tightest, "loosest": loosest, "smallest": card["smallest"],
                     "kilobytes": f"{size / 1000:.0f}"},
            "people": PEOPLE, "covered": covered, "flips": {name: flips for name, (_, flips) in here.items()},
            "elsewhere": {name: part for name, part in record.items() if name != "provenance"}}
