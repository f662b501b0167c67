"""The noise floor, the twins and the harness in words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.numbers.statistics import FEWEST_TRIALS, FLOOR_CONFIDENCE, TWINS_CONFIDENCE, Estimate, Verdict
from bench.analysis.runs.cells import HARNESS, Cells, Comparison
from bench.analysis.runs.fault_controls import uneven_steal
from bench.analysis.runs.faults import Fault
from bench.analysis.trials.metrics import METRICS, Metric
from bench.report.text import listed
from bench.units import counted, factor, measured, percent, quantity, tick

EVERYWHERE = "every scenario"
FLAGGED = (Verdict.HIGHER, Verdict.LOWER)


@dataclass(frozen=True, slots=True)
class Twins:
    """One line of the A/A comparison: a cell run twice in every block, on one metric, and whether that shows a
    difference, which it should not."""

    comparison: Comparison
    metric: Metric
    scenario: str
    difference: str
    floor: str
    flagged: bool

    @property
    def verdict(self) -> str:
        """The result of the comparison."""
        return "difference shown" if self.flagged else str(self.comparison.verdict)

    @property
    def sentence(self) -> str:
        """The whole line in words."""
        return (
            f"{self.metric.title}, {self.scenario}: twins of {self.comparison.variant.label} differ by"
            f" {self.difference}: {self.verdict}"
        )


def floor_words(cells: Cells, metric: str, scenario: str) -> str:
    """The noise floor of a metric in a scenario: as a share, or in its unit where a value can be zero."""
    words = floor_text(cells, metric, scenario)
    return words if cells.floor(metric, scenario).measured else f"{words}, assumed"


def floor_text(cells: Cells, metric: str, scenario: str) -> str:
    """The same, without the note on an assumed floor."""
    floor = cells.floor(metric, scenario)
    if by_ratio(cells, metric, scenario):
        return share(floor.ratio)
    return tick(float(f"{floor.difference:.2g}"), METRICS[metric].unit)


def by_ratio(cells: Cells, metric: str, scenario: str) -> bool:
    """Whether all values are above zero, so that the floor is a ratio."""
    values = [
        value for variant in cells.measured(scenario) for _, value in cells.values(metric, scenario, variant.name)
    ]
    return min(values, default=1.0) > 0.0


def share(ratio: float) -> str:
    """A ratio less 1 as a percentage, rounded up, so that no ratio within the floor appears above it."""
    return percent(math.ceil((ratio - 1) * 100 - 1e-6) / 100)


def doubled(cells: Cells) -> str:
    """The scenarios with twins in words; empty without any."""
    scenarios = dict.fromkeys(scenario for scenario, metric in _headline(cells) if cells.twinned(metric.name, scenario))
    return EVERYWHERE if list(scenarios) == cells.scenarios else listed(scenarios) if scenarios else ""


def twins(cells: Cells) -> list[Twins]:
    """A line per headline metric and scenario whose twins have the metric."""
    return [
        Twins(
            comparison, metric, scenario, _difference(comparison, metric), floor_words(cells, metric.name, scenario),
            comparison.verdict in FLAGGED,
        )
        for scenario, metric in _headline(cells)
        for comparison in cells.twins(metric.name, scenario)
    ]  # fmt: skip


def _headline(cells: Cells) -> Iterator[tuple[str, Metric]]:
    for scenario in cells.scenarios:
        for metric in METRICS.values():
            if metric.headline:
                yield scenario, metric


def _difference(comparison: Comparison, metric: Metric) -> str:
    """The difference of twins: the median over the blocks and, in brackets, their range."""
    if comparison.ratio is not None:
        middle, ends = factor(comparison.ratio.median), [factor(end) for end in _ends(comparison.ratio)]
    elif comparison.difference is not None:
        middle = quantity(comparison.difference.median, metric.unit)
        ends = [quantity(end, metric.unit) for end in _ends(comparison.difference)]
    else:
        return ""
    return f"{middle} ({' to '.join(ends)})"


def _ends(estimate: Estimate) -> tuple[float, float]:
    return min(estimate.values), max(estimate.values)


def about_twins(cells: Cells) -> list[str]:
    """The noise floor and its confidence, then the result of the A/A comparison."""
    lines = twins(cells)
    if not lines:
        return [
            "Noise floor: no variant was run twice in a block, so the floor is assumed. This run does not show that"
            " equal variants measure as equal."
        ]
    fewest = min((cells.floor(line.metric.name, line.scenario) for line in lines), key=lambda floor: floor.pairs)
    sentences = [
        f"Noise floor: one variant of {doubled(cells)} is run twice in each block, a round of all trials. The floor is"
        f" computed from the scatter of these twins ({counted(fewest.pairs, 'pair')} of every metric). The median over"
        f" {counted(fewest.blocks, 'block')} of equal trials exceeds the floor by chance in"
        f" {percent(1 - FLOOR_CONFIDENCE)} of cases. A variant with more noise than the twins also has a wider"
        " interval, so it needs a larger ratio."
    ]
    judged = [line for line in lines if line.comparison.verdict is not Verdict.TOO_FEW]
    if not judged:
        return [*sentences, f"A/A: fewer than {FEWEST_TRIALS} blocks have twins, which is too few to compare them."]
    flagged = [line for line in judged if line.flagged]
    return [
        *sentences,
        f"A/A: {counted(len(judged), 'comparison')} of a cell with itself, {counted(len(flagged), 'difference')} shown;"
        f" by chance, {percent(1 - TWINS_CONFIDENCE)} of such comparisons show one.",
    ]


def flagged(cells: Cells) -> list[str]:
    """A sentence per pair of twins with a shown difference, for the top of the page."""
    return [
        f"A/A flagged: {line.sentence}, although both are the same variant. Until this is explained, only a far larger"
        " difference of this metric is credible."
        for line in twins(cells)
        if line.flagged
    ]


def about_steal(cells: Cells, fault: Fault) -> list[str]:
    """The variants whose trials with and without a fault lost different CPU shares to the hypervisor."""
    parts = [
        f"{variant.label} {quantity(shares[0], 'share')} of the cores with it, {quantity(shares[1], 'share')} without"
        for variant in cells.shown
        if (shares := uneven_steal(cells, fault, variant.name))
    ]
    if not parts:
        return []
    return [f"The hypervisor took different shares of CPU, which can cause or hide a difference: {'; '.join(parts)}."]


MIDDLE, LATE = "median", "p99"  # names of the two quantiles of a latency


def harness_parts(cells: Cells, scenario: str) -> list[tuple[str, str]]:
    """The measurements of the harness without a technique: (words, number) for each metric it has."""
    if not cells.harness(scenario):
        return []
    metrics = (
        (MIDDLE, "latency_p50"), (LATE, "latency_p99"), (MIDDLE, "round_trip_p50"), (LATE, "round_trip_p99"),
        ("server CPU per message", "server_cpu"),
    )  # fmt: skip
    estimates = [(words, name, cells.estimate(name, scenario, HARNESS)) for words, name in metrics]
    return [
        (words, measured(estimate, METRICS[name].unit)) for words, name, estimate in estimates if estimate is not None
    ]


def about_harness(cells: Cells) -> list[str]:
    """The measurements of the harness by scenario, or a sentence that the run has none."""
    sentences = []
    for scenario in cells.scenarios:
        parts = harness_parts(cells, scenario)
        if parts:
            numbers = ", ".join(f"{words} {number}" for words, number in parts)
            sentences.append(
                f"Harness floor in {scenario} ({cells.facts[HARNESS].label}: plain lines over TCP through the same"
                f" server host): {numbers}. A latency or CPU time near the floor is mostly that of the instrument and"
                " the machine, and noise can put it below the floor. Differences that are small compared with the floor"
                " say little about a technique."
            )
    return sentences or [
        "This run did not measure the harness without a technique: the instrument's part of a latency is unknown."
    ]


def too_few(cells: Cells, scenario: str) -> str:
    """Why no variant can be ranked in a scenario: none has enough blocks. Empty if one has."""
    blocks = [
        len({trial.planned.block for trial in cells.valid(scenario, variant.name)})
        for variant in cells.measured(scenario)
    ]
    if not blocks or max(blocks) >= FEWEST_TRIALS:
        return ""
    return f"Too few trials for a ranking: {counted(max(blocks), 'block')}, {FEWEST_TRIALS} are needed."
