"""Dropped connections: what became of what somebody missed, and how soon it was as fresh as the others."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import FaultResult, fault_result
from bench.analysis.runs.faults import Fault, fresh_ns
from bench.report.figures import _bars, _delivery_classes
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._figure import FAULTS, Figure
from bench.report.figures._rows import Rows
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import Field, Sheet, ends
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import log_end, narrow_ticks
from bench.units import percent, quantity

FAULT = Fault("dropped")
COLUMNS = ("fresh_p50_ns", "fresh_p50_low_ns", "fresh_p50_high_ns")
PARTS = (("solid", "came afterwards"), ("hollow", "lost, and signalled"), ("neutral", "lost unsaid"))


def dropped(cells: Cells) -> list[str]:
    """The scenario, where anybody was back in time to be measured."""
    there = FAULT in _delivery_classes.points(cells, FAULT.scenario)
    seen = there and any(_delivery_classes.measured(cells, fresh_ns, FAULT, variant) for variant in cells.shown)
    return [FAULT.scenario] if seen else []


def sentence(_: Scene) -> str:
    """What the two halves show."""
    return (
        "Left, what became of the messages that were missed: those due while a subscriber was away, and any other that"
        " it never got. Right, how long it took from its first attempt to connect until it was as fresh as if it had"
        " never been away: the median over returns, every dot one trial."
    )


def shares(cell: FaultResult) -> list[float]:
    """Of what was missed: the share that came afterwards, that was signalled, that was lost unsaid."""
    missed = cell.recovered + cell.lost
    return [part / missed if missed else 0.0 for part in (cell.recovered, cell.signalled, cell.unsignalled)]


def _chart(scene: Scene) -> Rows:
    return _delivery_classes.rows(
        scene, lambda variant: _delivery_classes.measured(scene.cells, fresh_ns, FAULT, variant)
    )


def draw(scene: Scene) -> Canvas:
    """Shares on the left, time back to fresh on the right, one row per variant."""
    chart = _chart(scene)
    figure = canvas(chart.height_in + 0.2)
    missed, times = figure.subplots(1, 2, sharey=True, width_ratios=(1, 1.15))
    for row in chart.rows:
        parts = shares(fault_result(scene.cells, FAULT, row.variant))
        _bars.stack(missed, row, [(part, style) for part, (style, _) in zip(parts, PARTS, strict=True)])
    missed.set_xlim(0, 1)
    _bars.frame(missed, chart)
    missed.set_xticks([0.0, 0.5, 1.0], [percent(share) for share in (0.0, 0.5, 1.0)])
    missed.set_xlabel("of the messages missed", fontsize=_bars.SMALL_PT)
    _times(times, chart, (WIDTH_IN - chart.names_in - 0.3) * 0.5)
    times.set_xlabel("back until fresh again, median", fontsize=_bars.SMALL_PT)
    _bars.key(figure, PARTS)
    return figure


def _times(axes: Axes, chart: Rows, width_in: float) -> None:
    """A dot with its interval and its trials per row on a logarithmic axis, with room for every number."""
    seen = [max(1.0, value) for row in chart.rows for _, value in row.values]
    low, high = min(seen) / 1.8, max([*seen, min(seen) * 3]) * 1.2
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
    told = []
    for row in _chart(scene).rows:
        cell = fault_result(scene.cells, FAULT, row.variant)
        came, signalled, unsaid = (quantity(share, "share") for share in shares(cell))
        told.append(
            f"{named(row.variant)} ({cell.delivery.words}): {came} came afterwards, {signalled} signalled, {unsaid}"
            f" lost unsaid, fresh after {quantity(row.total.median, 'ns')}"
        )
    return f"One row per variant, by delivery class. {'; '.join(told)}."


COUNTS = ("trials", "expected", "recovered", "lost", "signalled", "duplicated", "reordered")


def sheet(scene: Scene) -> Sheet:
    """A row per variant: counts over its trials, and the estimate of the time back to fresh."""
    lines: list[list[Field]] = []
    for variant in _delivery_classes.variants(scene):
        cell = fault_result(scene.cells, FAULT, variant)
        known = _delivery_classes.measured(scene.cells, fresh_ns, FAULT, variant)
        lines.append([*_delivery_classes.of(variant, FAULT), *(getattr(cell, count) for count in COUNTS), *ends(known)])
    return Sheet([*_delivery_classes.OF_FAULT, *COUNTS, *COLUMNS], lines)


FIGURES = (
    Figure(
        "missed", "Missed, and fresh again", 250, sentence, draw, alt, sheet, dropped, missing=False, section=FAULTS
    ),
)
