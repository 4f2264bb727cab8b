"""Every place of a face decided by branch and bound over the colours (Land & Doig 1960, Bunel et al. 2020)."""

from dataclasses import dataclass, replace

import numpy as np

from maskdet.attack.oracle import flip_limit, margin
from maskdet.attack.pixels import every_pixel, set_pixels
from maskdet.incremental import Face
from maskdet.proof.bounds import TIE, Bounds
from maskdet.proof.forms import Regions

FLIPPABLE, SAFE, UNDECIDED = "flippable", "safe", "undecided"
BUDGET = 50_000  # boxes of colours a face
GRID = np.array(list(np.ndindex(5, 5, 5))) * 255 // 4  # colours
TOGETHER = 512  # images of a whole pass
NARROWS = 1.6  # by this, measured, a gap between bound and margin shrinks when a box is halved


@dataclass(frozen=True)
class Verification:
    """What is true of one face, place by place, (H, W): `reached`, the least margin that was asked about, with the
    `colour` (H, W, 3) that has it; `proved`, below which no colour's margin is (-inf: nothing is proved); `flips`,
    where a colour turns the decision. `boxes` of colours were bounded, one that was bounded twice counting twice, and
    `queries` colours asked about."""

    reached: np.ndarray
    colour: np.ndarray
    proved: np.ndarray
    flips: np.ndarray
    boxes: int
    queries: int

    @property
    def verdict(self) -> str:
        """Of the face: flippable, where some place is; safe, where all are proved; else undecided."""
        if self.flips.any():
            return FLIPPABLE
        return SAFE if (self.proved > 0).all() else UNDECIDED

    @property
    def witness(self) -> tuple[int, ...]:
        """The pixel (row, column, red, green, blue) with the least margin of those asked about."""
        row, column = np.unravel_index(self.reached.argmin(), self.reached.shape)
        return int(row), int(column), *self.colour[row, column].tolist()


def verify(face: Face, label: int, *, places: np.ndarray | None = None, budget: int = BUDGET) -> Verification:
    """Decide each of the `places` (N, 2: row, column), by default all, of a `face` whose class is `label`, with
    about `budget` boxes of colours in all.

    The corners of all colours come first. A box whose bound does not settle it has its most promising corner
    asked, and is then bounded less roughly, or halved, up to three times at once. Where a colour comes so near that
    rounding alone forbids a proof, a grid of colours is asked instead. Of places that the budget does not reach
    nothing is proved, nor where a flip is not also one of the network's `whole` pass, if that is at hand.

    Raises TypeError for anything but a face of an `Incremental`, and ValueError for a label that is neither 0 nor 1,
    or where the network does not have the face right.
    """
    if not isinstance(face, Face):
        raise TypeError(f"expected a face, as Incremental.of(model).face(image) is, got a {type(face).__name__}")
    if label not in (0, 1):
        raise ValueError(f"expected a label, 0 or 1, got {label!r}")
    label = int(label)  # a truth value, too
    if margin(face.logits, label) <= 0:
        raise ValueError(f"expected a face that the network has right, class {label}, got logits "
                         f"{face.logits.tolist()}")
    height, width = face.image.shape[:2]
    places = np.argwhere(np.ones((height, width), bool)) if places is None else np.asarray(places)
    state, bounds = _State(face, label, height * width), Bounds.of(face)
    state.query(every_pixel(places)[:, 0])
    near = state.reached[state.number(places)] < bounds.doubt + TIE
    state.query(every_pixel(places[near], GRID)[:, 0])
    places = places[~near][:budget]  # of others nothing is proved
    boxes = Regions.of(places, np.zeros((len(places), 3), int), np.full((len(places), 3), 255))
    while len(boxes):
        low, moves, doubt = bounds.margin(label, boxes)
        unsettled, boxes = ~state.settle(boxes, low), replace(boxes, doubt=doubt)
        boxes, moves = boxes[unsettled], moves[unsettled]
        state.query(np.column_stack([boxes.places, np.where(moves > 0, boxes.low, boxes.high)]))
        times, rough = _next(boxes, state.own - low[unsettled], state.own)
        left = state.left(boxes, times, bounds.doubt, budget - (2**times).sum())
        boxes = _parts(replace(boxes, rough=rough)[left], moves[left], times[left])
    state.confirm()
    return state.decision()


