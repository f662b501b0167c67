"""Dropped connections: what happened to missed messages, and how soon a subscriber had caught up."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import FaultResult, fault_result
from bench.analysis.runs.faults import Fault, fresh_ns
from bench.report.figures import _bars, _delivery_classes
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._figure import FAULTS, Figure
from bench.report.figures._rows import Rows
from bench.report.figures._scenarios import declaring
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import Field, Sheet, ends
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import log_end, narrow_ticks
from bench.results import VariantFacts
from bench.units import percent, quantity

COLUMNS = ("fresh_p50_ns", "fresh_p50_low_ns", "fresh_p50_high_ns")
PARTS = (("solid", "delivered afterwards"), ("hollow", "lost, signalled"), ("neutral", "lost, not signalled"))


def dropped(cells: Cells) -> list[str]:
    """The scenarios that cut connections, if a subscriber caught up in a valid trial."""
    scenarios = declaring(cells, lambda scenario: scenario.cuts)
    return [one for one in scenarios if any(_caught_up(cells, one, variant) for variant in cells.shown)]


def _fault(scenario: str) -> Fault:
    """The one fault of a scenario that varies none."""
    return Fault(scenario)


def _caught_up(cells: Cells, scenario: str, variant: VariantFacts) -> Estimate | None:
    return _delivery_classes.measured(cells, fresh_ns, _fault(scenario), variant)


def sentence(_: Scene) -> str:
    """What the two halves show."""
    return (
        "Left: what happened to the messages that a subscriber missed, those due while it was disconnected and any"
        " other that it never received. Right: the time from its first attempt to reconnect until its messages were"
        " as recent as if it had never been disconnected; median over reconnects, one dot per trial."
    )


def shares(cell: FaultResult) -> list[float]:
    """Of the missed deliveries: the shares delivered afterwards, lost and signalled, lost and not signalled."""
    missed = cell.recovered + cell.lost
    return [part / missed if missed else 0.0 for part in (cell.recovered, cell.signalled, cell.unsignalled)]


def _chart(scene: Scene) -> Rows:
    return _delivery_classes.rows(scene, lambda variant: _caught_up(scene.cells, scene.scenario, variant))


def draw(scene: Scene) -> Canvas:
    """Shares on the left, time to catch up on the right, one row per variant."""
    chart = _chart(scene)
    figure = canvas(chart.height_in + 0.2)
    missed, times = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.15))
    for row in chart.rows:
        parts = shares(fault_result(scene.cells, _fault(scene.scenario), row.variant))
        _bars.stack(missed, row, [(part, style) for part, (style, _) in zip(parts, PARTS, strict=True)])
    missed.set_xlim(0, 1)
    _bars.frame(missed, chart)
    missed.set_xticks([0.0, 0.5, 1.0], [percent(share) for share in (0.0, 0.5, 1.0)])
    missed.set_xlabel("share of missed messages", fontsize=_bars.SMALL_PT)
    _times(times, chart, (WIDTH_IN - chart.names_in - 0.3) * 0.5)
    times.set_xlabel("time to catch up, median", fontsize=_bars.SMALL_PT)
    _bars.key(figure, PARTS)
    return figure


def _times(axes: Axes, chart: Rows, width_in: float) -> None:
    """A dot with its interval and its trials per row on a logarithmic axis, with room for every number."""
    times_ns = [max(1.0, value) for row in chart.rows for _, value in row.values]
    low, high = min(times_ns) / 1.8, max([*times_ns, min(times_ns) * 3]) * 1.2
    texts = [(_bars.reach(row), text_width_in(quantity(row.total.median, "ns")) + 0.2) for row in chart.rows]
    end = log_end(low, [(high, 0.0), *texts], width_in)
    axes.set_xscale("log")
    axes.set_xlim(low, end)
    for row in chart.rows:
        axes.plot([max(1.0, row.total.median)], [row.y], "o", markersize=8, color=row.look.colour, zorder=2.5)
        _bars.trials(axes, row)
        _bars.number(axes, row, quantity(row.total.median, "ns"))
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelleft=False)
    narrow_ticks(axes.xaxis, "ns", low, end, width_in)


def alt(scene: Scene) -> str:
    """Every row in words."""
    rows = []
    for row in _chart(scene).rows:
        cell = fault_result(scene.cells, _fault(scene.scenario), row.variant)
        came, signalled, lost = (quantity(share, "share") for share in shares(cell))
        rows.append(
            f"{named(row.variant)} ({cell.delivery.words}): {came} delivered afterwards, {signalled} lost and"
            f" signalled, {lost} lost and not signalled, caught up after {quantity(row.total.median, 'ns')}"
        )
    return f"One row per variant, by delivery class. {'; '.join(rows)}."


COUNTS = ("trials", "expected", "recovered", "lost", "signalled", "duplicated", "reordered")


def sheet(scene: Scene) -> Sheet:
    """A row per variant: counts over its trials, and the estimate of the time to catch up."""
    lines: list[list[Field]] = []
    for variant in _delivery_classes.variants(scene):
        fault = _fault(scene.scenario)
        cell, known = fault_result(scene.cells, fault, variant), _caught_up(scene.cells, scene.scenario, variant)
        lines.append([*_delivery_classes.of(variant, fault), *(getattr(cell, count) for count in COUNTS), *ends(known)])
    return Sheet([*_delivery_classes.OF_FAULT, *COUNTS, *COLUMNS], lines)


FIGURES = (
    Figure("missed", "Missed messages and time to catch up", 250, sentence, draw, alt, sheet, dropped, missing=False,
           section=FAULTS),
)  # fmt: skip
