"""Freshness: the distribution of delivery latency or round trip, one curve per variant."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.analysis.cells import HARNESS, Cells
from bench.analysis.distributions import cdf, merge
from bench.analysis.metrics import METRICS
from bench.report import noise, palette
from bench.report.figures._canvas import (
    WIDTH_IN,
    Subject,
    canvas,
    linestyle,
    log_ticks,
    named,
    share_ticks,
    text_width_in,
)
from bench.report.palette import PAPER, Look
from bench.report.text import short
from bench.results import Distribution, VariantFacts
from bench.units import quantity

SHARES = np.unique(np.concatenate([np.linspace(0.0, 1.0, 161), [0.001, 0.002, 0.99, 0.995, 0.999]]))
HALF_TEXT = 0.055
"""Half the height of a curve's name, as a share of the plot's."""


def one_way(cells: Cells) -> list[str]:
    """Scenarios whose latency runs from the publisher to a subscriber."""
    return [name for name in with_latency(cells) if METRICS["latency_p50"].applies(name)]


def both_ways(cells: Cells) -> list[str]:
    """Scenarios whose latency is a round trip."""
    return [name for name in with_latency(cells) if METRICS["round_trip_p50"].applies(name)]


def with_latency(cells: Cells) -> list[str]:
    """Scenarios in which anything was delivered in a valid trial."""
    return [
        name for name in cells.scenarios if any(latencies(cells, name, variant) for variant in cells.measured(name))
    ]


def latencies(cells: Cells, scenario: str, variant: VariantFacts) -> list[Distribution]:
    """The latencies of every valid trial of a cell that delivered anything."""
    trials = cells.valid(scenario, variant.name)
    return [trial.latency for trial in trials if trial.latency is not None and trial.latency.count]


@functools.lru_cache(maxsize=64)
def pooled(distributions: tuple[Distribution, ...]) -> Distribution:
    """All trials of a cell together; remembered, since a figure and its sentence both ask."""
    return merge(distributions)


@dataclass(frozen=True, slots=True)
class Curve:
    """A variant's latencies: all trials together and each alone, in ns at `SHARES`. `name` is what it is called."""

    name: str
    look: Look
    median_ns: float
    at_ns: np.ndarray
    each_ns: list[np.ndarray]


def curves_sentence(subject: Subject) -> str:
    """How to read the curves, and where they cross one half."""
    found = _curves(subject)
    fastest, slowest = found[0], found[-1]
    sentence = (
        "Further left is fresher, steeper is steadier: a curve shows which share of deliveries had arrived after how"
        " long; thin lines are single trials."
    )
    if len(found) > 1 and not subject.doubt:
        sentence += (
            f" One half had arrived after {quantity(fastest.median_ns, 'ns')} with {fastest.name} and after"
            f" {quantity(slowest.median_ns, 'ns')} with {slowest.name}."
        )
    floors = [noise.floor_words(subject.cells, name, subject.scenario) for name in _metrics(subject)]
    return f"{sentence} Noise floor: {floors[0]} at the median, {floors[1]} at 99\u00a0%.{harness_sentence(subject)}"


def harness_sentence(subject: Subject) -> str:
    """What the grey curve or line is; empty where the run does not have it."""
    parts = dict(noise.harness_parts(subject.cells, subject.scenario))
    if "p50" not in parts:
        return ""
    return f" Grey: the harness itself, without any technique (p50 {parts['p50']}, p99 {parts['p99']})."


def curves(subject: Subject) -> Figure:
    """Cumulative distributions on a logarithmic axis, one curve per variant, named where there is room."""
    floor = harness(subject)
    found = [*floor, *_curves(subject)]
    labels = _labels(found)
    figure = canvas(3.5)
    axes = figure.add_subplot()
    bounds = _bounds(found, labels)
    axes.set_xscale("log")
    axes.set_xlim(*bounds)
    axes.set_ylim(0, 1.01)
    log_ticks(axes.xaxis, "ns", *bounds)
    share_ticks(axes)
    axes.grid(axis="both")
    for curve in reversed(found):
        for alone in curve.each_ns:
            axes.plot(alone, SHARES, color=curve.look.colour, linewidth=0.6, alpha=0.4)
        width = 1.0 if curve in floor else 1.7
        axes.plot(curve.at_ns, SHARES, color=curve.look.colour, linestyle=linestyle(curve.look), linewidth=width)
    for label in labels:
        _write(axes, label, bounds)
    axes.set_xlabel("round trip" if subject.scenario in both_ways(subject.cells) else "delivery latency")
    axes.set_ylabel("share of deliveries")
    return figure


