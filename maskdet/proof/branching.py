"""A face verified, place by place, by branch and bound over the colours (Land & Doig 1960, Bunel et al. 2020)."""

from dataclasses import dataclass, replace

import numpy as np

from maskdet.attack.oracle import flip_limit, margin
from maskdet.attack.pixels import every_pixel, every_place, set_pixels
from maskdet.incremental import Face
from maskdet.proof.bounds import TIE, Bounds
from maskdet.proof.forms import Regions

FLIPPABLE, SAFE, UNDECIDED = "flippable", "safe", "undecided"
BUDGET = 50_000  # regions of colours per face
GRID = np.array(list(np.ndindex(5, 5, 5))) * 255 // 4  # colours
BATCH = 512  # images in a whole pass
NARROWS = 1.6  # the factor by which halving a region shrinks the gap between bound and margin, as measured


@dataclass(frozen=True)
class Verification:
    """The result for a face, place by place, (H, W).

    `reached`: the least margin of all colours that were queried, and `colour` (H, W, 3), which has it. `proved`: no
    colour has a margin below this (-inf: nothing is proved). `flips`: where a colour flips the decision. `regions`: how
    many regions of colours were bounded; a region that was bounded twice counts twice. `queries`: colours queried.
    """

    reached: np.ndarray
    colour: np.ndarray
    proved: np.ndarray
    flips: np.ndarray
    regions: int
    queries: int

    @property
    def verdict(self) -> str:
        """Flippable, where a place flips; safe, where all places are proved; else undecided."""
        if self.flips.any():
            return FLIPPABLE
        return SAFE if (self.proved > 0).all() else UNDECIDED

    @property
    def witness(self) -> tuple[int, ...]:
        """The pixel (row, column, red, green, blue) of the least margin that was queried."""
        row, column = np.unravel_index(self.reached.argmin(), self.reached.shape)
        return int(row), int(column), *self.colour[row, column].tolist()


def verify(face: Face, label: int, *, places: np.ndarray | None = None, budget: int = BUDGET) -> Verification:
    """Verify the `places` (N, 2: row, column), by default all, of a `face` whose class is `label`.

    The corners of the colour cube are queried first. A region of colours whose bound is not above 0 has its most
    promising corner queried, and is then bounded more closely, or halved, up to three times at once. Where a colour
    comes so near to a flip that rounding forbids a proof, only a grid of colours is queried. About `budget` regions
    are bounded in all; where that is not enough, and where the network's `whole` pass, if it is at hand, does not
    confirm a flip, nothing is proved.

    Raises TypeError for anything but a face of an `Incremental`, and ValueError for a label that is neither 0 nor 1,
    or a face that the network does not classify correctly.
    """
    if not isinstance(face, Face):
        raise TypeError(f"expected a face, as Incremental.of(model).face(image) is, got a {type(face).__name__}")
    if label not in (0, 1):
        raise ValueError(f"expected a label, 0 or 1, got {label!r}")
    label = int(label)  # a truth value, too
    if margin(face.logits, label) <= 0:
        raise ValueError(f"expected a face that the network classifies correctly, as class {label}, got logits "
                         f"{face.logits.tolist()}")
    places = every_place(face.image) if places is None else np.asarray(places)
    state, bounds = _State(face, label), Bounds.of(face)
    state.query(every_pixel(places)[:, 0])
    near = state.reached[state.number(places)] < bounds.doubt + TIE
    state.query(every_pixel(places[near], GRID)[:, 0])
    places = places[~near][:budget]  # nothing is proved of the others
    regions = Regions.of(places, np.zeros((len(places), 3), int), np.full((len(places), 3), 255))
    while len(regions):
        low, moves, doubt = bounds.margin(label, regions)
        unsettled, regions = ~state.settle(regions, low), replace(regions, doubt=doubt)
        regions, moves = regions[unsettled], moves[unsettled]
        state.query(np.column_stack([regions.places, np.where(moves > 0, regions.low, regions.high)]))
        times, rough = _next(regions, state.own - low[unsettled], state.own)
        left = state.left(regions, times, bounds.doubt, budget - (2**times).sum())
        regions = _parts(replace(regions, rough=rough)[left], moves[left], times[left])
    state.confirm()
    return state.result()


