"""Sound bounds of a face's margin over regions of colours: affine forms, followed forward through each kind of step,
bound the values of each neuron, and `backward` what these leave of the margin.

A new kind of step that is not linear is a method here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet.incremental import Face
from maskdet.attack.goals import Goal
from maskdet.incremental.bends import Bend, Maximum, Median, Relu
from maskdet.incremental.layers import Change, Step
from maskdet.proof import kernels, rounding
from maskdet.proof.backward import least_margin
from maskdet.proof.forms import Form, Noise, Regions, Relaxation, bent, scaled, spread
from maskdet.proof.greys import LEVELS, Greys

TIE = 1e-5  # where logits differ by more than this, so do their float32 probabilities
BATCH = {False: 20, True: 64}  # regions bounded together, closely or roughly, so that symbols stay in cache


@dataclass(frozen=True)
class Bounds:
    """A face of a network whose margins are to be bounded, and what `rounding` says of it. `pairs`: the classes whose
    logits the margin compares, as of `Goal`. `greys`: where the network sees no colours. `absolutes`: the steps with absolute weights. `own`, `slack`: what a
    float32 run rounds in each tensor, and in all up to it. `steep`: the largest slopes. `doubt`: what rounding may do
    to the margin of the clean face."""

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
        low = np.zeros((len(places), self.face.image.shape[2]), int) if self.greys is None else np.zeros((len(places), 1))
        return Regions.of(places, low, low + (255 if self.greys is None else LEVELS))

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
        rules: dict[type[Step], Callable[..., Form]] = {Relu: self._rectified, Bend: self._bend,
                                                        Maximum: self._largest, Median: self._median}
        bends = [number for number, step in enumerate(steps, start=1) if type(step) in rules]
        for number, step in enumerate(steps, start=1):
            inputs = [forms[i] for i in step.inputs]
            if not isinstance(step, Median):
                inputs = [form.loosened(len(self.face.tensors[i]), _told_apart(form, number, bends, rough))
                          for i, form in zip(step.inputs, inputs)]
            form = rules.get(type(step), self._linear)(number, step, *inputs)
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

    def _rectified(self, number: int, step: Step, form: Form) -> Form:
        """For x from low to high the rectifier lies between  share x  and  share x + gap."""
        at = form.centre.place
        clean, clean_out = self.face.tensors[step.inputs[0]][at], self.face.tensors[number][at]
        middle, low, high = self._range(form, step.inputs[0])
        share = np.where(low >= 0, np.float32(1), np.clip(high / np.maximum(high - low, np.float32(1e-30)), 0, 1))
        crosses, upper = (low < 0) & (high > 0), share.astype(float)
        gap = np.where(crosses, np.maximum(-share * low, (1 - share) * high), 0) * np.float32(1.00001)
        centre = share * middle + gap / 2 - clean_out
        tiny = 8 * rounding.gamma(1) * (np.abs(middle) + np.abs(clean) + np.abs(clean_out) + gap + form.spread)
        radius = np.where(share > 0, share * form.radius * np.float32(1.00001) + tiny, 0).astype(np.float32)
        # A neuron that stays off passes no error on. Where it was off in the clean face, it dropped its error there.
        wrong = form.error + self.slack[step.inputs[0]][at]
        error = np.maximum(np.where(high + wrong * rounding.MORE < 0, 0, wrong) - self.slack[number][at], 0)
        noise = {born: scaled(form.centre, symbols, share) for born, symbols in form.noise.items()}
        above = np.where(crosses, np.maximum(-upper * low, (1 - upper) * high), 0)
        lower = np.where((low >= 0) | (high > -low), 1.0, 0.0)  # which leaves the smallest area between the two lines
        return bent(number, form.centre._replace(values=centre), radius, noise,
                    share * form.loose * (1 + rounding.gamma(1)), share * form.spread, gap / 2, error,
                    Relaxation((lower, upper), (np.zeros_like(above), above)))

    def _bend(self, number: int, step: Bend, form: Form) -> Form:
        """For x from low to high the output lies between  share x + least  and  share x + most: a function of straight
        pieces has its extremes where they meet, and at the ends."""
        at = form.centre.place
        clean, clean_out = self.face.tensors[step.inputs[0]][at], self.face.tensors[number][at]
        middle, low, high = (values.astype(float) for values in self._range(form, step.inputs[0]))
        points = [low, high, np.clip(0, low, high), np.clip(float(step.top), low, high)]
        values = [step.of(point, at).astype(float) for point in points]

        def between(share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            apart = [value - share * point for value, point in zip(values, points)]
            return np.min(apart, axis=0), np.max(apart, axis=0)

        def chord(i: int, j: int) -> np.ndarray:
            width = points[j] - points[i]
            return np.where(width > 0, (values[j] - values[i]) / np.where(width > 0, width, 1), 0)

        share = chord(0, 1).astype(np.float32)
        least, most = between(share.astype(float))
        gap = ((most - least) * 1.00001).astype(np.float32)
        centre = (share * middle + (least + most) / 2 - clean_out).astype(np.float32)
        sizes = np.abs(middle) + np.abs(low) + np.abs(high) + np.abs(clean) + np.abs(clean_out) + form.spread
        radius = (share * form.radius * np.float32(1.00001) + 8 * rounding.gamma(1) * sizes).astype(np.float32)
        own = (2 * rounding.gamma(1) * np.maximum(np.abs(values[0]), np.abs(values[1])) + rounding.TINY).astype(np.float32)
        wrong = form.error + self.slack[step.inputs[0]][at] + own
        error = np.maximum(wrong * rounding.MORE - self.slack[number][at], 0)
        noise = {born: scaled(form.centre, symbols, share) for born, symbols in form.noise.items()}
        # Up to 0 the function is convex, from there on concave: of the lines that touch it, those of the least area.
        upper = np.where(high <= step.top, chord(0, 1), np.where(step.top - low > high - step.top, chord(0, 3), 0))
        lower = np.where(low >= 0, chord(0, 1), np.where(high > -low, chord(2, 1), step.slopes(at)))
        lines = Relaxation((lower, upper), (between(lower)[0], between(upper)[1]))
        return bent(number, form.centre._replace(values=centre), radius, noise,
                    share * form.loose * (1 + rounding.gamma(1)), share * form.spread, gap / 2, error, lines, own)

    def _largest(self, number: int, step: Maximum, form: Form) -> Form:
        """The tap x of the largest lower bound, where it is certain to be the largest. Elsewhere, with x from low to high
        and all other taps at most `others`, the maximum is convex in x: at least x, and at most the line through
        (low, others) and (high, the larger of high and others)."""
        clean, old = self.face.tensors[step.inputs[0]], form.centre
        window, none = (*old[:2], step.reach, step.covers), np.zeros_like(clean)
        _, low, high = self._range(form, step.inputs[0])
        first, place, low, best, high, others = kernels.largest(*window, low, high, clean, clean)
        _, _, error, *_ = kernels.largest(*window, form.error, form.error, none, none)
        sure = others <= low
        low, high, others = (np.where(sure, 0, values.astype(float)) for values in (low, high, others))
        line = np.where(sure, 1, np.clip((high - others) / np.maximum(high - low, 1e-30), 0, 1))

        def picked(owner: np.ndarray, change: Change) -> Change:
            return Change(*kernels.picked(len(clean), first, place, step.covers, best, owner, *change))

        regions, share = np.arange(len(old.first) - 1), line.astype(np.float32)
        # Centre and radius are picked like a symbol of each region.
        centre, radius, loose = (picked(regions, old._replace(values=values)).values * share
                                 for values in (old.values, form.radius, form.loose))
        tap = np.take_along_axis(step.covers[place], best, axis=1)
        held, before = np.take_along_axis(clean, tap, axis=0), self.face.tensors[number][place]
        middle = (share * held + centre + (others + low) / 2 - share * low).astype(np.float32)
        sizes = np.abs(middle) + np.abs(before) + np.abs(held) + np.abs(centre) + np.abs(others) + np.abs(low)
        tiny, gap = 8 * rounding.gamma(1) * (sizes + np.abs(high)), (others - low) / 2 * 1.00001
        change = Change(first, place, middle - before)
        noise = {born: scaled(change, Noise(owner, picked(owner, symbols)), share)
                 for born, (owner, symbols) in form.noise.items()}
        relaxation = Relaxation((np.ones(gap.shape), line), (np.zeros(gap.shape), others - line * low), tap)
        return bent(number, change, (radius + tiny).astype(np.float32), noise, loose,
                    spread(change, noise, step.places) + loose, gap.astype(np.float32), error, relaxation)

    def _median(self, number: int, step: Median, form: Form) -> Form:
        """The median of nine values of which one varies: the varying value, clamped between two of the others. Only
        an image has a single varying place."""
        if step.inputs != (0,):
            raise ValueError(f"expected a median of the image itself, got one of tensor {step.inputs[0]}")
        old, clean = form.centre, self.face.tensors[0]
        middle = clean[old.place] + old.values
        first, place, low, high, kept = kernels.clamped(*old[:2], step.reach, step.covers, clean, middle - form.spread,
                                                        middle + form.spread, step.shape[2])
        at = np.repeat(old.place, np.diff(first))[:, None]  # of what varies, for each slot of the output
        which = np.where(kept, (step.covers[place] == at).argmax(axis=1)[:, None], -1)
        [(owner, colours)] = form.noise.values()
        colours = Change(*kernels.picked(len(clean), first, place, step.covers, which, owner, *colours))
        change = Change(first, place, (low + high) / 2 - self.face.tensors[number][place])
        half, none = (high - low) / 2, np.zeros_like(low)
        relaxation = Relaxation((kept.astype(float),) * 2, (np.where(kept, 0.0, low), np.where(kept, 0.0, high)),
                                np.broadcast_to(at, kept.shape))
        return bent(number, change, none, {0: Noise(owner, colours)}, none, np.where(kept, half, 0),
                    np.where(kept, 0, half), none, relaxation)

    def _range(self, form: Form, number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Middle and bounds of tensor `number` in each slot of a form, (S, C) each."""
        clean = self.face.tensors[number][form.centre.place]
        middle = clean + form.centre.values
        reach = (form.spread + form.radius) * np.float32(1.00001)
        reach += 4 * rounding.gamma(1) * (np.abs(middle) + np.abs(clean))
        return middle, middle - reach, middle + reach


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
