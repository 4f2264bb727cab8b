"""Sound bounds of a face's margin over regions of colours: affine forms, followed forward through each kind of step,
bound the values of each neuron, and `backward` what these leave of the margin."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet.attack.goals import Goal
from maskdet.incremental import Face
from maskdet.incremental.bends import Median
from maskdet.incremental.layers import Change, Step
from maskdet.proof import rounding
from maskdet.proof.backward import least_margin
from maskdet.proof.forms import Form, Noise, Regions, spread
from maskdet.proof.greys import LEVELS, Greys
from maskdet.proof.relaxations import RULES, Clean

TIE = 1e-5  # where logits differ by more than this, so do their float32 probabilities
BATCH = {False: 20, True: 64}  # regions bounded together, closely or roughly, so that symbols stay in cache


@dataclass(frozen=True)
class Bounds:
    """A face of a network whose margins are to be bounded, and what `rounding` says of it. `pairs`: the classes whose
    logits the margin compares, as of `Goal`. `greys`: where the network sees no colours. `absolutes`: the steps with
    absolute weights. `own`, `slack`: what a float32 run rounds in each tensor, and in all up to it. `steep`: the
    largest slopes. `doubt`: what rounding may do to the margin of the clean face."""

    face: Face
    goal: Goal
    pairs: tuple[tuple[int, int], ...]
    greys: Greys | None
    absolutes: tuple[Step, ...]
    own: tuple[np.ndarray, ...]
    slack: tuple[np.ndarray, ...]
    steep: tuple[np.ndarray, ...]
    doubt: float

    @classmethod
    def of(cls, face: Face, goal: Goal) -> "Bounds":
        steps, pairs = face.network.steps, tuple(zip(*(side.tolist() for side in goal.pairs(len(face.logits)))))
        absolutes = tuple(rounding.absolute(step) for step in steps)
        tensors = rounding.exact(steps, face.image)
        own, slack = rounding.accumulated(steps, absolutes, tensors)
        ranges = tuple((tensor - off, tensor + off) for tensor, off in zip(tensors, slack))
        small = all((np.maximum(-low, high) < rounding.LARGE).all() for low, high in ranges)
        doubt = max(rounding.doubt(steps, absolutes, ranges, own, pair) for pair in pairs) if small else np.inf
        steep = rounding.steepest(steps, absolutes, tensors)
        greys = Greys.of(steps, face.image.shape[2])
        return cls(replace(face, tensors=tensors), goal, pairs, greys, absolutes, own, slack, steep, doubt)

    def everywhere(self, places: np.ndarray) -> Regions:
        """All colours at each of `places` (N, 2: row, column)."""
        if self.greys is not None:
            return Regions.of(places, np.zeros((len(places), 1)), np.full((len(places), 1), LEVELS))
        low = np.zeros((len(places), self.face.image.shape[2]), int)
        return Regions.of(places, low, low + 255)

    def colours(self, points: np.ndarray) -> np.ndarray:
        """The colours (N, C) at corners of regions."""
        return points if self.greys is None else self.greys.colours(points)

    def margin(self, regions: Regions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each region a lower bound (N,) of the goal's margin; how it moves with each colour, (N, C); and what
        rounding may do to it (N,), in this region and in all within it. No whole float32 pass of the network has a
        lower margin for any colour of the region. A rough bound takes a third of the time and is lower as a rule."""
        order = np.argsort(regions.rough, kind="stable")
        parts = [self._margin(regions[rows[start:start + BATCH[rough]]], rough)
                 for rough, rows in zip((False, True), np.split(order, [np.count_nonzero(~regions.rough)]))
                 for start in range(0, len(rows), BATCH[rough])]
        back = np.argsort(order)
        low, moves, doubt = (np.concatenate(part)[back] for part in zip(*parts))
        return low, moves, doubt

    def _margin(self, regions: Regions, rough: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        forms, greys = self._forms(regions, rough), self._greys(regions)
        overflows, wrong = ~_small(forms), forms[-1].error + self.slack[-1]
        lows, slopes, doubts = [], [], []
        for pair in self.pairs:
            exact, slope = least_margin(self.face, forms, self.steep, pair, start=greys.number if greys else 0)
            exact[overflows] = -np.inf
            doubt = np.minimum(regions.doubt, wrong[:, list(pair)].sum(axis=1, dtype=float))
            # Where only rounding forbids a proof, it is bounded more closely.
            for n in np.flatnonzero((exact > 1.2 * self.doubt) & (exact - doubt <= TIE)):
                doubt[n] = min(doubt[n], self._doubt(forms, int(n), pair))
            lows.append(exact - doubt)
            slopes.append(slope)
            doubts.append(doubt)
        # Of the least of several margins the least bound counts, of the largest the largest.
        which = (np.argmin if self.goal.target is None else np.argmax)(lows, axis=0)
        low, moves = (np.array(values)[which, np.arange(len(regions))] for values in (lows, slopes))
        if greys is not None:
            moves = moves[:, :1] * greys.step
        return low, moves * (regions.high - regions.low) / 2, np.max(doubts, axis=0)

    def _doubt(self, forms: Sequence[Form], n: int, pair: tuple[int, int]) -> float:
        """What rounding may do to the margin of a pair of classes, for any colour of region `n`."""
        ranges, own = [], []
        for form, tensor, slack, rounded in zip(forms, self.face.tensors, self.slack, self.own):
            slots = slice(*form.centre.first[n:n + 2])
            at, off = form.centre.place[slots], slack.copy()
            middle, rounded = tensor.copy(), rounded.copy()
            rounded[at] += form.own[slots]
            off[at] += form.error[slots] + form.radius[slots] + form.spread[slots]
            middle[at] += form.centre.values[slots]
            off = off * rounding.MORE + rounding.UNIT * np.abs(middle)
            ranges.append((middle - off, middle + off))
            own.append(rounded)
        return rounding.doubt(self.face.network.steps, self.absolutes, tuple(ranges), tuple(own), pair)

    def _forms(self, regions: Regions, rough: bool) -> list[Form]:
        """The forms of all tensors. Raises ValueError for a median of another tensor than the image."""
        steps, greys = self.face.network.steps, self._greys(regions)
        forms = [self._colours(regions if greys is None else self._cubes(regions))]
        clean = Clean(self.face.tensors, self.slack)
        bends = [number for number, step in enumerate(steps, start=1) if type(step) in RULES]
        for number, step in enumerate(steps, start=1):
            inputs = [forms[i] for i in step.inputs]
            if not isinstance(step, Median):
                inputs = [form.loosened(len(self.face.tensors[i]), _told_apart(form, number, bends, rough))
                          for i, form in zip(step.inputs, inputs)]
            bend = RULES.get(type(step))
            form = bend(clean, number, step, *inputs) if bend else self._linear(number, step, *inputs)
            forms.append(self._grey(greys, form, regions) if greys is not None and number == greys.number else form)
        return forms

    def _greys(self, regions: Regions) -> Greys | None:
        """The greys that `regions` are of, None where they are of colours."""
        return self.greys if regions.low.dtype.kind == "f" else None

    def _cubes(self, regions: Regions) -> Regions:
        """All colours at the places of `regions` of greys: rounding on the way to the grey is bounded for these."""
        low = np.zeros((len(regions), self.face.image.shape[2]), int)
        return replace(regions, low=low, high=low + 255)

    def _grey(self, greys: Greys, form: Form, regions: Regions) -> Form:
        """The form of the grey of each region; `form` is that of all colours."""
        clean = self.face.tensors[greys.number][form.centre.place]
        low, high = (greys.darkest + greys.step * levels for levels in (regions.low, regions.high))
        centre, noise = np.zeros_like(form.radius), np.zeros_like(form.radius)
        centre[:, :1], noise[:, :1] = (low + high) / 2 - clean[:, :1], (high - low) / 2 * 1.00001
        symbols = Noise(np.arange(len(regions)), Change(np.arange(len(regions) + 1), form.centre.place, noise))
        radius = form.radius + 8 * rounding.gamma(1) * (np.abs(centre) + np.abs(clean) + noise)
        return replace(form, centre=form.centre._replace(values=centre), radius=radius, noise={0: symbols},
                       loose=np.zeros_like(noise), spread=noise)

    def _colours(self, regions: Regions) -> Form:
        (count, several), image = regions.low.shape, self.face.image
        row, column = regions.places.T
        place, channels = (row * image.shape[1] + column).astype(np.int32), self.face.tensors[0].shape[1]
        centre, noise = np.zeros((count, channels), np.float32), np.zeros((count, several, channels), np.float32)
        centre[:, :several] = (regions.low + regions.high) / 2 - image[row, column]
        noise[:, range(several), range(several)] = (regions.high - regions.low) / 2
        symbols = Change(np.arange(several * count + 1), np.repeat(place, several), noise.reshape(-1, channels))
        none = np.zeros_like(centre)
        return Form(Change(np.arange(count + 1), place, centre), none,
                    {0: Noise(np.repeat(np.arange(count), several), symbols)}, none, noise.sum(axis=1), none, none)

    def _linear(self, number: int, step: Step, *inputs: Form) -> Form:
        clean, clean_out = self.face.tensors[step.inputs[0]], self.face.tensors[number]
        rounded = 2 * rounding.gamma(rounding.terms(step))
        centre = step.change(*(form.centre for form in inputs), clean, clean_out)

        def followed(parts: list[np.ndarray]) -> np.ndarray:
            changes = [form.centre._replace(values=part) for form, part in zip(inputs, parts)]
            return self.absolutes[number - 1].change(*changes, clean, clean_out).values * (1 + rounded)

        sizes = followed([form.radius + form.spread + np.abs(form.centre.values) for form in inputs])
        # Sums are rounded here, as in the network, and the clean tensors were rounded when they were stored.
        stored = [form.radius + rounding.UNIT * np.abs(self.face.tensors[i][form.centre.place])
                  for form, i in zip(inputs, step.inputs)]
        own = rounded * sizes + rounding.TINY
        radius = followed(stored) + own + rounding.UNIT * np.abs(clean_out[centre.place])
        error = followed([form.error for form in inputs]) + own
        noise = {}
        for born in dict.fromkeys(born for form in inputs for born in form.noise):  # the step that added the symbols
            owner = next(form.noise[born].owner for form in inputs if born in form.noise)
            none, empty = np.zeros(len(owner) + 1, np.int64), np.zeros(0, np.int32)
            parts = [form.noise[born].change if born in form.noise else
                     Change(none, empty, np.zeros_like(form.radius[:0])) for form in inputs]
            noise[born] = Noise(owner, step.change(*parts, clean, clean_out))
        loose = followed([form.loose for form in inputs])
        total = (spread(centre, noise, step.places) + loose) * (1 + rounding.gamma(1))
        return Form(centre, radius, noise, loose, total, own, error)


def _small(forms: Sequence[Form]) -> np.ndarray:
    """In which regions no tensor is large, (N,) bool."""
    largest = np.zeros(len(forms[0].centre.first) - 1, np.float32)
    for form in forms:
        sizes = np.abs(form.centre.values) + form.spread + form.radius + form.error
        np.maximum.at(largest, form.centre.candidate, sizes.max(axis=1))
    return largest < rounding.LARGE  # nan is not


def _told_apart(form: Form, number: int, bends: Sequence[int], rough: bool) -> set[int]:
    """The steps whose symbols step `number` still tells apart: those that may cancel before the next step that is not
    linear (`bends`) needs a range. After the last such step no range is needed, and what the step before added rarely
    cancels. Where symbols are summed up, the bound is as sound, but lower."""
    *_, third, second, last = -1, -1, -1, *bends  # -1 where there are fewer: no step, as 0 is the colours
    if number >= last:
        return set()
    if number > second:
        return {0} if rough else set(form.noise) - {second}
    return set(form.noise) - ({third} if rough and number > third else set())
