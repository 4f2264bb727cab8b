"""A network of one's own attacked: one call, one result."""

import contextlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from maskdet.attack.complete import CORNERS, GUIDED, Corners, Guided
from maskdet.attack.evolution import NAME, DifferentialEvolution
from maskdet.attack.oracle import Network, Search, is_whole
from maskdet.attack.pixels import FLIPPED, STANDS, WRONG, Attempt, set_pixels
from maskdet.attack.streams import network_of, stream
from maskdet.counts import Count

SEARCHES: Mapping[str, Callable[..., Any]] = {GUIDED: Guided, CORNERS: Corners, NAME: DifferentialEvolution}
BATCH = 512  # images in a whole pass
NEAR = 1e-3  # how far an image of fractions may be from whole colour values


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Result:
    """What `run` found, image by image, in their order.

    `images` (N, H, W, C), as they were given, with the pixels set: those that flip the decision, or the best of those
    that do not. `status` (N,): "flipped"; "stands", attacked in vain; or "wrong", not attacked, since the network does
    not decide for its label. `pixels` (N, P, 2 + C): row, column, colour values of 0 to 255; -1 where no pixel is set.
    `queries` (N,): changed images that were queried. `before`, `after` (N, K): the probabilities of the image as it
    was, and with the pixels set. `labels` (N,): the true classes, or without those what the network decides.
    """

    images: np.ndarray
    status: np.ndarray
    pixels: np.ndarray
    queries: np.ndarray
    before: np.ndarray
    after: np.ndarray
    labels: np.ndarray

    @property
    def success(self) -> Count | None:
        """How many of the attacked images were flipped, with its share and 95 % interval; None where none was."""
        counts = Counter(self.status.tolist())
        attacked = counts[FLIPPED] + counts[STANDS]
        return Count(counts[FLIPPED], attacked) if attacked else None

    def table(self) -> pd.DataFrame:
        """A row for each image: its label, status, pixels and queries, the probability of its label before and after,
        and the decision after."""
        rows = np.arange(len(self.labels))
        pixels = [[tuple(pixel) for pixel in of if pixel[0] >= 0] for of in self.pixels.tolist()]
        return pd.DataFrame({"label": self.labels, "status": self.status, "pixels": pixels, "queries": self.queries,
                             "before": self.before[rows, self.labels], "after": self.after[rows, self.labels],
                             "decision": self.after.argmax(axis=1)}).rename_axis("image")

    def __repr__(self) -> str:
        counts = Counter(self.status.tolist())
        told = ", ".join(f"{counts[status]} {status}" for status in (FLIPPED, STANDS, WRONG))
        return f"Result({told}; success {self.success or 'of none attacked'}; {self.queries.sum():,} queries)"


def run(model: Any, images: np.ndarray, labels: np.ndarray | None = None, *,
        target: int | np.ndarray | None = None, pixels: int = 1, search: str | Search = GUIDED,
        queries: int | None = None, seed: int = 0, workers: int | None = None, scale: float | None = None) -> Result:
    """Attack images (N, H, W, C) by changing one pixel, or up to `pixels`, in each.

    `model`: a Keras model, an `Incremental`, or any `predict(images) -> probabilities (N, K)`, of whatever framework;
    a single probability, (N,) or (N, 1), is that of class 1 of two. Images are uint8, 0 to 255, and the model sees
    them so, or multiplied by `scale`: 1 / 255 for one that takes 0 to 1. With it, images of such fractions do as well.

    `labels` (N,): the true classes, 0 to K - 1; without, those that the network decides. An image that it gets wrong is
    not attacked. `target`: a class to reach, or one for each image; without, any other than the label.

    `search`: "guided" tries the extreme colours of each place, the most promising first, and needs the weights;
    "corners" tries the same in order; "differential_evolution" is the preprint's; or a search with settings of its own.
    All but evolution set several pixels one after the other. `queries`: changed images that are queried for an image,
    at most. `workers` processes share the work, -1 for one a processor; by default that for many images of a network
    that was read. The result depends on the seed and the images, not on the workers.

    A flip is confirmed by the whole pass of a Keras model. Raises ValueError or TypeError, before anything is searched,
    for what it cannot attack; what it expects instead is in the message.
    """
    network, asked = network_of(model, scale), _search(search, pixels, queries)
    given = np.asarray(images)
    whole = _uint8(given, scale)
    if not len(whole):
        raise ValueError(f"expected at least one image, got {given.shape}")
    found: dict[int, Attempt] = {}
    finished = stream(network, whole, labels, search=asked, seed=seed, target=target, workers=workers)
    with tqdm(desc="attack", total=len(whole), unit="image", disable=None) as bar, contextlib.closing(finished):
        for index, attempt in finished:
            found[index] = attempt
            bar.update()
    return _result(network, given, whole, [found[index] for index in range(len(whole))],
                   most=getattr(asked, "size", 1), scale=scale)