class _State:
    """What is known so far, by place in a row."""

    def __init__(self, face: Face, label: int, places: int):
        self.face, self.label, self.limit = face, label, -flip_limit(face)
        self.own = margin(face.logits, label)
        self.reached, self.colour = np.full(places, np.inf), np.zeros((places, 3), np.uint8)
        self.proved = np.full(places, np.inf)  # the least bound of the boxes that are settled
        self.given_up = np.zeros(places, bool)
        self.boxes, self.queries = np.zeros(places, int), 0

    @property
    def flips(self) -> np.ndarray:
        """Where a colour turns the decision."""
        return self.reached < self.limit

    def number(self, places: np.ndarray) -> np.ndarray:
        """The place in a row of each (row, column, ...)."""
        return places[:, 0] * self.face.image.shape[1] + places[:, 1]

    def query(self, pixels: np.ndarray) -> None:
        """Ask about pixels (N, 5), and keep the one of least margin at each place."""
        margins, at = margin(self.face.query(pixels[:, None]), self.label), self.number(pixels)
        order = np.lexsort((-margins, at))  # the least of each place last
        least = order[np.flatnonzero(np.diff(at[order], append=-1))]
        least = least[margins[least] < self.reached[at[least]]]
        self.reached[at[least]], self.colour[at[least]] = margins[least], pixels[least, 2:]
        self.queries += len(pixels)

    def settle(self, boxes: Regions, low: np.ndarray) -> np.ndarray:
        """Which boxes no colour of which turns the decision, by their bounds."""
        at, settled = self.number(boxes.places), low > TIE
        self.boxes += np.bincount(at, minlength=len(self.boxes))
        np.minimum.at(self.proved, at[settled], low[settled])
        return settled

    def left(self, boxes: Regions, times: np.ndarray, doubt: float, budget: int) -> np.ndarray:
        """Which boxes to go on with, halved so many `times`: not where the place is flipped, or given up, as it is
        where a colour comes within `doubt`, or is alone, or where the `budget` is spent."""
        at = self.number(boxes.places)
        hopeless = (boxes.single & (times > 0)) | (self.reached[at] < doubt + TIE) | (self.boxes.sum() > budget)
        self.given_up[at[hopeless]] = True
        return ~(self.flips | self.given_up)[at]

    def confirm(self) -> None:
        """Give up the places where the whole pass of the network does not flip: their margins are rounding's."""
        whole, at = self.face.network.whole, np.flatnonzero(self.flips)
        for some in np.split(at, range(TOGETHER, len(at), TOGETHER)) if whole and len(at) else ():
            pixels = np.column_stack([*np.divmod(some, self.face.image.shape[1]), self.colour[some]])
            logits = whole(set_pixels(self.face.image, pixels[:, None]).astype(np.float32))
            refuted = some[~(logits[:, self.label] < logits[:, 1 - self.label])]  # nan, too
            self.reached[refuted], self.given_up[refuted] = np.inf, True

    def decision(self) -> Verification:
        shape = self.face.image.shape[:2]
        unknown = self.given_up | self.flips | np.isinf(self.proved)
        return Verification(self.reached.reshape(shape), self.colour.reshape(*shape, 3),
                        np.where(unknown, -np.inf, self.proved).reshape(shape), self.flips.reshape(shape),
                        int(self.boxes.sum()), self.queries)


def _next(boxes: Regions, gap: np.ndarray, own: float) -> tuple[np.ndarray, np.ndarray]:
    """How often to halve boxes whose bounds lie `gap` below the margin of the clean face, `own`: as often as it takes,
    by experience, but three times at most; and whether to bound the parts roughly.

    A close bound is worth a halving. It is for parts that a rough one did not settle.
    """
    halvings = np.maximum(np.ceil(np.log(np.maximum(gap, own) / own) / np.log(NARROWS)), 1)
    halvings = np.fmin(halvings, 4).astype(int)  # of a gap that is infinite or nan, too
    closely = boxes.rough & (boxes.high - boxes.low < 255).any(axis=1)
    times = np.where(boxes.rough, halvings - closely, halvings + 1)
    times[boxes.rough & boxes.single] = 0
    return np.minimum(times, 3), ~closely


def _parts(boxes: Regions, moves: np.ndarray, times: np.ndarray) -> Regions:
    """Each box halved so many times, across its widest colour, of equally wide ones that which moves the margin
    most."""
    whole = [boxes[:0]]
    while len(boxes):
        width = boxes.high - boxes.low
        done = (times == 0) | (width == 0).all(axis=1)
        whole.append(boxes[done])
        boxes, moves, times, width = boxes[~done], moves[~done], times[~done], width[~done]
        row, axis = np.arange(len(boxes)), np.lexsort((np.abs(moves), width))[:, -1]
        middle = (boxes.low[row, axis] + boxes.high[row, axis]) // 2
        below, above = boxes.high.copy(), boxes.low.copy()
        below[row, axis], above[row, axis] = middle, middle + 1
        boxes = Regions.joined([replace(boxes, high=below), replace(boxes, low=above)])
        moves, times = np.concatenate([moves] * 2), np.concatenate([times - 1] * 2)
    return Regions.joined(whole)
