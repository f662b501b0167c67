"""Polling against its interval: the measurements at every interval of the run, and the law."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.poll_intervals import PollingLaw
from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._figure import Figure
from bench.report.figures._labels import BESIDE_IN, end_labels
from bench.report.figures._latency_curves import harness
from bench.report.figures._polling import INTERVAL, TECHNIQUE, Points, along, laws
from bench.report.figures._scenarios import one_way
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, ends, who
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import exact_ticks, log_ticks
from bench.report.palette import INK, NEUTRAL, PAPER, Look
from bench.results import VariantFacts
from bench.units import quantity, tick


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile of the figure: its metric, its share of deliveries, its name, and the formula of its law."""

    metric: str
    share: float
    words: str
    formula: str


SHARES = (Quantile("latency_p50", 0.5, "median", "D/2 + S"), Quantile("latency_p99", 0.99, "p99", "0.99 D + S"))


@dataclass(frozen=True, slots=True)
class Line:
    """One variant and one of `SHARES`: the measurements at every interval (in s), and the law."""

    variant: VariantFacts
    quantile: Quantile
    law: PollingLaw
    points: Points

    def law_ns(self, interval_ns: float) -> float:
        """The latency that the law predicts at an interval."""
        return self.law.latency_ns(interval_ns, self.quantile.share)


def lines(scene: Scene) -> list[Line]:
    """Every line of the figure."""
    return [
        Line(variant, quantile, law, along(scene, quantile.metric, variant))
        for variant, law in laws(scene)
        for quantile in SHARES
    ]


def over_intervals(cells: Cells) -> list[str]:
    """Scenarios in which polling was measured at several intervals, over the direct path."""
    return [
        name
        for name in one_way(cells)
        if not cells.off_loopback(name)
        and any(
            variant.technique == TECHNIQUE and len(cells.along("latency_p50", name, variant.name, INTERVAL)) > 1
            for variant in cells.measured(name)
        )
    ]


def sentence(scene: Scene) -> str:
    """The law, and the largest deviation of a point from it."""
    deviations = [
        (abs(estimate.median / line.law_ns(at * 1e9) - 1.0), at, line.quantile.words)
        for line in lines(scene)
        for at, estimate in line.points
    ]
    far, at, words = max(deviations)
    services = ", ".join(quantity(law.service_ns, "ns") for _, law in laws(scene))
    return (
        "Latency is proportional to the interval D. Dots are measured; dashed lines are the law of a fixed schedule:"
        f" D/2 + S for the median and 0.99 D + S for the p99, where S is the service time ({services}). The largest"
        f" deviation from the law is {far * 100:.1f} % ({words} at {tick(at * 1e9, 'ns')})."
    )


def draw(scene: Scene) -> Canvas:
    """Median and p99 against the interval, both axes logarithmic, the laws dashed, names at the right end."""
    drawn, floor = lines(scene), harness(scene)
    height_in = max(3.0, 0.175 * len(drawn) + 1.2)
    figure = canvas(height_in)
    axes = figure.add_subplot()
    every = sorted({at * 1e9 for line in drawn for at, _ in line.points})
    values = [value for line in drawn for _, estimate in line.points for value in _values_of(estimate)]
    values += [line.law_ns(at) for line in drawn for at in (every[0], every[-1])]
    values += [curve.median_ns for curve in floor]
    low, high = max(1.0, min(values)) / 1.5, max(values) * 1.5
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(every[0] / 1.15, every[-1] * 1.15)
    axes.set_ylim(low, high)
    log_ticks(axes.yaxis, "ns", low, high, height_in - 0.7)
    room_in = WIDTH_IN - BESIDE_IN - max(text_width_in(_name(line)) for line in drawn)
    exact_ticks(axes, every, [tick(at, "ns") for at in every], room_in)
    axes.grid(axis="both")
    for line in drawn:
        _draw(axes, line, scene.looks[line.variant.name], every)
    for curve in floor:
        axes.axhline(curve.median_ns, color=NEUTRAL, linewidth=1.0, zorder=1)
    ends_at = [(line.law_ns(every[-1]), _name(line), scene.looks[line.variant.name]) for line in drawn]
    ends_at += [(curve.median_ns, curve.name, curve.look) for curve in floor]
    end_labels(
        axes, [(math.log(at / low) / math.log(high / low), words, look) for at, words, look in ends_at], height_in
    )
    axes.set_xlabel("poll interval D")
    axes.set_ylabel("delivery latency")
    return figure


def _values_of(estimate: Estimate) -> list[float]:
    return [value for value in (estimate.median, estimate.low, estimate.high) if value is not None]


def _name(line: Line) -> str:
    return f"{named(line.variant)}, {line.quantile.words}: {line.quantile.formula}"


def _draw(axes: Axes, line: Line, look: Look, every: Sequence[float]) -> None:
    """The points of one line with their intervals, filled for the median, and its law."""
    span = np.geomspace(every[0], every[-1], 40)
    axes.plot(span, [line.law_ns(at) for at in span], color=INK, linestyle=(0, (5, 2.5)), linewidth=1.0, zorder=2)
    for at, estimate in line.points:
        if estimate.low is not None and estimate.high is not None:
            axes.plot([at * 1e9] * 2, [estimate.low, estimate.high], color=look.colour, linewidth=1.2, zorder=3)
    face = look.colour if line.quantile.share <= 0.5 else PAPER
    at_ns, medians = [at * 1e9 for at, _ in line.points], [estimate.median for _, estimate in line.points]
    axes.plot(at_ns, medians, "o", markersize=6, markerfacecolor=face, markeredgecolor=look.colour, zorder=4)


def alt(scene: Scene) -> str:
    """Every point in words."""
    parts = [
        f"{_name(line)}: "
        + ", ".join(f"{quantity(estimate.median, 'ns')} at {tick(at * 1e9, 'ns')}" for at, estimate in line.points)
        for line in lines(scene)
    ]
    return f"Latency of polling against its interval, beside its law. {'; '.join(parts)}."


def sheet(scene: Scene) -> Sheet:
    """A row per variant, metric and interval: measured, and by the law."""
    rows: list[list[Field]] = [
        [*who(line.variant), line.quantile.metric, at, len(estimate.values), *ends(estimate), line.law_ns(at * 1e9)]
        for line in lines(scene)
        for at, estimate in line.points
    ]
    columns = [*WHO, "metric", INTERVAL, "trials", "latency_ns", "latency_low_ns", "latency_high_ns", "law_ns"]
    return Sheet(columns, rows)


FIGURES = (
    Figure(
        "law-intervals", "Polling at every interval", 130, sentence, draw, alt, sheet, over_intervals, missing=False
    ),
)
