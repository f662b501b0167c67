"""Horizontal bars, one row per variant: stacked parts, the interval over trials, every trial as a dot, the number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch, Rectangle

from bench.analysis.runs.cells import HARNESS
from bench.analysis.trials.metrics import METRICS
from bench.report import noise
from bench.report.figures._canvas import FOOT_IN, HEAD_IN, MOST_SINGLE, WIDTH_IN, pairs
from bench.report.figures._rows import Row, Rows
from bench.report.figures._scene import Scene, named
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import linear_ticks
from bench.report.palette import INK, MUTED, NEUTRAL, PAPER, Look
from bench.units import Unit, quantity

HEIGHT = 0.56
SMALL_PT = 7.2


def frame(axes: Axes, chart: Rows) -> None:
    """Names on the left, headings over the groups, a word where a row is empty, a grid for the numbers."""
    axes.set_ylim(chart.depth - 0.45, -0.65)
    axes.set_yticks([row.y for row in chart.every], [named(row.variant) for row in chart.every])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    head(axes, chart.headings)
    for gap in chart.gaps:
        _inside(axes, gap.y, gap.word)


def head(axes: Axes, headings: Sequence[tuple[float, str]]) -> None:
    """Headings inside a chart: (y, words)."""
    for y, title in headings:
        _inside(axes, y, title)


def _inside(axes: Axes, y: float, words: str, **looks: Any) -> None:
    """Small words at the left edge of a chart."""
    axes.annotate(
        words,
        xy=(0, y),
        xycoords=("axes fraction", "data"),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        color=MUTED,
        fontsize=SMALL_PT,
        **looks,
    )


def stack(axes: Axes, row: Row, parts: Sequence[tuple[float, str]]) -> None:
    """The parts of a row end to end. Each is (length, style); the styles are those of `key`."""
    left = 0.0
    for length, style in parts:
        if length > 0:
            axes.barh(row.y, length, HEIGHT, left=left, **_style(style, row.look))
            left += length


def _style(style: str, look: Look) -> dict[str, Any]:
    if style == "hollow":
        return {"facecolor": PAPER, "edgecolor": look.colour, "linewidth": 1.0}
    if style == "neutral":
        return {"facecolor": NEUTRAL, "edgecolor": PAPER, "linewidth": 0.6}
    return {"facecolor": look.colour, "edgecolor": PAPER, "linewidth": 0.6, "hatch": look.hatch}


def key(figure: Canvas, entries: Sequence[tuple[str, str]]) -> None:
    """A legend of the styles above the chart: (style, words)."""
    faces = {"solid": MUTED, "hollow": PAPER, "neutral": NEUTRAL}
    marks(figure, [(Patch(facecolor=faces[style], edgecolor=MUTED, linewidth=0.8), words) for style, words in entries])


def marks(figure: Canvas, entries: Sequence[tuple[Artist, str]]) -> None:
    """A legend of the marks above the chart: (mark, words)."""
    height = figure.get_figheight()
    figure.legend(
        [mark for mark, _ in entries],
        [words for _, words in entries],
        loc="outside upper left",
        bbox_to_anchor=(0.0, FOOT_IN / height, 1.0, 1.0 - (HEAD_IN + FOOT_IN) / height),
        ncols=len(entries),
        frameon=False,
        fontsize=SMALL_PT,
        handlelength=1.1,
        handleheight=0.8,
        columnspacing=1.4,
        borderpad=0.1,
    )


def trials(axes: Axes, row: Row) -> None:
    """Over the bar: the interval as a line and every trial as a dot, or the range of many trials as a thin line."""
    total, values = row.total, [value for _, value in row.values]
    if len(values) > MOST_SINGLE:
        axes.plot(
            [min(values), max(values)], [row.y, row.y], color=INK, linewidth=0.6, marker="|", markersize=5, zorder=4
        )
    if total.low is not None and total.high is not None:
        width = 1.3 if len(values) <= MOST_SINGLE else 2.6
        axes.plot([total.low, total.high], [row.y, row.y], color=INK, linewidth=width, solid_capstyle="butt", zorder=4)
    if len(values) <= MOST_SINGLE:
        offsets = [row.y + offset for offset, _ in pairs(row.values)]
        axes.plot(
            values,
            offsets,
            linestyle="none",
            marker="o",
            markersize=3.2,
            markerfacecolor=PAPER,
            markeredgecolor=INK,
            markeredgewidth=0.7,
            clip_on=False,
            zorder=5,
        )


def reach(row: Row) -> float:
    """The right end of the drawing of a row."""
    return max([row.total.median, row.total.high or 0.0, *(value for _, value in row.values)])


def number(axes: Axes, row: Row, text: str) -> None:
    """The number of a row, right of its drawing."""
    axes.annotate(text, xy=(reach(row), row.y), xytext=(6, 0), textcoords="offset points", va="center")


def floor(axes: Axes, scene: Scene, metric: str, chart: Rows, ranked: bool = True) -> None:
    """The noise floor as a grey band (if `ranked`) and the harness floor as a grey line, with labels."""
    notes = [_noise(axes, scene, metric, chart) if ranked else "", _harness(axes, scene, metric, chart)]
    axes.set_xlabel("\n".join(words for words in notes if words), fontsize=SMALL_PT, linespacing=LINES)


LINES = 1.35


def _noise(axes: Axes, scene: Scene, metric: str, chart: Rows) -> str:
    """A band over the techniques, from the best of them to the end of the noise floor, towards worse values. No band if
    no technique can be ranked best."""
    ranked = [row for row in chart.rows if not row.variant.product]
    if len(ranked) < 2 or scene.doubt:
        return ""
    low = METRICS[metric].better == "lower"
    best = (min if low else max)(row.total.median for row in ranked)
    noise_floor = scene.cells.floor(metric, scene.scenario)
    width = best * (noise_floor.ratio - 1.0) if best > 0 else noise_floor.difference
    width = width if low else best / noise_floor.ratio - best
    top, bottom = ranked[0].y - 0.5, ranked[-1].y + 0.5
    axes.add_patch(Rectangle((best, top), width, bottom - top, facecolor=NEUTRAL, alpha=0.45, linewidth=0, zorder=0.7))
    words = noise.floor_words(scene.cells, metric, scene.scenario)
    return f"grey band: noise floor, from the best technique ({words})"


def _harness(axes: Axes, scene: Scene, metric: str, chart: Rows) -> str:
    """A line at the value of the harness, if the run has one above zero."""
    trials = scene.cells.harness(scene.scenario)
    own = scene.cells.estimate(metric, scene.scenario, HARNESS) if trials else None
    if own is None or own.median <= 0:
        return ""
    words = quantity(own.median, METRICS[metric].unit)
    if own.median > axes.get_xlim()[1]:
        return f"harness floor, without any technique: {words}, beyond this axis"
    top, bottom = chart.headings[0][0] + 0.35, chart.depth - 0.45
    axes.plot([own.median, own.median], [top, bottom], color=MUTED, linewidth=0.9, linestyle=(0, (1, 1.6)), zorder=3)
    return f"dotted line: harness floor, without any technique ({words})"


def upright(axes: Axes, at: float, chart: Rows) -> None:
    """The dotted line of the harness, through all rows."""
    ends = [chart.headings[0][0] + 0.35, chart.depth - 0.45]
    axes.plot([at, at], ends, color=MUTED, linewidth=0.9, linestyle=(0, (1, 1.6)), zorder=3)


def simple(axes: Axes, scene: Scene, metric: str, chart: Rows) -> None:
    """A chart of plain bars of one metric."""
    unit = METRICS[metric].unit
    for row in chart.rows:
        stack(axes, row, [(row.total.median, "solid")])
        trials(axes, row)
        number(axes, row, quantity(row.total.median, unit))
    finish(axes, chart, unit)
    floor(axes, scene, metric, chart)


def finish(axes: Axes, chart: Rows, unit: Unit, share: float = 1.0, ticks: int = 5) -> None:
    """The frame of a chart from zero, with room on the right for every number; `share`: the part of the canvas, beside
    the names, that the chart may have."""
    width_in = (WIDTH_IN - chart.names_in - 0.3) * share
    most = max((reach(row) for row in chart.rows), default=0.0) or 1.0
    end = most * 1.04
    for row in chart.rows:
        number_in = text_width_in(quantity(row.total.median, unit)) + 0.16
        end = max(end, reach(row) / max(0.2, 1 - number_in / width_in))
    axes.set_xlim(0, end)
    frame(axes, chart)
    linear_ticks(axes.xaxis, unit, ticks, width_in)
