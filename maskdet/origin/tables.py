"""The record of the attack's origin, results/cifar10.json, as the book shows it."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from maskdet.counts import Count
from maskdet.origin.published import NETWORKS
from maskdet.record.results import typed

TITLES = {"lenet": "LeNet", "resnet": "ResNet", "lecun_net": "LeNet", "net_in_net": "network in network",
          "densenet": "DenseNet", "wide_resnet": "wide ResNet", "capsnet": "CapsNet", "pure_cnn": "pure CNN"}
# By number of pixels: its name, that of the published tables, and the searches as the book calls them. Of one pixel the
# guided search tries all corners; so does "corners", in another order, and with the same result.
PIXELS = {"one_pixel": ("one pixel", "1", {"evolution": "evolution", "guided": "all corners"}),
          "three_pixels": ("three pixels", "3", {"evolution": "evolution", "guided": "guided"})}


def _rows(record: Mapping, network: str, pixels: str) -> Iterator[tuple[str, Count | None]]:
    """The published count of untargeted attacks on a network, and ours by each search; None where it was not run."""
    _, published, searches = PIXELS[pixels]
    yield "published", typed(record["published"][NETWORKS[network]]["untargeted"][published])
    found = record["networks"][network].get(pixels, {})
    for search, title in searches.items():
        yield title, typed(found[search]) if search in found else None


def rates(record: Mapping) -> pd.DataFrame:
    """A row for each network, number of pixels and search: the published share of images whose class changed, and
    ours."""
    return pd.DataFrame({f"{TITLES[network]}, {title}, {name}": {"images flipped": str(count)}
                         for network in record["networks"] for pixels, (title, *_) in PIXELS.items()
                         for name, count in _rows(record, network, pixels) if count}).T


def intervals(record: Mapping) -> dict[str, list[tuple]]:
    """The same as `figures.intervals` draws it: by network, (name, share, interval); nan for what was not run."""
    return {f"{TITLES[network]}: images flipped": [
        (f"{title}, {name}", count.share if count else np.nan, count and count.interval)
        for pixels, (title, *_) in PIXELS.items() for name, count in _rows(record, network, pixels)]
        for network in record["networks"]}


def published_rates(record: Mapping) -> pd.DataFrame:
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
        for name, counts in {"published": theirs, **found.get("targeted", {})}.items():
            rows[f"{TITLES[network]}, {name}"] = {
                "the target": str(typed(counts["reached"])), "any other class": str(typed(counts["any"])),
                "images with a target": str(typed(counts["images"]))}
    return pd.DataFrame(rows).T


def verdicts(record: Mapping) -> pd.DataFrame:
    """A row for each network that was verified: the verdicts on its images, and what a proof took."""
    return pd.DataFrame({TITLES[network]: {
        **{verdict: str(typed(found["verification"][verdict])) for verdict in ("flippable", "safe", "undecided")},
        "seconds, median": f"{found['verification']['seconds']:,.0f}",
        "regions, median": f"{found['verification']['regions']:,.0f}"}
        for network, found in record["networks"].items() if "verification" in found}).T
