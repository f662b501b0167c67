"""Latency over the course of a trial."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import HARNESS, Cells
from bench.report import palette
from bench.report.figures._canvas import MOST_SINGLE, canvas, linestyle
from bench.report.figures._figure import Figure
from bench.report.figures._labels import end_labels
from bench.report.figures._latency_curves import harness_sentence
from bench.report.figures._scenarios import with_latency
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, who
from bench.report.figures._ticks import linear_ticks, log_ticks
from bench.report.palette import Look
from bench.results import Trial
from bench.units import quantity


@dataclass(frozen=True, slots=True)
class TrialSeries:
    """One trial: times since the start of the measured part, and the median latency around each, in ns."""

    trial: Trial
    moments_ns: np.ndarray
    median_ns: np.ndarray


@dataclass(frozen=True, slots=True)
class Line:
    """A variant's trials as separate series: a median over trials would be the series of no trial."""

    variant: str
    name: str
    look: Look
    trials: list[TrialSeries]

    @property
    def middle(self) -> TrialSeries:
        """The trial with the median end value; the label of the variant is at its end."""
        return sorted(self.trials, key=lambda series: float(series.median_ns[-1]))[len(self.trials) // 2]


def with_series(cells: Cells) -> list[str]:
    """Scenarios with a time series of at least two intervals with deliveries."""
    return [
        name
        for name in with_latency(cells)
        if any(trial_series(cells.valid(name, variant.name)) for variant in cells.measured(name))
    ]


def trial_series(trials: list[Trial]) -> list[TrialSeries]:
    """A series for every trial with a series of at least two intervals with deliveries."""
    all_series = []
    for trial in trials:
        if trial.series is None:
            continue
        values = [(place, value) for place, value in enumerate(trial.series.latency_p50_ns) if value is not None]
        if len(values) > 1:
            places, medians = np.array(values, dtype=np.float64).T
            all_series.append(TrialSeries(trial, (places + 0.5) * trial.series.interval_ns, np.maximum(medians, 1.0)))
    return all_series


def sentence(scene: Scene) -> str:
    """How to read the lines."""
    lines = _lines(scene)
    series = lines[-1].trials[0].trial.series
    interval_ns = series.interval_ns if series else 0
    many = max(len(line.trials) for line in lines) > MOST_SINGLE
    shown = (
        "a band is the range of all trials, the line the one with the median end value"
        if many
        else "one line per trial"
    )
    return (
        f"Flat lines show a server that keeps up, rising lines a growing queue. Each point is the median latency over"
        f" {quantity(interval_ns, 'ns')}; {shown}.{harness_sentence(scene)}"
    )


def draw(scene: Scene) -> Canvas:
    """Median latency of every interval, one line per trial; with the name of the variant at the right end."""
    lines = _lines(scene)
    height_in = max(2.9, 0.175 * len(lines) + 1.0)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    axes.set_yscale("log")
    low = min(float(series.median_ns.min()) for line in lines for series in line.trials) / 1.6
    high = max(float(series.median_ns.max()) for line in lines for series in line.trials) * 1.6
    axes.set_ylim(low, high)
    log_ticks(axes.yaxis, "ns", low, high, height_in - 0.7)
    axes.grid(axis="y")
    for line in lines:
        _draw(axes, line)
    axes.set_xlim(0, max(float(series.moments_ns[-1]) for line in lines for series in line.trials))
    linear_ticks(axes.xaxis, "ns", 4)
    ends = [float(line.middle.median_ns[-1]) for line in lines]
    heights = [math.log(end / low) / math.log(high / low) for end in ends]
    end_labels(axes, [(height, line.name, line.look) for height, line in zip(heights, lines, strict=True)], height_in)
    axes.set_xlabel("time since the start of the measured part")
    axes.set_ylabel("median latency")
    return figure


def _lines(scene: Scene) -> list[Line]:
    """The harness, if the run has it, and the variants."""
    lines = [Line(HARNESS, "harness floor", palette.HARNESS, trial_series(scene.cells.harness(scene.scenario)))]
    for variant in scene.variants:
        trials = scene.cells.valid(scene.scenario, variant.name)
        lines.append(Line(variant.name, named(variant), scene.looks[variant.name], trial_series(trials)))
    return [line for line in lines if line.trials]


def _draw(axes: Axes, line: Line) -> None:
    """Every trial as a line; many trials as a band, where all have the same moments, and the middle one as a line."""
    shown = line.trials
    if len(shown) > MOST_SINGLE:
        _band(axes, line)
        shown = [line.middle]
    for series in shown:
        axes.plot(
            series.moments_ns,
            series.median_ns,
            color=line.look.colour,
            linestyle=linestyle(line.look),
            linewidth=0.9,
            alpha=0.8,
        )


def _band(axes: Axes, line: Line) -> None:
    """The range of all trials at every time that at least one of them has."""
    at_moment: dict[float, list[float]] = {}
    for series in line.trials:
        for at, value in zip(series.moments_ns.tolist(), series.median_ns.tolist(), strict=True):
            at_moment.setdefault(at, []).append(value)
    moments = sorted(at_moment)
    lowest, highest = [min(at_moment[at]) for at in moments], [max(at_moment[at]) for at in moments]
    axes.fill_between(moments, lowest, highest, color=line.look.colour, alpha=0.16, linewidth=0)


def alt(scene: Scene) -> str:
    """The first and the last value of the trial with the median end value, for every variant."""
    parts = [
        f"{line.name} {quantity(float(line.middle.median_ns[0]), 'ns')} to"
        f" {quantity(float(line.middle.median_ns[-1]), 'ns')}"
        for line in _lines(scene)
    ]
    return (
        f"Median latency against time, logarithmic axis; first and last value of the median trial: {'; '.join(parts)}."
    )


def sheet(scene: Scene) -> Sheet:
    """A row per trial and interval."""
    facts = scene.cells.facts
    rows: list[list[Field]] = [
        [
            *who(facts[line.variant]),
            series.trial.planned.id,
            series.trial.planned.block,
            at,
            value,
        ]
        for line in _lines(scene)
        for series in line.trials
        for at, value in zip(series.moments_ns.tolist(), series.median_ns.tolist(), strict=True)
    ]
    return Sheet([*WHO, "trial", "block", "at_ns", "latency_p50_ns"], rows)


FIGURES = (Figure("time", "Latency over time", 40, sentence, draw, alt, sheet, with_series),)
