"""One metric in one scenario of two runs: the values of all variants, their common change, and that of the harness."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import fmean, median

from bench.analysis.numbers.statistics import FEWEST_TRIALS
from bench.analysis.numbers.unpaired import Change, changes, welch
from bench.analysis.runs.cells import HARNESS, Cells
from bench.analysis.trials.metrics import Metric

# Units of quantities that a slower machine makes larger, or (per s) smaller. Counts of bytes or events do not change.
MACHINE_DEPENDENT = ("ns", "ns per s", "per s")
HARNESS_P_VALUE = 0.001  # a change of the harness, relative to the variants, is reported up to this p-value
GENERATOR_METRIC = "load_cpu"  # the cost of code that no variant has: a second indicator of the machine's state

Values = Mapping[int, float]  # one per block
# By variant, of those with values of the metric in both runs: the values in the old run and in the new.
Panel = Mapping[str, tuple[Values, Values]]


@dataclass(frozen=True, slots=True)
class Drift:
    """What the machine did to one metric in one scenario, as ratios new : old.

    harness: of the hidden variant without a technique, with its change on logarithms. middle, least, most: of the
    variants. harness_differs: the harness did not change as the variants did.
    """

    metric: Metric
    scenario: str
    harness: Change | None
    middle: float
    least: float
    most: float
    harness_differs: bool


def panel(old: Cells, new: Cells, metric: Metric, scenario: str, point: str) -> Panel:
    """The variants with values in both runs; with the harness, unless it is a point of a sweep."""
    names = [variant.name for variant in new.shown]
    if not point and old.harness(scenario) and new.harness(scenario):
        names.append(HARNESS)
    runs = {name: tuple(cells.by_block(metric.name, scenario, name, point) for cells in (old, new)) for name in names}
    return {name: (values[0], values[1]) for name, values in runs.items() if all(values)}


def above_grain(panel: Panel, metric: Metric) -> Panel:
    """The variants with all values above the grain of the metric: ratios are meaningful for them."""
    return {
        name: runs
        for name, runs in panel.items()
        if all(value > metric.grain for run in runs for value in run.values())
    }


def panel_changes(panel: Panel, scale: Callable[[float], float], drifts: bool) -> dict[str, Change]:
    """The changes of all variants on a scale; with `drifts`, relative to each other."""
    old, new = (
        {name: {block: scale(value) for block, value in runs[side].items()} for name, runs in panel.items()}
        for side in (0, 1)
    )
    return changes(old, new, drifts)


def common_change(panel: Panel) -> float:
    """The median change of a panel, on logarithms; 0 for an empty one."""
    return median(_log_changes(panel).values()) if panel else 0.0


def _log_changes(panel: Panel) -> dict[str, float]:
    return {
        name: fmean(map(math.log, new.values())) - fmean(map(math.log, old.values()))
        for name, (old, new) in panel.items()
    }


def drift(metric: Metric, scenario: str, panel: Panel) -> Drift | None:
    """The change of a machine-dependent metric in all variants of a scenario; None for other metrics, and with fewer
    than two variants."""
    if metric.unit not in MACHINE_DEPENDENT or not (metric.headline or metric.name == GENERATOR_METRIC):
        return None
    comparable = above_grain(panel, metric)
    deltas = [delta for name, delta in _log_changes(comparable).items() if name != HARNESS]
    if len(deltas) < 2:
        return None
    relative = panel_changes(comparable, math.log, True).get(HARNESS)
    middle, least, most = (math.exp(value) for value in (median(deltas), min(deltas), max(deltas)))
    differs = relative is not None and relative.p_value <= HARNESS_P_VALUE
    return Drift(metric, scenario, _change_of_harness(comparable), middle, least, most, differs)


def _change_of_harness(panel: Panel) -> Change | None:
    """The change of the harness by itself, on logarithms; None without enough trials of it."""
    runs = panel.get(HARNESS)
    if runs is None or min(map(len, runs)) < FEWEST_TRIALS:
        return None
    old, new = ([math.log(value) for value in run.values()] for run in runs)
    return welch(old, new)
