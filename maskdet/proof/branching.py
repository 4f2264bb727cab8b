"""A face verified, place by place, by branch and bound over the colours (Land & Doig 1960, Bunel et al. 2020)."""

import time
from dataclasses import dataclass, replace

import numpy as np

from maskdet.attack.goals import Goal
from maskdet.attack.oracle import flip_limit
from maskdet.attack.pixels import corners, every_pixel, every_place, set_pixels
from maskdet.incremental import Face
from maskdet.proof.bounds import TIE, Bounds
from maskdet.proof.forms import Regions

FLIPPABLE, SAFE, UNDECIDED = "flippable", "safe", "undecided"
BUDGET = 50_000  # regions of colours per face
GRID = 125  # about so many colours of a grid
BATCH = 512  # images in a whole pass, and places that are queried together
WAVE = 2048  # regions bounded between two looks at the clock, at most
# The factor by which halving a region shrinks the gap between bound and margin, as measured: of one channel, of more.
NARROWS = 2.5, 1.6


@dataclass(frozen=True)
class Verification:
    """The result for a face, place by place, (H, W).

    `reached`: the least margin of all colours that were queried, and `colour` (H, W, C), which has it. `proved`: no
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
        """The pixel (row, column, a value for each channel) of the least margin that was queried."""
        row, column = np.unravel_index(self.reached.argmin(), self.reached.shape)
        return int(row), int(column), *self.colour[row, column].tolist()


def verify_face(face: Face, goal: Goal, *, places: np.ndarray | None = None, budget: int = BUDGET,
                seconds: float = np.inf) -> Verification:
    """Verify the `places` (N, 2: row, column), by default all, of a `face` whose class is the goal's label.

    The corners of the colour cube are queried first. A region of colours whose bound is not above 0 has its most
    promising corner queried, and is then bounded more closely, or halved, up to three times at once. Where a colour
    comes so near to a flip that rounding forbids a proof, only a grid of colours is queried. At most `budget` regions
    are bounded in all, those of the places with the fewest first, for about `seconds`: of a place that is not finished
    then, nothing is proved. So it is where the network's `whole` pass, if it is at hand, does not confirm a flip.

    Raises TypeError for anything but a face of an `Incremental`, and ValueError for a class that the network does not
    have, or a face that it does not classify correctly.
    """
    if not isinstance(face, Face):
        raise TypeError(f"expected a face, as Incremental.of(model).face(image) is, got a {type(face).__name__}")
    goal.check(len(face.logits))
    if goal.margin(face.logits) <= 0 or goal.flipped(face.logits):
        raise ValueError(f"expected a face that the network classifies correctly, as {goal}, got logits "
                         f"{face.logits.tolist()}")
    clock, places = _Clock(seconds), every_place(face.image) if places is None else np.asarray(places)
    state = _State(face, goal)
    colours = corners(face.image.shape[2])
    for start in range(0, len(places), BATCH):
        if clock.left > 0 or not start:
            state.query(every_pixel(places[start:start + BATCH], colours)[:, 0])
    places = places[np.isfinite(state.reached[state.number(places)])]
    bounds = Bounds.of(face, goal)
    near = state.reached[state.number(places)] < bounds.doubt + TIE
    state.query(every_pixel(places[near], _grid(face.image.shape[2]))[:, 0])
    places = places[~near]  # nothing is proved of the others
    waiting = bounds.everywhere(places)
    while len(waiting) and clock.left > 0:
        done = int(state.regions.sum())
        now = state.first(waiting, clock.wave(done), budget - done)
        if not now.any():
            break
        waiting = Regions.joined([waiting[~now], state.bounded(bounds, waiting[now], budget)])
    state.give_up(waiting)
    state.confirm()
    return state.result()


def _grid(channels: int) -> np.ndarray:
    """Colours (N, C), evenly spread."""
    steps = max(round(GRID ** (1 / channels)), 2)
    return np.array(list(np.ndindex((steps,) * channels))) * 255 // (steps - 1)


class _Clock:
    """How many seconds are left."""

    def __init__(self, seconds: float):
        self.start, self.seconds = time.monotonic(), seconds

    @property
    def left(self) -> float:
        return self.seconds - (time.monotonic() - self.start)

    def wave(self, done: int) -> int:
        """How many regions to bound before the next look: at the pace of the `done` ones an eighth of what is left."""
        if np.isinf(self.seconds):
            return WAVE
        return int(np.clip(done / (self.seconds - self.left) * self.left / 8, 16, WAVE))


class _State:
    """What is known so far. Arrays are by the number of a place, row * width + column."""

    def __init__(self, face: Face, goal: Goal):
        self.face, self.goal, self.limit = face, goal, -flip_limit(face)
        height, width, channels = face.image.shape
        self.own, places = goal.margin(face.logits), height * width
        self.reached, self.colour = np.full(places, np.inf), np.zeros((places, channels), np.uint8)
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
        """Query pixels (N, 2 + C), and keep that of the least margin at each place."""
        margins, at = self.goal.margin(self.face.query(pixels[:, None])), self.number(pixels)
        order = np.lexsort((-margins, at))  # the least margin of each place comes last
        least = order[np.flatnonzero(np.diff(at[order], append=-1))]
        least = least[margins[least] < self.reached[at[least]]]
        self.reached[at[least]], self.colour[at[least]] = margins[least], pixels[least, 2:]
        self.queries += len(pixels)

    def first(self, regions: Regions, wave: int, budget: int) -> np.ndarray:
        """Which of `regions` to bound next: whole places, those with the fewest regions first; at most a `wave`, or one
        place, and never more than `budget`."""
        at = self.number(regions.places)
        several = np.bincount(at, minlength=len(self.regions))
        order = np.argsort(several, kind="stable")
        order = order[several[order] > 0]
        taken = np.zeros(len(self.regions), bool)
        sums = np.cumsum(several[order])
        taken[order[(sums <= max(wave, sums[0])) & (sums <= budget)]] = True
        return taken[at]

    def bounded(self, bounds: Bounds, regions: Regions, budget: int) -> Regions:
        """Bound `regions`, settle those of which no colour flips the decision, and query a colour of each other; its
        parts, to be bounded next. None is left of a place that is flipped or given up: where a colour comes within
        rounding of a flip, a single colour is not settled, or the regions are more than `budget`."""
        low, moves, doubt = bounds.margin(regions)
        at, settled = self.number(regions.places), low > TIE
        self.regions += np.bincount(at, minlength=len(self.regions))
        np.minimum.at(self.proved, at[settled], low[settled])
        regions, at, moves, low = replace(regions, doubt=doubt)[~settled], at[~settled], moves[~settled], low[~settled]
        self.query(np.column_stack([regions.places, bounds.colours(np.where(moves > 0, regions.low, regions.high))]))
        times, rough = _next(regions, self.own - low, self.own)
        hopeless = (regions.single & (times > 0)) | (self.reached[at] < bounds.doubt + TIE)
        hopeless |= (self.regions + np.bincount(at, 2.0**times, len(self.regions)))[at] > budget
        self.given_up[at[hopeless]] = True
        left = ~(self.flips | self.given_up)[at]
        return _parts(replace(regions, rough=rough)[left], moves[left], times[left])

    def give_up(self, regions: Regions) -> None:
        """Nothing is proved of the places of `regions`."""
        self.given_up[self.number(regions.places)] = True

    def confirm(self) -> None:
        """Give up the places whose flip the whole pass of the network does not confirm: it is rounding."""
        whole, at = self.face.network.whole, np.flatnonzero(self.flips)
        if whole is None or not len(at):
            return
        for batch in np.split(at, range(BATCH, len(at), BATCH)):
            pixels = np.column_stack([*np.divmod(batch, self.face.image.shape[1]), self.colour[batch]])
            refuted = batch[~(self.goal.margin(whole(set_pixels(self.face.image, pixels[:, None]))) < 0)]  # nan, too
            self.reached[refuted], self.given_up[refuted] = np.inf, True

    def result(self) -> Verification:
        shape = self.face.image.shape[:2]
        unknown = self.given_up | self.flips | np.isinf(self.proved)
        return Verification(self.reached.reshape(shape), self.colour.reshape(*shape, -1),
                        np.where(unknown, -np.inf, self.proved).reshape(shape), self.flips.reshape(shape),
                        int(self.regions.sum()), self.queries)


def _next(regions: Regions, gap: np.ndarray, own: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How often to halve regions whose bounds lie `gap` below the margin of the clean face, `own`, at most three times;
    and whether to bound the parts roughly. The number follows from the gap and NARROWS. After a rough bound of less
    than all colours the parts are bounded closely, which saves a halving; after a close bound roughly, which costs
    one more."""
    narrows = NARROWS[regions.low.shape[1] > 1]
    halvings = np.maximum(np.ceil(np.log(np.maximum(gap, own) / own) / np.log(narrows)), 1)
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
        done = (times == 0) | regions.single
        finished.append(regions[done])
        regions, moves, times, width = regions[~done], moves[~done], times[~done], width[~done]
        row, axis = np.arange(len(regions)), np.lexsort((np.abs(moves), width))[:, -1]
        middle, whole = (regions.low[row, axis] + regions.high[row, axis]) / 2, regions.low.dtype.kind == "i"
        below, above = regions.high.copy(), regions.low.copy()
        below[row, axis], above[row, axis] = (np.floor(middle), np.floor(middle) + 1) if whole else (middle, middle)
        regions = Regions.joined([replace(regions, high=below), replace(regions, low=above)])
        moves, times = np.concatenate([moves] * 2), np.concatenate([times - 1] * 2)
    return Regions.joined(finished)