class _State:
    """What is known so far. Arrays are by the number of a place, row * width + column."""

    def __init__(self, face: Face, label: int):
        self.face, self.label, self.limit = face, label, -flip_limit(face)
        self.own, places = margin(face.logits, label), face.image.shape[0] * face.image.shape[1]
        self.reached, self.colour = np.full(places, np.inf), np.zeros((places, 3), np.uint8)
        self.proved = np.full(places, np.inf)  # the least bound of the settled regions
        self.given_up = np.zeros(places, bool)
        self.regions, self.queries = np.zeros(places, int), 0

    @property
    def flips(self) -> np.ndarray:
        """Where a colour flips the decision."""
        return self.reached < self.limit

    def number(self, places: np.ndarray) -> np.ndarray:
        """The number of each place (row, column, ...)."""
        return places[:, 0] * self.face.image.shape[1] + places[:, 1]

    def query(self, pixels: np.ndarray) -> None:
        """Query pixels (N, 5), and keep that of the least margin at each place."""
        margins, at = margin(self.face.query(pixels[:, None]), self.label), self.number(pixels)
        order = np.lexsort((-margins, at))  # the least margin of each place comes last
        least = order[np.flatnonzero(np.diff(at[order], append=-1))]
        least = least[margins[least] < self.reached[at[least]]]
        self.reached[at[least]], self.colour[at[least]] = margins[least], pixels[least, 2:]
        self.queries += len(pixels)

    def settle(self, regions: Regions, low: np.ndarray) -> np.ndarray:
        """Which regions are settled: by their bounds no colour of them flips the decision."""
        at, settled = self.number(regions.places), low > TIE
        self.regions += np.bincount(at, minlength=len(self.regions))
        np.minimum.at(self.proved, at[settled], low[settled])
        return settled

    def left(self, regions: Regions, times: np.ndarray, doubt: float, budget: int) -> np.ndarray:
        """Which regions to go on with, to be halved so many `times`: none at a place that is flipped or given up. A
        place is given up where a colour comes within `doubt` of a flip, where a region of a single colour is not
        settled, or where the `budget` is spent."""
        at = self.number(regions.places)
        hopeless = (regions.single & (times > 0)) | (self.reached[at] < doubt + TIE) | (self.regions.sum() > budget)
        self.given_up[at[hopeless]] = True
        return ~(self.flips | self.given_up)[at]

    def confirm(self) -> None:
        """Give up the places whose flip the whole pass of the network does not confirm: it is rounding."""
        whole, at = self.face.network.whole, np.flatnonzero(self.flips)
        if whole is None or not len(at):
            return
        for batch in np.split(at, range(BATCH, len(at), BATCH)):
            pixels = np.column_stack([*np.divmod(batch, self.face.image.shape[1]), self.colour[batch]])
            logits = whole(set_pixels(self.face.image, pixels[:, None]).astype(np.float32))
            refuted = batch[~(logits[:, self.label] < logits[:, 1 - self.label])]  # nan, too
            self.reached[refuted], self.given_up[refuted] = np.inf, True

    def result(self) -> Verification:
        shape = self.face.image.shape[:2]
        unknown = self.given_up | self.flips | np.isinf(self.proved)
        return Verification(self.reached.reshape(shape), self.colour.reshape(*shape, 3),
                        np.where(unknown, -np.inf, self.proved).reshape(shape), self.flips.reshape(shape),
                        int(self.regions.sum()), self.queries)


def _next(regions: Regions, gap: np.ndarray, own: float) -> tuple[np.ndarray, np.ndarray]:
    """How often to halve regions whose bounds lie `gap` below the margin of the clean face, `own`, at most three times;
    and whether to bound the parts roughly. The number follows from the gap and NARROWS. After a rough bound of less
    than all colours the parts are bounded closely, which saves a halving; after a close bound roughly, which costs
    one more."""
    halvings = np.maximum(np.ceil(np.log(np.maximum(gap, own) / own) / np.log(NARROWS)), 1)
    halvings = np.fmin(halvings, 4).astype(int)  # of a gap that is infinite or nan, too
    closely = regions.rough & (regions.high - regions.low < 255).any(axis=1)
    times = np.where(regions.rough, halvings - closely, halvings + 1)
    times[regions.rough & regions.single] = 0
    return np.minimum(times, 3), ~closely


def _parts(regions: Regions, moves: np.ndarray, times: np.ndarray) -> Regions:
    """Each region halved so many times across its widest colour; of equally wide colours, across that which moves the
    margin most."""
    finished = [regions[:0]]
    while len(regions):
        width = regions.high - regions.low
        done = (times == 0) | (width == 0).all(axis=1)
        finished.append(regions[done])
        regions, moves, times, width = regions[~done], moves[~done], times[~done], width[~done]
        row, axis = np.arange(len(regions)), np.lexsort((np.abs(moves), width))[:, -1]
        middle = (regions.low[row, axis] + regions.high[row, axis]) // 2
        below, above = regions.high.copy(), regions.low.copy()
        below[row, axis], above[row, axis] = middle, middle + 1
        regions = Regions.joined([replace(regions, high=below), replace(regions, low=above)])
        moves, times = np.concatenate([moves] * 2), np.concatenate([times - 1] * 2)
    return Regions.joined(finished)
