"""A run that is here and the recorded ones, asked for the same things: so that each table and figure can show them
beside each other.
"""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from maskdet import config, data, faces, figures
from maskdet.attack import Sweep
from maskdet.config import Profile
from maskdet.experiment import attacks, curve, detectors, fitting, recorded, seeds, verification
from maskdet.experiment.fitting import Outcome
from maskdet.record import results, tables

# What is shown of the records, in this order, and how the book calls them.
RECORDS = {"wobot": "recorded: the preprint’s set", "larxel": "recorded: larxel"}
HERE = "this build"
MISSING = "not recorded yet"
Trials = Callable[[Profile], Mapping]  # such as `variants.main_run`


def _once(method: Callable) -> Callable:
    """Keep what a method of a source returned for the same arguments: one notebook shows it several times."""
    @functools.wraps(method)
    def kept(self: "Source", *arguments):
        key = (method.__name__, *arguments)
        if key not in self.kept:
            self.kept[key] = method(self, *arguments)
        return self.kept[key]
    return kept


@dataclass(frozen=True)
class Source:
    """A run: the profile's own, whose files are here, or the record of a `name`. `kept`: what was asked for before."""

    run: Profile
    name: str | None = None
    kept: dict = field(default_factory=dict, compare=False, repr=False)

    @_once
    def dataset(self) -> data.Dataset:
        """The photographs' tables; without photographs, of a record."""
        return recorded.dataset(self.name) if self.name else data.read(self.run)

    @_once
    def faces(self) -> faces.Faces | recorded.Matched:
        """The labelled faces and the detections; without crops, of a record."""
        return recorded.matched(self.name) if self.name else faces.read(self.run)

    @_once
    def outcomes(self, trials: Trials) -> dict[str, list[Outcome]]:
        """The networks of trials, tested; without their weights, of a record."""
        if self.name:
            return recorded.outcomes(self.name, trials(self.run))
        return fitting.fit(self.run, trials(self.run))

    @_once
    def sweeps(self, trials: Trials, search: str) -> dict[str, list[Sweep]]:
        """The attacks on them, by a search of `attacks.SEARCHES`."""
        found = self.outcomes(trials)
        searches = {"evolution": attacks.evolution(self.run), "corners": attacks.corners, "guided": attacks.guided}
        if search not in searches:
            raise ValueError(f"expected a search, one of {', '.join(searches)}, got {search!r}")
        of = searches[search]
        return recorded.sweeps(self.name, found, of) if self.name else attacks.sweep(self.run, found, search=of)

    @_once
    def verified(self, trials: Trials) -> Mapping:
        """Their test faces, verified."""
        found = self.outcomes(trials)
        return recorded.verified(self.name, found) if self.name else verification.verify(self.run, found)

    def numbers(self, stage: str) -> dict:
        """What a stage recorded under its own name, as it is in JSON."""
        found = results.read(self.name) if self.name else results.stage(self.run, stage)
        if stage not in found:
            raise tables.NotRecorded(f"expected stage {stage} in the record {self.name}, got none: in a checkout of "
                                     f"maskdet, run `make record PROFILE={self.name}`")
        return found[stage]

    @_once
    def seeds(self) -> pd.DataFrame:
        """The networks that differ by a seed alone, a row for each."""
        return tables.read(self.name, "seeds/distribution") if self.name else seeds.distribution(self.run)

    @_once
    def detected(self) -> dict[str, detectors.Detected]:
        """What each detector finds in the test photographs."""
        return recorded.detected(self.name) if self.name else detectors.compare(self.run)

    @_once
    def curves(self, most: int) -> dict[str, dict[str, curve.Curve]]:
        """Accuracy and success against the number of faces, carried on to `most`."""
        if self.name:
            return recorded.curves(self.name)
        return curve.curves(seeds.learned(self.run), further=(most,), seed=self.run.seed)


_SOURCES: dict[tuple[int, str | None], Source] = {}


def source(run: Profile, name: str | None = None) -> Source:
    """The source of a run, or of the record of a `name`: the same one for the same profile."""
    known = _SOURCES.get((id(run), name))
    if known is None or known.run is not run:
        known = _SOURCES[id(run), name] = Source(run, name)
    return known


def beside(run: Profile, view: Callable[[Source], object], about: str, *,
           of: tuple[str, ...] = tuple(RECORDS)) -> figures.Beside:
    """`view` of each record named in `of` and of the run that is here, each a click away; under a run of the same
    photographs as a record, a line says whether the two are the same. `about`: the caption of tables. In the place of a
    record that was not made yet, the command that makes it is shown: a first record is made by notebooks as well."""
    views = {RECORDS[name]: _recorded(view, name) for name in of}
    shown = figures.Beside(views | {HERE: view(source(run))}, about)
    record = views.get(RECORDS.get(run.set, ""))
    if record is None or isinstance(record, pd.DataFrame) and MISSING in record:
        return shown
    if data.read(run).checksum != recorded.dataset(run.set).checksum:
        return shown.noted("This build is of other photographs, or other copies of them, than the record.")
    same = shown.same(RECORDS[run.set], HERE)
    return shown.noted(f"This build, on the same photographs, shows {'the same' if same else 'something else'}.")


def _recorded(view: Callable[[Source], object], name: str) -> object:
    try:
        return view(source(config.profile(name), name))
    except tables.NotRecorded:
        return pd.DataFrame({MISSING: [f"run `make record PROFILE={name}`"]}, index=[name])
