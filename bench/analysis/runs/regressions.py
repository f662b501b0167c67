"""Two runs of the same things: what became worse, what better, and what of that the machine alone may have done.

Compared is every cell, and every point of a sweep, that both runs hold, on every metric it has there. A regression must
pass two tests: its change is beyond chance in view of how many cells were looked at, and it lies beyond the noise floor
of both runs and the grain of its metric. The twins are of one variant, noisier or calmer than another: their floor is
held against a cell on the scale of that cell's own scatter. What the machine moves (times) is judged beside what the
other cells and the harness did, and must exceed a part of that drift; what is counted (bytes, requests, memory) is
judged by itself.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, median

from bench.analysis.numbers.statistics import FEWEST_TRIALS, LEAST_FLOOR
from bench.analysis.numbers.unpaired import RUNS_CONFIDENCE, Change, changes, holm, welch
from bench.analysis.runs.cells import HARNESS, Cells
from bench.analysis.trials.metrics import METRICS, Metric
from bench.results import VariantFacts

MOVED_BY_THE_MACHINE = ("ns", "ns per s", "per s")
"""Units of quantities that a slower machine makes larger, or (per s) smaller; what is counted in bytes or pieces stays
as it is."""
UNLIKE = 0.4
"""A machine that moved all by some share did not move each by exactly that: what lies within this part of the common
drift is not held against a variant.
"""
STANDS_OUT = 0.001
"""How probable a change of the harness beside the variants may be at most before it is told."""


GENERATOR = "load_cpu"
"""The metric whose part is played by code that no variant has: a second witness of the machine."""


class Shown(enum.StrEnum):
    """What two runs show of one metric in one cell."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NONE = "no change shown"
    TOO_FEW = "too few trials"
    NO_WITNESS = "too few other variants"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something was measured in both runs; `point` is empty for the cell itself, else like `rate_hz=40`."""

    metric: Metric
    scenario: str
    variant: VariantFacts
    point: str


@dataclass(frozen=True, slots=True)
class Found:
    """One metric in one cell of two runs.

    old, new: means over blocks, in the metric's unit; geometric ones where `ratios`: `plain` and `change` are then on
    logarithms, else differences in the unit. plain: as it stands; change: what is judged (beside the others, where the
    machine moves it). floor: how far |change| must reach on the same scale; p_value: adjusted for all comparisons.
    least: the smallest change that would have been found.
    """

    spot: Spot
    old: float
    new: float
    blocks: tuple[int, int]
    ratios: bool
    plain: Change | None
    change: Change | None
    floor: float
    p_value: float | None = None
    least: float | None = None
    shown: Shown = Shown.NOT_JUDGED


@dataclass(frozen=True, slots=True)
class Drift:
    """What the machine did to one metric in one scenario, as ratios new : old.

    harness: of the hidden variant without a technique, with its change on logarithms; middle, least, most: of the
    variants. apart: the harness did not move as the variants did.
    """

    metric: Metric
    scenario: str
    harness: Change | None
    middle: float
    least: float
    most: float
    apart: bool


@dataclass(frozen=True, slots=True)
class Regressions:
    """Everything that two runs show of each other; `judged` says how many comparisons count for the verdict."""

    found: tuple[Found, ...]
    drifts: tuple[Drift, ...]

    def of(self, shown: Shown) -> list[Found]:
        """The comparisons that show it, in the order of the runs."""
        return [one for one in self.found if one.shown is shown]

    @property
    def judged(self) -> list[Found]:
        """The comparisons that count for the verdict."""
        return [one for one in self.found if one.p_value is not None]


def compare_runs(old: Cells, new: Cells, metrics: Collection[str] = (), variants: Collection[str] = ()) -> Regressions:
    """Compare all that both runs hold, or only these metrics and variants. Judged are the headline metrics, or those
    that are asked for by name."""
    found: list[Found] = []
    drifts: list[Drift] = []
    for scenario, point in _places(old, new):
        for metric in METRICS.values():
            panel = _panel(old, new, metric, scenario, point)
            if not point and (drift := _drift(metric, scenario, panel)):
                drifts.append(drift)
            found += [
                one
                for one in _compared(old, new, metric, scenario, point, panel)
                if (not variants or one.spot.variant.name in variants) and (not metrics or metric.name in metrics)
            ]
    return Regressions(tuple(_judged(found, lambda metric: metric.headline or metric.name in metrics)), tuple(drifts))


Panel = Mapping[str, tuple[Mapping[int, float], Mapping[int, float]]]
"""Of every variant that has a metric in a scenario of both runs: its values by block in the old one and in the new."""


def _places(old: Cells, new: Cells) -> Iterator[tuple[str, str]]:
    """(scenario, point) of everything that both runs compare variants in."""
    for scenario in old.scenarios:
        if scenario in new.scenarios:
            yield scenario, ""
            there = {point for where, _, point in new.points if where == scenario}
            yield from ((scenario, point) for point in dict.fromkeys(
                point for where, _, point in old.points if where == scenario and point in there
            ))  # fmt: skip


def _panel(old: Cells, new: Cells, metric: Metric, scenario: str, point: str) -> Panel:
    names = [variant.name for variant in new.shown]
    if not point and old.harness(scenario) and new.harness(scenario):
        names.append(HARNESS)
    read = {name: tuple(cells.by_block(metric.name, scenario, name, point) for cells in (old, new)) for name in names}
    return {name: (values[0], values[1]) for name, values in read.items() if all(values)}


def _compared(old: Cells, new: Cells, metric: Metric, scenario: str, point: str, panel: Panel) -> Iterator[Found]:
    """Every variant of a panel; those above the grain by ratio, those that may be zero by difference."""
    drifts = metric.unit in MOVED_BY_THE_MACHINE
    floors = [cells.floor(metric.name, scenario) for cells in (old, new)]
    by_ratio = {name: runs for name, runs in panel.items() if _above(runs, metric.grain)}
    shared = UNLIKE * abs(_shared(by_ratio)) if drifts else 0.0
    change = {
        **_changes(by_ratio, math.log, drifts),
        **_changes({name: runs for name, runs in panel.items() if name not in by_ratio}, float, False),
    }
    twinned = {name for cells in (old, new) for name in cells.twinned(metric.name, scenario)}
    for name, runs in panel.items():
        if name == HARNESS:
            continue
        ratios = name in by_ratio
        twins = [change[one] for one in sorted(twinned & change.keys()) if (one in by_ratio) is ratios]
        scale: Callable[[float], float] = math.log if ratios else float
        back: Callable[[float], float] = math.exp if ratios else float
        samples = [[scale(value) for value in blocks.values()] for blocks in runs]
        before, after = (back(fmean(sample)) for sample in samples)
        beyond = max(math.log(floor.ratio) if ratios else floor.difference for floor in floors)
        beyond *= _noisier(change.get(name), twins)
        grain = math.log1p(metric.grain / before) if ratios else metric.grain
        yield Found(
            Spot(metric, scenario, new.facts[name], point),
            before,
            after,
            (len(samples[0]), len(samples[1])),
            ratios,
            welch(samples[0], samples[1]) if min(map(len, samples)) >= FEWEST_TRIALS else None,
            change.get(name),
            max(beyond, grain, math.log(LEAST_FLOOR) if ratios else 0.0, shared if ratios else 0.0),
        )


def _noisier(change: Change | None, twins: Sequence[Change]) -> float:
    """How many times as widely a cell scatters as those do that were run twice; 1 where that is not known."""
    spread = fmean(twin.variance for twin in twins) if twins else 0.0
    return math.sqrt(change.variance / spread) if change is not None and spread > 0.0 else 1.0


def _shared(panel: Panel) -> float:
    """By how much the middle of a panel moved, on logarithms; 0 without any."""
    moved = [
        fmean(math.log(value) for value in new.values()) - fmean(math.log(value) for value in old.values())
        for old, new in panel.values()
    ]
    return median(moved) if moved else 0.0


def _above(runs: tuple[Mapping[int, float], Mapping[int, float]], grain: float) -> bool:
    return all(value > grain for blocks in runs for value in blocks.values())


def _changes(panel: Panel, scale: Callable[[float], float], drifts: bool) -> dict[str, Change]:
    old, new = (
        {name: {block: scale(value) for block, value in runs[side].items()} for name, runs in panel.items()}
        for side in (0, 1)
    )
    return changes(old, new, drifts)


def _judged(found: list[Found], asked: Callable[[Metric], bool]) -> list[Found]:
    """All comparisons with what they show; the p-values of those that count are adjusted for their number."""
    counting = [one.change for one in found if one.change is not None and asked(one.spot.metric)]
    adjusted = iter(holm([change.p_value for change in counting]))
    told = []
    for one in found:
        if not asked(one.spot.metric):
            told.append(one)
        elif one.change is None:
            told.append(replace(one, shown=Shown.TOO_FEW if one.plain is None else Shown.NO_WITNESS))
        else:
            told.append(_verdict(one, one.change, next(adjusted), len(counting)))
    return told


def _verdict(one: Found, change: Change, p_value: float, family: int) -> Found:
    least = max(change.reach(1.0 - (1.0 - RUNS_CONFIDENCE) / family), one.floor)
    shown = Shown.NONE
    if p_value <= 1.0 - RUNS_CONFIDENCE and abs(change.delta) > one.floor:
        worse = (change.delta > 0) is (one.spot.metric.better == "lower")
        shown = Shown.REGRESSION if worse else Shown.IMPROVEMENT
    return replace(one, p_value=p_value, least=least, shown=shown)


def _drift(metric: Metric, scenario: str, panel: Panel) -> Drift | None:
    """What became of a metric that the machine moves in all variants of a scenario; None where it does not, or where
    fewer than two variants can tell."""
    if metric.unit not in MOVED_BY_THE_MACHINE or not (metric.headline or metric.name == GENERATOR):
        return None
    held = {name: runs for name, runs in panel.items() if _above(runs, metric.grain)}
    samples = {name: [[math.log(value) for value in blocks.values()] for blocks in runs] for name, runs in held.items()}
    moved = {name: fmean(after) - fmean(before) for name, (before, after) in samples.items()}
    deltas = [delta for name, delta in moved.items() if name != HARNESS]
    if len(deltas) < 2:
        return None
    known = HARNESS in samples and min(map(len, samples[HARNESS])) >= FEWEST_TRIALS
    beside = _changes(held, math.log, True).get(HARNESS)
    middle, least, most = (math.exp(value) for value in (median(deltas), min(deltas), max(deltas)))
    return Drift(
        metric, scenario, welch(samples[HARNESS][0], samples[HARNESS][1]) if known else None, middle, least, most,
        beside is not None and beside.p_value <= STANDS_OUT,
    )  # fmt: skip
