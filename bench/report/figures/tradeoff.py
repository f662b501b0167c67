"""Cost against freshness: a point per variant, the curve of polling, and the techniques worse on both axes."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.poll_intervals import PollingLaw
from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import HARNESS
from bench.report.figures import _polling
from bench.report.figures._canvas import canvas
from bench.report.figures._figure import Figure
from bench.report.figures._labels import Mark, beside
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, bounds, ends, who
from bench.report.figures._ticks import log_ticks
from bench.report.figures._tradeoff_points import COST, FRESHNESS, Place, called, comparable, every, places
from bench.report.palette import GRID, MUTED, NEUTRAL, PAPER, Look
from bench.units import factor, quantity, tick

SMALL_PT = 7.2
LONGEST_S = 60.0
# Intervals that are marked on the curve of polling, unless a measured one is near.
ROUND_S = (0.01, 0.1, 1.0, 10.0)


def sentence(scene: Scene) -> str:
    """How to read the axes, the techniques worse on both, and the interval at which polling is as cheap as the best."""
    sentence = (
        "Further left is fresher, further down is cheaper; both axes are logarithmic. Lines through a point are its"
        " intervals."
    )
    points = places(scene)
    beaten = [f"{called(place)} (by {place.beaten_by})" for place in points if place.beaten_by]
    if beaten:
        sentence += f" Hollow: shown to be both staler and more expensive than a technique: {', '.join(beaten)}."
    cheapest = min(
        (place for place in points if not (place.interval_s or place.variant.product)),
        key=lambda place: place.cost.median,
        default=None,
    )
    for variant, law in _polling.laws(scene):
        sentence += f" The curve is {named(variant)} at all intervals, {_basis(law)}."
        interval_ns = law.interval_ns(cheapest.cost.median) if cheapest else None
        if cheapest and interval_ns:
            staler = law.latency_ns(interval_ns) / cheapest.freshness.median
            sentence += (
                f" On this curve, polling is as cheap as {named(cheapest.variant)} at an interval of"
                f" {quantity(interval_ns, 'ns')}, where it is {factor(staler)} as stale."
            )
        elif cheapest:
            sentence += (
                f" On this curve, polling is never as cheap as {named(cheapest.variant)}: apart from its polls, a"
                f" message costs {quantity(law.message_ns, 'ns')}."
            )
    return sentence


def _basis(law: PollingLaw) -> str:
    if law.points > 1:
        return f"by the law fitted to {law.points} measured intervals ({quantity(law.poll_ns, 'ns')} per poll)"
    return f"by the law from the only measured interval ({quantity(law.poll_ns, 'ns')} per poll)"


def draw(scene: Scene) -> Canvas:
    """Points with intervals on two logarithmic axes, polling as a curve, names beside them."""
    points, curves = places(scene), _curves(scene)
    figure = canvas(4.3)
    axes = figure.add_subplot()
    _axes(axes, scene, points, curves)
    _shade(axes, scene, points)
    marks, avoid = _harness(axes, scene), [point for place in points for point in _covered(place)]
    for look, law, line in curves:
        axes.plot(*line, color=look.colour, linewidth=1.4, zorder=2)
        marks += _along(axes, look, law, points)
        avoid += list(zip(*line[:, ::3].tolist(), strict=True))
    for place in points:
        _point(axes, place)
    beside(axes, [*_names(points), *marks], avoid)
    return figure


Curve = tuple[Look, PollingLaw, np.ndarray]


def _curves(scene: Scene) -> list[Curve]:
    """Polling at every interval: (2, points) of freshness and cost, from a full core to a third of the
    cheapest cost."""
    least = min(place.cost.median for place in places(scene))
    curves = []
    for variant, law in _polling.laws(scene):
        measured = [interval_s * 1e9 for interval_s, _, _ in _polling.points(scene, variant)]
        start = min(law.saturation_ns or min(measured), *measured, key=lambda value: value)
        cheap = law.interval_ns(least / 1.5) or 0.0
        end = min(max(cheap, 2 * max(measured)), max(LONGEST_S * 1e9, max(measured)))
        intervals = np.geomspace(start, max(end, start * 1.01), 161)
        line = np.array([[law.latency_ns(one), law.cpu_ns(one)] for one in intervals]).T
        curves.append((scene.looks[variant.name], law, line))
    return curves


def _axes(axes: Axes, scene: Scene, points: list[Place], curves: list[Curve]) -> None:
    floor = _floor(scene)
    for axis, scale, limits, values in (
        (axes.xaxis, axes.set_xscale, axes.set_xlim, [value for place in points for value in _reach(place.freshness)]),
        (axes.yaxis, axes.set_yscale, axes.set_ylim, [value for place in points for value in _reach(place.cost)]),
    ):
        values += [float(value) for _, _, line in curves for value in line[0 if axis is axes.xaxis else 1]]
        values += [floor] if floor and axis is axes.xaxis else []
        low, high = min(values), max(values)
        room = max((high / low) ** 0.09, 1.5)
        scale("log")
        limits(low / room, high * room)
        log_ticks(axis, "ns", low / room, high * room)
    axes.grid(axis="both")
    axes.set_ylabel("server CPU per delivered message")


def _reach(estimate: Estimate) -> list[float]:
    return [value for value in (estimate.median, estimate.low, estimate.high) if value is not None and value > 0]


def _floor(scene: Scene) -> float:
    """The latency of the harness; 0 if the run does not have it."""
    trials = scene.cells.harness(scene.scenario)
    freshness = scene.cells.estimate(FRESHNESS, scene.scenario, HARNESS) if trials else None
    return freshness.median if freshness else 0.0


def _harness(axes: Axes, scene: Scene) -> list[Mark]:
    floor = _floor(scene)
    if not floor:
        return []
    axes.axvline(floor, color=MUTED, linewidth=0.9, linestyle=(0, (1, 1.6)), zorder=1)
    low, high = axes.get_ylim()
    at = low * (high / low) ** 0.93
    return [Mark(floor, at, f"harness floor {quantity(floor, 'ns')}", MUTED, MUTED, SMALL_PT)]


def _shade(axes: Axes, scene: Scene, points: list[Place]) -> None:
    """Grey area: staler and more expensive than a technique, each by more than its noise floor."""
    ranked = [place for place in points if not (place.variant.product or place.interval_s or place.beaten_by)]
    if not ranked or scene.doubt:
        axes.set_xlabel("median delivery latency")
        return
    axes.set_xlabel(
        "median delivery latency\n"
        "grey: staler and more expensive than a technique beyond the noise floors; hollow: shown",
        fontsize=SMALL_PT,
    )
    stale, dear = (scene.cells.floor(metric, scene.scenario).ratio for metric in (FRESHNESS, COST))
    corners = sorted((place.freshness.median * stale, place.cost.median * dear) for place in ranked)
    steps = [*(corner[0] for corner in corners), axes.get_xlim()[1]]
    heights = np.minimum.accumulate([corner[1] for corner in corners]).tolist()
    limits = axes.get_xlim(), axes.get_ylim()
    top = [limits[1][1]] * len(steps)
    axes.fill_between(steps, [*heights, heights[-1]], top, step="post", color=GRID, alpha=0.55, linewidth=0, zorder=0.5)
    axes.set_xlim(*limits[0])
    axes.set_ylim(*limits[1])


def _point(axes: Axes, place: Place) -> None:
    x, y, colour = place.freshness, place.cost, place.look.colour
    if x.low is not None and x.high is not None:
        axes.plot([x.low, x.high], [y.median] * 2, color=colour, linewidth=1.0, zorder=3)
    if y.low is not None and y.high is not None:
        axes.plot([x.median] * 2, [y.low, y.high], color=colour, linewidth=1.0, zorder=3)
    axes.plot(
        [x.median],
        [y.median],
        marker="D" if place.variant.product else "o",
        markersize=5.4 if place.variant.product else 6.4,
        markerfacecolor=PAPER if place.beaten_by else colour,
        markeredgecolor=colour,
        markeredgewidth=1.4,
        zorder=4,
    )


def _covered(place: Place) -> list[tuple[float, float]]:
    """Points along the lines of its two intervals, which no text should cover."""
    x, y = place.freshness, place.cost
    return [(value, y.median) for value in _along_reach(x)] + [(x.median, value) for value in _along_reach(y)]


def _along_reach(estimate: Estimate) -> list[float]:
    return [float(value) for value in np.geomspace(min(_reach(estimate)), max(_reach(estimate)), 9)]


def _names(points: list[Place]) -> list[Mark]:
    """The names of the variants; of one that polls the name stands at its shortest interval, the intervals at each."""
    marks = []
    for place in sorted(points, key=lambda place: (place.freshness.median, place.cost.median)):
        text = named(place.variant)
        if place.interval_s:
            own = [other.interval_s for other in points if other.variant.name == place.variant.name]
            text = f"{text}\n{every(place).strip()}" if place.interval_s == min(own) else every(place).strip()
        marks.append(Mark(place.freshness.median, place.cost.median, text, place.look.colour))
    return marks


def _along(axes: Axes, look: Look, law: PollingLaw, points: list[Place]) -> list[Mark]:
    """Marks on the curve: where one core is full, and round intervals away from those measured."""
    low, high = axes.get_xlim()
    full = law.saturation_ns
    measured = [place.interval_s for place in points if place.interval_s]
    named_intervals = [(full, "one core is fully used")] if full and full < min(measured) * 1e9 else []
    named_intervals += [
        (seconds * 1e9, f"every {tick(seconds * 1e9, 'ns')}")
        for seconds in ROUND_S
        if all(abs(math.log(seconds / other)) > 0.4 for other in measured) and seconds * 1e9 > 1.3 * (full or 0.0)
    ]
    marks = []
    for interval, text in named_intervals:
        x, y = law.latency_ns(interval), law.cpu_ns(interval)
        if low <= x <= high and axes.get_ylim()[0] <= y <= axes.get_ylim()[1]:
            axes.plot(
                [x], [y], marker="o", markersize=3.4, markerfacecolor=PAPER, markeredgecolor=look.colour, zorder=3
            )
            marks.append(Mark(x, y, text, NEUTRAL, MUTED, SMALL_PT))
    return marks


def alt(scene: Scene) -> str:
    """Every point in words."""
    parts = [
        f"{called(place)}: {quantity(place.freshness.median, 'ns')} and {quantity(place.cost.median, 'ns')}"
        for place in places(scene)
    ]
    return f"Points by median delivery latency and server CPU per delivered message. {'; '.join(parts)}."


def sheet(scene: Scene) -> Sheet:
    """The points, then the curve of polling."""
    lines: list[list[Field]] = [
        [*who(place.variant), "measured", place.interval_s or None, *ends(place.freshness), *ends(place.cost),
         place.beaten_by or None]
        for place in places(scene)
    ]  # fmt: skip
    for (variant, law), (_, _, line) in zip(_polling.laws(scene), _curves(scene), strict=True):
        lines += [
            [*who(variant), "law", 2 * (x - law.service_ns) / 1e9, x, None, None, y, None, None, None]
            for x, y in line.T
        ]
    columns = [*WHO, "what", "poll_interval_s", *bounds(FRESHNESS), *bounds(COST), "beaten_by"]
    return Sheet(columns, lines)


FIGURES = (Figure("tradeoff", "Cost against freshness", 10, sentence, draw, alt, sheet, comparable),)
