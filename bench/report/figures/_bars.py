"""Horizontal bars, one row per variant: stacked parts, the interval over trials, every trial as a dot, the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from bench.analysis.metrics import METRICS, Unit
from bench.analysis.statistics import Estimate
from bench.report import noise
from bench.report.figures._canvas import Subject, linear_ticks, named, pairs
from bench.report.palette import INK, MUTED, NEUTRAL, PAPER, Look
from bench.results import VariantFacts
from bench.units import quantity

ROW_IN = 0.36
HEIGHT = 0.56
HEADING = 0.8  # the room, in rows, of the heading above each group


@dataclass(frozen=True, slots=True)
class Row:
    """One variant at its height; `total` is the metric that its parts add up to."""

    variant: VariantFacts
    look: Look
    y: float
    total: Estimate
    values: Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a chart and the headings over its groups, from the top down; y grows downwards."""

    rows: list[Row]
    headings: list[tuple[float, str]]
    depth: float

    @property
    def height_in(self) -> float:
        """How tall a canvas for these rows should be, without its axis."""
        return self.depth * ROW_IN + 0.8


def rows(subject: Subject, metric: str) -> Rows:
    """The variants that have a metric: techniques under one heading, products under another, never mixed."""
    found: list[Row] = []
    headings: list[tuple[float, str]] = []
    y = 0.0
    for title, product in (("techniques on neutral ground", False), ("products as deployed", True)):
        members = [variant for variant in subject.variants if bool(variant.product) is product]
        held = [(variant, subject.cells.estimate(metric, subject.scenario, variant.name)) for variant in members]
        known = [(variant, total) for variant, total in held if total is not None]
        if not known:
            continue
        headings.append((y, title))
        y += HEADING
        for variant, total in known:
            values = subject.cells.values(metric, subject.scenario, variant.name)
            found.append(Row(variant, subject.looks[variant.name], y, total, values))
            y += 1
    return Rows(found, headings, y)


def frame(axes: Axes, chart: Rows, unit: Unit, ticks: int = 5) -> None:
    """Names on the left, headings over the groups, a grid for the numbers."""
    axes.set_ylim(chart.depth - 0.45, -0.5)
    axes.set_yticks([row.y for row in chart.rows], [named(row.variant) for row in chart.rows])
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    linear_ticks(axes.xaxis, unit, ticks)


def head(axes: Axes, headings: Sequence[tuple[float, str]]) -> None:
    """Headings inside a chart: (y, words)."""
    for y, title in headings:
        axes.annotate(
            title,
            xy=(0, y),
            xycoords=("axes fraction", "data"),
            xytext=(2, 0),
            textcoords="offset points",
            va="center",
            color=MUTED,
            fontsize="small",
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


def key(figure: Figure, entries: Sequence[tuple[str, str]]) -> None:
    """What the styles of the parts mean, above everything: (style, words)."""
    faces = {"solid": MUTED, "hollow": PAPER, "neutral": NEUTRAL}
    figure.legend(
        handles=[
            Patch(facecolor=faces[style], edgecolor=MUTED, linewidth=0.8, label=words) for style, words in entries
        ],
        loc="outside upper left",
        ncols=len(entries),
        frameon=False,
        fontsize="small",
        handlelength=1.1,
        handleheight=0.8,
        columnspacing=1.4,
        borderpad=0.1,
    )


def trials(axes: Axes, row: Row) -> None:
    """The interval as a line and every trial as a dot, over the bar."""
    total = row.total
    if total.low is not None and total.high is not None:
        axes.plot([total.low, total.high], [row.y, row.y], color=INK, linewidth=1.3, solid_capstyle="butt", zorder=4)
    for offset, value in pairs(row.values):
        axes.plot(
            [value],
            [row.y + offset],
            marker="o",
            markersize=3.2,
            markerfacecolor=PAPER,
            markeredgecolor=INK,
            markeredgewidth=0.7,
            clip_on=False,
            zorder=5,
        )


def number(axes: Axes, row: Row, text: str) -> None:
    """The number of a row, right of everything that is drawn in it."""
    reach = max([row.total.median, row.total.high or 0.0, *(value for _, value in row.values)])
    axes.annotate(text, xy=(reach, row.y), xytext=(6, 0), textcoords="offset points", va="center")


def floor(axes: Axes, subject: Subject, metric: str, chart: Rows) -> None:
    """A grey band over the techniques, from the best of them to where the noise floor ends, and its width in words.
    Nothing where nobody can be called the best."""
    ranked = [row for row in chart.rows if not row.variant.product]
    if len(ranked) < 2 or subject.doubt:
        return
    best, found = min(row.total.median for row in ranked), subject.cells.floor(metric, subject.scenario)
    width = best * (found.ratio - 1.0) if best > 0 else found.difference
    top, bottom = ranked[0].y - 0.5, ranked[-1].y + 0.5
    axes.add_patch(Rectangle((best, top), width, bottom - top, facecolor=NEUTRAL, alpha=0.45, linewidth=0, zorder=0.7))
    axes.set_xlabel(
        f"grey: noise floor beyond the best technique ({noise.floor_words(subject.cells, metric, subject.scenario)})",
        fontsize="small",
    )


def simple(axes: Axes, subject: Subject, metric: str, chart: Rows) -> None:
    """A chart of plain bars of one metric."""
    unit = METRICS[metric].unit
    for row in chart.rows:
        stack(axes, row, [(row.total.median, "solid")])
        trials(axes, row)
        number(axes, row, quantity(row.total.median, unit))
    finish(axes, chart, unit)
    floor(axes, subject, metric, chart)


def finish(axes: Axes, chart: Rows, unit: Unit, room: float = 0.2, ticks: int = 5) -> None:
    """The frame of a chart, from zero, with room for the numbers on the right."""
    reach = max((max(row.total.high or 0.0, *(value for _, value in row.values), 0.0) for row in chart.rows), default=0)
    axes.set_xlim(0, (reach or 1.0) * (1 + room))
    frame(axes, chart, unit, ticks)
    head(axes, chart.headings)
