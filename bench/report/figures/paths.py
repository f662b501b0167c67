"""Poor paths: the latency of every variant on each of them, beside the direct path."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import fault_result
from bench.analysis.runs.faults import Fault, declared
from bench.analysis.trials.delivery_class import delivery_class
from bench.analysis.trials.metrics import METRICS
from bench.report.figures import _delivery_classes
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._fault_panels import SMALL_PT, in_order
from bench.report.figures._figure import FAULTS, Figure
from bench.report.figures._scenarios import declaring
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import Field, Sheet, bounds, ends
from bench.report.figures._text_width import FONT_PT, fitted, text_width_in
from bench.report.figures._ticks import log_end, narrow_ticks
from bench.report.palette import MUTED, PAPER
from bench.results import VariantFacts
from bench.units import quantity

MIDDLE, TAIL = METRICS["latency_p50"], METRICS["latency_p99"]
ROW_IN, PANEL_IN = 0.21, 0.5
"""The height of a row, and of what a panel needs beside its rows."""
COLUMNS = 2


def over_paths(cells: Cells) -> list[str]:
    """The scenarios whose faults are paths, if a latency was measured on one."""
    scenarios = declaring(cells, lambda scenario: scenario.proxied)
    return [one for one in scenarios if any(_measured(cells, path) for path in paths(cells, one))]


def paths(cells: Cells, scenario: str) -> list[Fault]:
    """The direct path, if it was measured, and the poor ones."""
    direct = Fault(scenario, declared(scenario).control)
    return [*([direct] if _measured(cells, direct) else []), *_delivery_classes.points(cells, scenario)]


def _measured(cells: Cells, path: Fault) -> bool:
    """Whether any variant has a latency on a path."""
    return any(_delivery_classes.measured(cells, MIDDLE.of, path, variant) for variant in cells.shown)


def sentence(_: Scene) -> str:
    """What a row shows, and that no path is a real one."""
    return (
        "Every path is emulated in user space, by a proxy between subscribers and server on the same machine: it"
        " delays, fragments, throttles, stalls or resets TCP streams, and drops no packet. Dot: p50 of the delivery"
        " latency, ring: p99, each the median over trials; the share of lost deliveries is beside the row."
    )


Places = list[tuple[float, VariantFacts]]


def _places(scene: Scene) -> tuple[Places, list[tuple[float, str]], float]:
    """Where every variant stands, the headings of their delivery classes, and how deep that goes."""
    places: Places = []
    headings: list[tuple[float, str]] = []
    y, last = 0.0, None
    for variant in in_order(scene):
        delivery = delivery_class(variant)
        if delivery is not last:
            headings.append((y, delivery.words))
            y, last = y + 1, delivery
        places.append((y, variant))
        y += 1
    return places, headings, y


def draw(scene: Scene) -> Canvas:
    """A panel per path, a row per variant in each, one logarithmic axis for all."""
    faults, (places, headings, depth) = paths(scene.cells, scene.scenario), _places(scene)
    columns = min(COLUMNS, len(faults))
    lines = math.ceil(len(faults) / columns)
    figure = canvas(lines * (depth * ROW_IN + PANEL_IN) + 0.2)
    grid = figure.subplots(lines, columns, squeeze=False, sharex=True, sharey=True)
    names_in = max(text_width_in(named(variant)) for _, variant in places)
    width_in = (WIDTH_IN - names_in - 0.3) / columns - 0.2
    limits = _limits(scene, faults, width_in)
    for axes, path in zip(grid.ravel(), faults, strict=False):
        _panel(axes, scene, path, places, headings)
    for axes in grid.ravel()[len(faults) :]:
        axes.set_visible(False)
    first = grid[0, 0]
    first.set_ylim(depth - 0.4, -0.6)
    first.set_yticks([y for y, _ in places], [named(variant) for _, variant in places])
    first.set_xscale("log")
    first.set_xlim(*limits)
    narrow_ticks(first.xaxis, "ns", *limits, width_in)
    for axes in grid.ravel()[max(0, len(faults) - columns) : len(faults)]:
        axes.tick_params(labelbottom=True)
        axes.set_xlabel("delivery latency", fontsize=SMALL_PT)
    return figure


def _limits(scene: Scene, faults: list[Fault], width_in: float) -> tuple[float, float]:
    """From the least to the most, with room for what is lost beside every row."""
    medians = [
        estimate.median
        for path in faults
        for variant in _delivery_classes.variants(scene)
        for metric in (MIDDLE, TAIL)
        if (estimate := _delivery_classes.measured(scene.cells, metric.of, path, variant))
    ]
    low, high = max(1.0, min(medians)) / 1.6, max([*medians, 3 * min(medians)]) * 1.3
    texts = [
        (max(middle.median, tail.median), text_width_in(text, SMALL_PT) + 0.15)
        for path in faults
        for variant in _delivery_classes.variants(scene)
        if (text := _lost(scene, path, variant))
        and (middle := _delivery_classes.measured(scene.cells, MIDDLE.of, path, variant))
        and (tail := _delivery_classes.measured(scene.cells, TAIL.of, path, variant))
    ]
    return low, log_end(low, [(high, 0.0), *texts], width_in)


def _lost(scene: Scene, path: Fault, variant: VariantFacts) -> str:
    """What is written beside a row: what was lost, where anything was."""
    cell = fault_result(scene.cells, path, variant)
    return f"{quantity(cell.lost / cell.expected, 'share')} lost" if cell.lost else ""


def _panel(axes: Axes, scene: Scene, path: Fault, places: Places, headings: list[tuple[float, str]]) -> None:
    axes.set_title(fitted(path.value, 1.6), fontsize=FONT_PT, loc="left", pad=4)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    for y, words in headings:
        _words(axes, y, words)
    for y, variant in places:
        middle, tail = (_delivery_classes.measured(scene.cells, metric.of, path, variant) for metric in (MIDDLE, TAIL))
        if middle is None or tail is None:
            cell = fault_result(scene.cells, path, variant)
            _words(axes, y, "invalid" if cell.trials else "not measured")
            continue
        colour, ends_ns = scene.looks[variant.name].colour, [max(1.0, middle.median), max(1.0, tail.median)]
        axes.plot(ends_ns, [y, y], color=colour, linewidth=1.2, zorder=2)
        axes.plot(ends_ns[1:], [y], "o", markersize=4.6, markerfacecolor=PAPER, markeredgecolor=colour, zorder=3)
        axes.plot(ends_ns[:1], [y], "o", markersize=5.4, color=colour, zorder=4)
        lost = _lost(scene, path, variant)
        if lost:
            place: tuple[float, float] = (max(ends_ns), y)
            axes.annotate(lost, xy=place, xytext=(6, 0), textcoords="offset points", va="center", fontsize=SMALL_PT)


def _words(axes: Axes, y: float, words: str) -> None:
    """Small words at the left edge of a panel."""
    axes.annotate(
        words, xy=(0, y), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points", va="center",
        color=MUTED, fontsize=SMALL_PT,
    )  # fmt: skip


def alt(scene: Scene) -> str:
    """Every row of every panel in words."""
    panels = []
    for path in paths(scene.cells, scene.scenario):
        rows = []
        for variant in _delivery_classes.variants(scene):
            pair = [_delivery_classes.measured(scene.cells, metric.of, path, variant) for metric in (MIDDLE, TAIL)]
            if all(pair):
                middle, tail = (quantity(estimate.median if estimate else None, "ns") for estimate in pair)
                lost = _lost(scene, path, variant)
                rows.append(f"{named(variant)} {middle} and {tail}" + (f", {lost}" if lost else ""))
        panels.append(f"{path.value}: {'; '.join(rows)}")
    return f"A panel per path, p50 and p99 of the delivery latency of every variant. {'. '.join(panels)}."


def sheet(scene: Scene) -> Sheet:
    """A row per path and variant."""
    lines: list[list[Field]] = []
    for path in paths(scene.cells, scene.scenario):
        for variant in _delivery_classes.variants(scene):
            cell = fault_result(scene.cells, path, variant)
            fields: list[Field] = [
                *_delivery_classes.of(variant, path),
                cell.trials,
                cell.expected,
                cell.lost,
                cell.signalled,
            ]
            for metric in (MIDDLE, TAIL):
                fields += ends(_delivery_classes.measured(scene.cells, metric.of, path, variant))
            lines.append(fields)
    columns = ["trials", "expected", "lost", "signalled", *bounds(MIDDLE.name), *bounds(TAIL.name)]
    return Sheet([*_delivery_classes.OF_FAULT, *columns], lines)


FIGURES = (Figure("paths", "Latency over poor paths", 290, sentence, draw, alt, sheet, over_paths, section=FAULTS),)
