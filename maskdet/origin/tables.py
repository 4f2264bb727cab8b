"""The record of the attack's origin, results/cifar10.json, as the book shows it."""

from collections.abc import Iterator, Mapping

import pandas as pd

from maskdet.counts import Count
from maskdet.origin.published import NETWORKS
from maskdet.record.results import typed

TITLES = {"lenet": "LeNet", "resnet": "ResNet", "lecun_net": "LeNet", "net_in_net": "network in network",
          "densenet": "DenseNet", "wide_resnet": "wide ResNet", "capsnet": "CapsNet", "pure_cnn": "pure CNN"}
SEARCHES = {"evolution": "evolution", "corners": "all corners", "guided": "guided"}
PIXELS = {"one_pixel": ("one pixel", "1"), "three_pixels": ("three pixels", "3")}


def _rows(record: Mapping, network: str, pixels: str) -> Iterator[tuple[str, Count]]:
    """The published count of untargeted attacks on a network, and ours by each search."""
    yield "published", typed(record["published"][NETWORKS[network]]["untargeted"][PIXELS[pixels][1]])
    for search, count in record["networks"][network][pixels].items():
        yield SEARCHES[search], typed(count)


def rates(record: Mapping) -> pd.DataFrame:
    """A row for each network and number of pixels: the published share of images whose class changed, and ours."""
    return pd.DataFrame({f"{TITLES[network]}, {title}": {name: str(count)
                                                        for name, count in _rows(record, network, pixels)}
                         for network in record["networks"] for pixels, (title, _) in PIXELS.items()}).T.fillna("")


def intervals(record: Mapping) -> dict[str, list[tuple]]:
    """The same as `figures.intervals` draws it: by network, (name, share, interval)."""
    return {f"{TITLES[network]}: images flipped": [
        (f"{name}, {title}", count.share, count.interval)
        for pixels, (title, _) in PIXELS.items() for name, count in _rows(record, network, pixels)]
        for network in record["networks"]}


def published(record: Mapping) -> pd.DataFrame:
    """A row for each network of the published tables, the most fragile first: one-pixel attacks that changed the class;
    and with a target, those that changed it at all, and those that reached the target."""
    def row(found: Mapping) -> dict[str, Count]:
        return {"untargeted": typed(found["untargeted"]["1"]),
                "targeted, any other class": typed(found["targeted"]["1"]["any"]),
                "targeted, the target": typed(found["targeted"]["1"]["reached"])}

    rows = {TITLES[name]: row(found) for name, found in record["published"].items()}
    order = sorted(rows, key=lambda name: -rows[name]["untargeted"].share)
    return pd.DataFrame({name: {title: str(count) for title, count in rows[name].items()} for name in order}).T


def targeted(record: Mapping) -> pd.DataFrame:
    """A row for each network and search: one-pixel attacks that reached their target, those after which the class is
    any other, and images of which some target was reached; the published ones first."""
    rows = {}
    for network, found in record["networks"].items():
        theirs = record["published"][NETWORKS[network]]["targeted"]["1"]
        for name, counts in {"published": theirs, **found["targeted"]}.items():
            rows[f"{TITLES[network]}, {SEARCHES.get(name, name)}"] = {
                "the target": str(typed(counts["reached"])), "any other class": str(typed(counts["any"])),
                "images with a target": str(typed(counts["images"])) if "images" in counts else ""}
    return pd.DataFrame(rows).T


def verdicts(record: Mapping) -> pd.DataFrame:
    """A row for each network that was verified: the verdicts on its images, and what a proof took."""
    return pd.DataFrame({TITLES[network]: {
        **{verdict: str(typed(found["verification"][verdict])) for verdict in ("flippable", "safe", "undecided")},
        "seconds, median": f"{found['verification']['seconds']:,.0f}",
        "regions, median": f"{found['verification']['regions']:,.0f}"}
        for network, found in record["networks"].items() if "verification" in found}).T