def _search(search: str | Search, pixels: int, queries: int | None) -> Search:
    """The search that is asked for."""
    for name, number in (("pixels", pixels), ("queries", 1 if queries is None else queries)):
        if not is_whole(number) or number < 1:
            raise ValueError(f"expected {name}, a whole number of at least 1, got {number!r}")
    if isinstance(search, str):
        if search not in SEARCHES:
            raise ValueError(f"expected a search, one of {', '.join(SEARCHES)}, or a search object, got {search!r}")
        search = SEARCHES[search](size=pixels)
    elif pixels != 1:
        raise ValueError(f"expected pixels with a search by its name, got {pixels} with {search!r}: give the search a "
                         "size")
    if queries is None:
        return search
    if not hasattr(search, "within"):
        raise ValueError(f"expected a search that has within(queries), got {search!r}: leave queries out")
    return search.within(queries)


def _uint8(images: np.ndarray, scale: float | None) -> np.ndarray:
    """Images of whole numbers from such as a model takes, where these are fractions; else as they are. Raises
    ValueError for fractions that are none of the 256 that `scale` makes."""
    if images.dtype.kind != "f" or scale is None:
        return images
    values = images / float(scale)
    nearest = np.rint(values)
    if not (np.abs(values - nearest) <= NEAR).all() or nearest.min(initial=0) < 0 or nearest.max(initial=0) > 255:
        raise ValueError(f"expected images whose values are whole numbers of 0 to 255 times {scale:g}, got others, "
                         f"{images.min():g} to {images.max():g}: round them, np.rint(images / scale), as uint8")
    return nearest.astype(np.uint8)


def _result(network: Network, given: np.ndarray, whole: np.ndarray, attempts: list[Attempt], *, most: int,
            scale: float | None) -> Result:
    images, changed = given.copy(), whole.copy()
    pixels = np.full((len(attempts), max(most, *(len(attempt.pixels) for attempt in attempts)), 2 + whole.shape[3]), -1)
    for image, altered, places, attempt in zip(images, changed, pixels, attempts):
        if attempt.pixels:
            places[:len(attempt.pixels)] = attempt.pixels
            altered[:] = set_pixels(altered, np.array([attempt.pixels]))[0]
            row, column = np.transpose(attempt.pixels)[:2]  # elsewhere fractions stay as they are, to the last bit
            image[row, column] = altered[row, column] * (scale if given.dtype.kind == "f" else 1)
    status = np.array([attempt.status for attempt in attempts])
    _confirm(network, changed, attempts, status)
    queries, labels = (np.array([getattr(attempt, of) for attempt in attempts]) for of in ("queries", "label"))
    before, after = (np.array([getattr(attempt, of) for attempt in attempts]) for of in ("before", "after"))
    return Result(images, status, pixels, queries, before, after, labels)


def _confirm(network: Network, changed: np.ndarray, attempts: list[Attempt], status: np.ndarray) -> None:
    """Let a flip stand for none where the whole pass, of a network that has one, does not confirm it: it is
    rounding."""
    confirm, flips = getattr(network, "whole", None), np.flatnonzero(status == FLIPPED)
    if confirm is None:
        return
    for batch in np.split(flips, range(BATCH, len(flips), BATCH)):
        for number, output in zip(batch, confirm(changed[batch].astype(np.float32)) if len(batch) else ()):
            if not attempts[number].goal.flipped(output):
                status[number] = STANDS