def _curves(subject: Subject) -> list[Curve]:
    """The curves in order of their medians."""
    found = []
    for variant in subject.variants:
        distributions = latencies(subject.cells, subject.scenario, variant)
        if distributions:
            found.append(_curve(subject, variant.name, distributions, named(variant), subject.looks[variant.name]))
    return sorted(found, key=lambda curve: curve.median_ns)


def harness(subject: Subject) -> list[Curve]:
    """The curve of the harness itself, or none."""
    trials = subject.cells.harness(subject.scenario)
    distributions = [trial.latency for trial in trials if trial.latency is not None and trial.latency.count]
    return [_curve(subject, HARNESS, distributions, "harness floor", palette.HARNESS)] if distributions else []


def _curve(subject: Subject, variant: str, distributions: list[Distribution], name: str, look: Look) -> Curve:
    each = [at_shares(distribution) for distribution in distributions]
    together = at_shares(pooled(tuple(distributions)))
    estimate = subject.cells.estimate(_metrics(subject)[0], subject.scenario, variant)
    median = estimate.median if estimate else float(np.interp(0.5, SHARES, together))
    return Curve(name, look, median, together, each)


def _metrics(subject: Subject) -> tuple[str, str]:
    """The metrics of the median and of 99 % in a scenario."""
    if METRICS["round_trip_p50"].applies(subject.scenario):
        return "round_trip_p50", "round_trip_p99"
    return "latency_p50", "latency_p99"


def at_shares(distribution: Distribution) -> np.ndarray:
    """The latencies in ns at `SHARES`; at least 1, to stand on a logarithmic axis."""
    values, shares = cdf(distribution)
    at: np.ndarray = np.maximum(np.interp(SHARES, shares, values.astype(np.float64)), 1.0)
    return at


@dataclass(frozen=True, slots=True)
class Label:
    """A curve's name at the height `share`: beside all curves on its side, with a line to its own."""

    curve: Curve
    text: str
    left: bool
    share: float
    edge_ns: float

    @property
    def width(self) -> float:
        """About which part of the plot's width the text takes."""
        return (text_width_in(self.text) + 0.36) / (WIDTH_IN - 0.9)


def _labels(found: list[Curve]) -> list[Label]:
    """The faster half is named in the empty upper left, the slower half in the empty lower right of the plot."""
    faster = (len(found) + 1) // 2
    step = min(0.13, 0.8 / faster)
    labels = []
    for place, curve in enumerate(found):
        left = place < faster
        share = 0.92 - step * place if left else 0.08 + step * (len(found) - 1 - place)
        near = share + (-HALF_TEXT if left else HALF_TEXT)  # curves lean right: the nearest edge of the text decides
        edges = [float(np.interp(near, SHARES, other.at_ns)) for other in found]
        between = "  " if step < 0.11 else "\n"
        text = f"{short(curve.name, 24)}{between}{quantity(curve.median_ns, 'ns')}"
        labels.append(Label(curve, text, left, share, min(edges) if left else max(edges)))
    return labels


def _bounds(found: list[Curve], labels: list[Label]) -> tuple[float, float]:
    """The axis from the fastest to the slowest delivery, widened until every label has its room."""
    low = math.log10(max(1.0, min(float(curve.at_ns[1]) for curve in found))) - 0.1
    high = math.log10(max(float(curve.at_ns[-1]) for curve in found)) + 0.1
    for _ in range(40):  # each step widens the axis, and with it the room that a label takes
        span = high - low
        for label in labels:
            edge = math.log10(label.edge_ns)
            low = min(low, edge - label.width * span) if label.left else low
            high = high if label.left else max(high, edge + label.width * span)
    return 10**low, 10**high


def _write(axes: Axes, label: Label, bounds: tuple[float, float]) -> None:
    colour = label.curve.look.colour
    own = float(np.interp(label.share, SHARES, label.curve.at_ns))
    room = (bounds[1] / bounds[0]) ** 0.03
    x = label.edge_ns / room if label.left else label.edge_ns * room
    axes.plot([x, own], [label.share, label.share], color=colour, linewidth=0.8, solid_capstyle="butt")
    axes.plot([own], [label.share], marker="o", markersize=4.5, color=colour, markeredgecolor=PAPER)
    axes.text(
        x,
        label.share,
        label.text,
        ha="right" if label.left else "left",
        va="center",
        ma="right" if label.left else "left",
        linespacing=1.12,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 2.0},
    )
