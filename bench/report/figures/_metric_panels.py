"""Several metrics of a scenario side by side: a row per variant, shared by all panels, each with an axis of its own."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.trials.metrics import METRICS
from bench.report import noise
from bench.report.figures import _bars, _rows
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._rows import Row, Rows
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import WHO, Field, Sheet, ends, who
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import linear_ticks, log_ticks
from bench.report.palette import MUTED, PAPER
from bench.results import VariantFacts
from bench.units import DASH, Unit, quantity, tick

# Numbers that span more than this factor stand on a logarithmic axis.
WIDE = 8.0
BETWEEN_IN = 0.16

Beside = Callable[[Scene, VariantFacts], Estimate | None]


@dataclass(frozen=True, slots=True)
class Panel:
    """One metric, its title above the panel (two lines at most), and, if any, the value that each row compares it with
    as a hollow mark."""

    metric: str
    title: str
    beside: Beside | None = None

    @property
    def unit(self) -> Unit:
        """That of its metric."""
        return METRICS[self.metric].unit


@dataclass(frozen=True, slots=True)
class Marks:
    """The numbers of one panel by variant: the rows, and the values compared with them."""

    rows: dict[str, Row]
    others: dict[str, Estimate]

    @property
    def values(self) -> list[float]:
        """Everything that is drawn."""
        drawn = [value for row in self.rows.values() for _, value in row.values]
        drawn += [row.total.median for row in self.rows.values()]
        return drawn + [other.median for other in self.others.values()]


def draw(panels: Sequence[Panel], key: tuple[str, str] | None = None) -> Callable[[Scene], Canvas]:
    """The panels side by side; `key`: the legend of full and hollow marks, shown if there are hollow ones."""

    def drawn(scene: Scene) -> Canvas:
        present = [panel for panel in panels if _rows.rows(scene, panel.metric).rows]
        chart, shown = _chart(scene, present), [_marks(scene, panel) for panel in present]
        figure = canvas(chart.height_in + 0.3)
        parts = figure.subplots(1, len(present), sharey=True, squeeze=False)[0]
        room_in = (WIDTH_IN - chart.names_in - 0.35) / len(present) - BETWEEN_IN
        for place, (axes, panel, marks) in enumerate(zip(parts, present, shown, strict=True)):
            _panel(axes, scene, panel, marks, chart, room_in)
            if place:
                axes.spines["left"].set_visible(False)
                axes.tick_params(labelleft=False)
                axes.grid(axis="x")
        _bars.frame(parts[0], chart)
        if key and any(marks.others for marks in shown):
            _key(figure, key)
        return figure

    return drawn


def _chart(scene: Scene, panels: Sequence[Panel]) -> Rows:
    """The rows of the metric with the most of them."""
    charts = [_rows.rows(scene, panel.metric) for panel in panels]
    return max(charts, key=lambda chart: len(chart.rows))


def _marks(scene: Scene, panel: Panel) -> Marks:
    rows = {row.variant.name: row for row in _rows.rows(scene, panel.metric).rows}
    others = {row.variant.name: panel.beside(scene, row.variant) for row in rows.values()} if panel.beside else {}
    return Marks(rows, {name: other for name, other in others.items() if other is not None})


def _panel(axes: Axes, scene: Scene, panel: Panel, marks: Marks, chart: Rows, room_in: float) -> None:
    """A dot per row with its trials and its number, its companion as a hollow mark below; under all the noise floor."""
    axes.set_title(panel.title, loc="left", fontsize=_bars.SMALL_PT, color=MUTED, linespacing=1.15)
    _scale(axes, panel.unit, marks, room_in)
    for row in chart.rows:
        own = marks.rows.get(row.variant.name)
        if own is not None:
            _row(axes, Row(row.variant, row.look, row.y, own.total, own.values), marks, panel.unit)
        else:
            axes.annotate(
                DASH, xy=(0.5, row.y), xycoords=("axes fraction", "data"), ha="center", va="center", color=MUTED
            )
    words = noise.floor_words(scene.cells, panel.metric, scene.scenario)
    axes.set_xlabel("" if scene.doubt else f"noise floor: {words}", fontsize=_bars.SMALL_PT)


def _scale(axes: Axes, unit: Unit, marks: Marks, room_in: float) -> None:
    """From zero, or logarithmic over a wide span, with room on the right for every number."""
    values = [value for value in marks.values if value > 0] or [1.0]
    low, high = min(values), max(values)
    texts = [quantity(row.total.median, unit) for row in marks.rows.values()]
    share = min(0.7, (max(map(text_width_in, texts)) + 0.18) / room_in)
    if high / low > WIDE and min(marks.values) > 0:
        low, high = low / 1.8, high * 1.1
        high *= (high / low) ** (share / (1 - share))
        axes.set_xscale("log")
        axes.set_xlim(low, high)
        log_ticks(axes.xaxis, unit, low, high, room_in)
        _thin(axes, unit, room_in)
    else:
        axes.set_xlim(0, high * 1.04 / (1 - share))
        linear_ticks(axes.xaxis, unit, 3, room_in)


def _thin(axes: Axes, unit: Unit, room_in: float) -> None:
    """Leave out ticks of a logarithmic axis whose labels would touch the one before."""
    low, high = map(math.log, axes.get_xlim())
    kept: list[float] = []
    free = -math.inf
    for place in axes.xaxis.get_majorticklocs():
        at, half = (math.log(place) - low) / (high - low) * room_in, text_width_in(tick(place, unit)) / 2
        if at - half >= free:
            kept.append(float(place))
            free = at + half + BETWEEN_IN / 2
    axes.xaxis.set_major_locator(FixedLocator(kept))


def _row(axes: Axes, row: Row, marks: Marks, unit: Unit) -> None:
    other = marks.others.get(row.variant.name)
    axes.plot([row.total.median], [row.y], "o", markersize=7.5, color=row.look.colour, zorder=2.5)
    _bars.trials(axes, row)
    if other is not None:
        axes.plot([other.median], [row.y + 0.3], marker="D", markersize=5.2, markerfacecolor=PAPER,
                  markeredgecolor=row.look.colour, markeredgewidth=1.2, zorder=2.4)  # fmt: skip
    axes.annotate(
        quantity(row.total.median, unit),
        xy=(_bars.reach(row), row.y),
        xytext=(7, 0),
        textcoords="offset points",
        va="center",
    )


def _key(figure: Canvas, words: tuple[str, str]) -> None:
    full = Line2D([], [], linestyle="none", marker="o", markersize=6.0, color=MUTED)
    hollow = Line2D([], [], linestyle="none", marker="D", markersize=5.0, markerfacecolor=PAPER, markeredgecolor=MUTED)
    _bars.marks(figure, [(full, words[0]), (hollow, words[1])])


def alt(panels: Sequence[Panel]) -> Callable[[Scene], str]:
    """Every number in words, panel by panel."""

    def words(scene: Scene) -> str:
        parts = []
        for panel in panels:
            numbers = [
                f"{named(row.variant)} {quantity(row.total.median, panel.unit)}"
                for row in _rows.rows(scene, panel.metric).rows
            ]
            if numbers:
                parts.append(f"{METRICS[panel.metric].title}: {', '.join(numbers)}.")
        return f"One row per variant. {' '.join(parts)}"

    return words


def sheet(panels: Sequence[Panel]) -> Callable[[Scene], Sheet]:
    """A row per variant and metric with its median and interval, then one per trial."""

    def table(scene: Scene) -> Sheet:
        lines: list[list[Field]] = []
        for panel in panels:
            for row in _rows.rows(scene, panel.metric).rows:
                other = panel.beside(scene, row.variant) if panel.beside else None
                about = [*who(row.variant), panel.metric, panel.unit]
                beside = other.median if other else None
                lines.append([*about, "median", len(row.values), None, *ends(row.total), beside])
                lines += [[*about, "trial", None, block, value, None, None, None] for block, value in row.values]
        return Sheet([*WHO, "metric", "unit", "what", "trials", "block", "value", "low", "high", "beside"], lines)

    return table
