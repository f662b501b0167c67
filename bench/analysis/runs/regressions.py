"""Two runs of the same cells: what became worse, what became better, and what the machine alone may have caused.

Every cell and every point of a sweep that both runs have is compared, on every metric that it has there. A regression
must pass two tests. Its change must be beyond chance, given the number of comparisons. And it must be larger than the
noise floor of both runs and the grain of its metric. The noise floor comes from the twins of one variant, which may be
noisier or quieter than another: for each cell it is scaled by the scatter of that cell.

A machine-dependent quantity (a time) is judged relative to the other cells and the harness, and its change must exceed
a part of their common drift. A count (bytes, requests, memory) is judged by itself.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bench.analysis.numbers.statistics import FEWEST_TRIALS, LEAST_FLOOR
from bench.analysis.numbers.unpaired import RUNS_CONFIDENCE, Change, holm, welch
from bench.analysis.runs.cells import HARNESS, Cells
from bench.analysis.runs.panels import (
    MACHINE_DEPENDENT,
    Drift,
    Panel,
    Values,
    above_grain,
    common_change,
    drift,
    panel,
    panel_changes,
)
from bench.analysis.trials.metrics import METRICS, Metric
from bench.results import VariantFacts

# Of the common drift: a machine does not slow all variants down by exactly the same share, so a smaller change is not
# attributed to a variant.
DRIFT_SHARE = 0.4


class ChangeVerdict(enum.StrEnum):
    """What two runs show of one metric in one cell."""

    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    NONE = "no change shown"
    TOO_FEW = "too few trials"
    TOO_FEW_OTHERS = "too few other variants"
    NOT_JUDGED = "not judged"


@dataclass(frozen=True, slots=True)
class CellChange:
    """One metric in one cell of two runs.

    point: empty for the cell itself, else the point of a sweep: `rate_hz=40`. old, new: means over blocks, in the
    metric's unit. With `ratios` these are geometric means, and `plain` and `change` are on logarithms; else they are
    differences in the unit. plain: the change by itself; change: the one that is judged (relative to the other cells,
    where the quantity is machine-dependent). floor: the least |change| for a verdict, on the same scale. p_value:
    adjusted for all comparisons. detectable: the smallest change that would have been shown.
    """

    metric: Metric
    scenario: str
    variant: VariantFacts
    point: str
    old: float
    new: float
    blocks: tuple[int, int]
    ratios: bool
    plain: Change | None
    change: Change | None
    floor: float
    p_value: float | None = None
    detectable: float | None = None
    verdict: ChangeVerdict = ChangeVerdict.NOT_JUDGED


@dataclass(frozen=True, slots=True)
class Regressions:
    """All changes between two runs."""

    changes: tuple[CellChange, ...]
    drifts: tuple[Drift, ...]

    def of(self, verdict: ChangeVerdict) -> list[CellChange]:
        """The changes with this verdict, in the order of the runs."""
        return [one for one in self.changes if one.verdict is verdict]

    @property
    def judged(self) -> list[CellChange]:
        """The changes that count for the verdict on the runs."""
        return [one for one in self.changes if one.p_value is not None]


def compare_runs(old: Cells, new: Cells, metrics: Collection[str] = (), variants: Collection[str] = ()) -> Regressions:
    """Compare everything that both runs have, or only these metrics and variants. The headline metrics are judged, and
    those that `metrics` names."""
    changes: list[CellChange] = []
    drifts: list[Drift] = []
    for scenario, point in _common_places(old, new):
        for metric in METRICS.values():
            values = panel(old, new, metric, scenario, point)
            if not point and (moved := drift(metric, scenario, values)):
                drifts.append(moved)
            changes += [
                one
                for one in _changes(old, new, metric, scenario, point, values)
                if (not variants or one.variant.name in variants) and (not metrics or metric.name in metrics)
            ]
    return Regressions(tuple(_judged(changes, lambda metric: metric.headline or metric.name in metrics)), tuple(drifts))


def _common_places(old: Cells, new: Cells) -> Iterator[tuple[str, str]]:
    """(scenario, point) of every scenario, and every point of a sweep, that both runs have."""
    for scenario in old.scenarios:
        if scenario in new.scenarios:
            yield scenario, ""
            new_points = {point for where, _, point in new.points if where == scenario}
            old_points = [point for where, _, point in old.points if where == scenario]
            yield from ((scenario, point) for point in dict.fromkeys(old_points) if point in new_points)


def _changes(old: Cells, new: Cells, metric: Metric, scenario: str, point: str, panel: Panel) -> Iterator[CellChange]:
    """The change of every variant of a panel: by ratio where its values are above the grain, else by difference."""
    machine_dependent = metric.unit in MACHINE_DEPENDENT
    by_ratio = above_grain(panel, metric)
    by_difference = {name: runs for name, runs in panel.items() if name not in by_ratio}
    common = DRIFT_SHARE * abs(common_change(by_ratio)) if machine_dependent else 0.0
    changes = {**panel_changes(by_ratio, math.log, machine_dependent), **panel_changes(by_difference, float, False)}
    floors = [cells.floor(metric.name, scenario) for cells in (old, new)]
    twinned = {name for cells in (old, new) for name in cells.twinned(metric.name, scenario)} & changes.keys()
    for name, runs in panel.items():
        if name == HARNESS:
            continue
        ratios = name in by_ratio
        before, after, plain = _means_and_change(runs, ratios)
        twins = [changes[one] for one in sorted(twinned) if (one in by_ratio) is ratios]
        noise = max(math.log(floor.ratio) if ratios else floor.difference for floor in floors)
        noise *= _relative_scatter(changes.get(name), twins)
        least = (math.log1p(metric.grain / before), math.log(LEAST_FLOOR), common) if ratios else (metric.grain,)
        yield CellChange(
            metric, scenario, new.facts[name], point, before, after, (len(runs[0]), len(runs[1])), ratios, plain,
            changes.get(name), max(noise, *least),
        )  # fmt: skip


def _means_and_change(runs: tuple[Values, Values], ratios: bool) -> tuple[float, float, Change | None]:
    """The means of both runs (geometric with `ratios`), and the change by itself, where there are enough trials."""
    scale: Callable[[float], float] = math.log if ratios else float
    inverse: Callable[[float], float] = math.exp if ratios else float
    old, new = ([scale(value) for value in run.values()] for run in runs)
    change = welch(old, new) if min(len(old), len(new)) >= FEWEST_TRIALS else None
    return inverse(fmean(old)), inverse(fmean(new)), change


def _relative_scatter(change: Change | None, twins: Sequence[Change]) -> float:
    """The scatter of a cell, in units of that of the cells with twins; 1 where either is not known."""
    of_twins = fmean(twin.variance for twin in twins) if twins else 0.0
    return math.sqrt(change.variance / of_twins) if change is not None and of_twins > 0.0 else 1.0


def _judged(changes: Sequence[CellChange], counts: Callable[[Metric], bool]) -> Iterator[CellChange]:
    """All changes with their verdicts; the p-values of those that count are adjusted for their number."""
    p_values = [one.change.p_value for one in changes if one.change is not None and counts(one.metric)]
    adjusted = iter(holm(p_values))
    for one in changes:
        if not counts(one.metric):
            yield one
        elif one.change is None:
            few = ChangeVerdict.TOO_FEW if one.plain is None else ChangeVerdict.TOO_FEW_OTHERS
            yield replace(one, verdict=few)
        else:
            yield _with_verdict(one, one.change, next(adjusted), len(p_values))


def _with_verdict(one: CellChange, change: Change, p_value: float, comparisons: int) -> CellChange:
    detectable = max(change.half_width(1.0 - (1.0 - RUNS_CONFIDENCE) / comparisons), one.floor)
    verdict = ChangeVerdict.NONE
    if p_value <= 1.0 - RUNS_CONFIDENCE and abs(change.delta) > one.floor:
        worse = (change.delta > 0) is (one.metric.better == "lower")
        verdict = ChangeVerdict.REGRESSION if worse else ChangeVerdict.IMPROVEMENT
    return replace(one, p_value=p_value, detectable=detectable, verdict=verdict)
