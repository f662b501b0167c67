"""A slow reader: its effect on the latency of the other subscribers and on the memory of their server."""

from __future__ import annotations

from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.numbers.statistics import Compared, Estimate, Verdict
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_controls import beside_control
from bench.analysis.runs.faults import Fault, control_of, grown_bytes
from bench.analysis.runs.faults import Read as ReadTrial
from bench.analysis.trials.metrics import METRICS
from bench.report import noise
from bench.report.figures import _bars, _delivery_classes
from bench.report.figures._canvas import WIDTH_IN, canvas
from bench.report.figures._figure import FAULTS, Figure
from bench.report.figures._rows import Rows
from bench.report.figures._scenarios import declaring
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import Field, Sheet, ends
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import linear_ticks, log_end, narrow_ticks
from bench.report.palette import MUTED, NEUTRAL, PAPER
from bench.results import VariantFacts
from bench.units import Unit, factor, quantity

LATENCY = "latency_p99"
UNIT: Unit = "memory bytes"
COLUMNS = (
    "memory_growth_bytes", "memory_growth_low_bytes", "memory_growth_high_bytes", "memory_growth_without_bytes",
)  # fmt: skip


def slow_reader(cells: Cells) -> list[str]:
    """The scenarios with a slow reader, if a variant was measured with it and without."""
    scenarios = declaring(cells, lambda scenario: scenario.apart)
    return [
        name
        for name in scenarios
        if any(_compared(cells, fault, one).ratio for fault in faults(cells, name) for one in cells.shown)
    ]


def faults(cells: Cells, scenario: str) -> list[Fault]:
    """The one kind of slow reader that is drawn; none if only the control was run."""
    return _delivery_classes.points(cells, scenario)[:1]


def _compared(cells: Cells, fault: Fault, variant: VariantFacts) -> Compared:
    return beside_control(cells, LATENCY, fault, variant.name)


def _without(scene: Scene, variant: VariantFacts, read: ReadTrial) -> Estimate | None:
    """The same without a slow reader."""
    control = control_of(_fault(scene))
    return _delivery_classes.measured(scene.cells, read, control, variant) if control else None


def _fault(scene: Scene) -> Fault:
    return faults(scene.cells, scene.scenario)[0]


def sentence(scene: Scene) -> str:
    """What the two halves show, and whose latency a slow neighbour is shown to change."""
    variants = _delivery_classes.variants(scene)
    shown = [
        f"{named(variant)} ({factor(compared.ratio.median)})"
        for variant, compared in ((variant, _compared(scene.cells, _fault(scene), variant)) for variant in variants)
        if compared.ratio is not None and compared.verdict in (Verdict.HIGHER, Verdict.LOWER)
    ]
    result = f"A difference is shown for {', '.join(shown)}." if shown else "No difference is shown for any variant."
    return (
        "Left: the p99 latency of the other subscribers beside a slow reader, divided by that without one. Right: the"
        " largest growth of the memory of the server and its child processes; hollow: the growth without a slow reader,"
        " for example of the log that a technique keeps for reconnects."
        f" {' '.join([result, *noise.about_steal(scene.cells, _fault(scene))])}"
    )


def draw(scene: Scene) -> Canvas:
    """Ratios around 1 on the left, memory on the right, one row per variant."""
    fault = _fault(scene)
    chart = _delivery_classes.rows(scene, lambda variant: _compared(scene.cells, fault, variant).ratio)
    figure = canvas(chart.height_in + 0.2)
    ratios, memory = figure.subplots(1, 2, sharey=True, width_ratios=(1.15, 1))
    _ratios(ratios, scene, chart, (WIDTH_IN - chart.names_in - 0.3) * 0.5)
    _memory(memory, scene, fault, chart, (WIDTH_IN - chart.names_in - 0.3) * 0.42)
    return figure


def _ratios(axes: Axes, scene: Scene, chart: Rows, width_in: float) -> None:
    """A dot with its interval per row on a logarithmic axis, the noise floor around 1, and room for every number."""
    band = scene.cells.floor(LATENCY, scene.scenario).ratio
    values = [value for row in chart.rows for value in (_bars.reach(row), row.total.low or row.total.median)]
    values += [value for row in chart.rows for _, value in row.values]
    low, high = min([*values, 1 / band, 0.8]) / 1.05, max([*values, band]) * 1.05
    texts = [(_bars.reach(row), text_width_in(factor(row.total.median)) + 0.2) for row in chart.rows]
    end = log_end(low, [(high, 0.0), *texts], width_in)
    axes.set_xscale("log")
    axes.set_xlim(low, end)
    _bars.frame(axes, chart)
    for row in chart.rows:
        axes.fill_betweenx(
            [row.y - 0.5, row.y + 0.5], 1 / band, band, color=NEUTRAL, alpha=0.45, linewidth=0, zorder=0.7
        )
        axes.plot([1.0, 1.0], [row.y - 0.5, row.y + 0.5], color=MUTED, linewidth=0.9, zorder=0.8)
        axes.plot([row.total.median], [row.y], "o", markersize=8, color=row.look.colour, zorder=2.5)
        _bars.trials(axes, row)
        _bars.number(axes, row, factor(row.total.median))
    narrow_ticks(axes.xaxis, "count", low, end, width_in)
    words = noise.floor_words(scene.cells, LATENCY, scene.scenario)
    axes.set_xlabel(f"p99 of the others, with : without\ngrey: noise floor ({words})", fontsize=_bars.SMALL_PT)


def _memory(axes: Axes, scene: Scene, fault: Fault, chart: Rows, width_in: float) -> None:
    """A bar per row that has the metric, from zero, with room for every number."""

    grown = [
        replace(row, total=growth, values=list(enumerate(growth.values)))
        for row in chart.rows
        if (growth := _delivery_classes.measured(scene.cells, grown_bytes, fault, row.variant))
    ]
    end = max((_bars.reach(row) for row in grown), default=0.0) * 1.04 or 1.0
    for row in grown:
        number_in = text_width_in(quantity(row.total.median, UNIT)) + 0.16
        end = max(end, _bars.reach(row) / max(0.2, 1 - number_in / width_in))
        _bars.stack(axes, row, [(row.total.median, "solid")])
        _bars.trials(axes, row)
        _bars.number(axes, row, quantity(row.total.median, UNIT))
        without = _without(scene, row.variant, grown_bytes)
        if without is not None:
            axes.plot([without.median], [row.y + 0.3], marker="D", markersize=5.2, markerfacecolor=PAPER,
                      markeredgecolor=row.look.colour, markeredgewidth=1.2, zorder=2.8)  # fmt: skip
    axes.set_xlim(0, end)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelleft=False)
    linear_ticks(axes.xaxis, UNIT, 3, width_in)
    axes.set_xlabel("growth of server memory\nhollow: no slow reader", fontsize=_bars.SMALL_PT)


def alt(scene: Scene) -> str:
    """Every row in words."""
    fault = _fault(scene)
    rows = []
    for variant in _delivery_classes.variants(scene):
        ratio = _compared(scene.cells, fault, variant).ratio
        growth = _delivery_classes.measured(scene.cells, grown_bytes, fault, variant)
        if ratio is not None:
            grown = f", memory {quantity(growth.median, UNIT)} more" if growth else ""
            rows.append(f"{named(variant)}: p99 latency {factor(ratio.median)}{grown}")
    return f"One row per variant, by delivery class. {'; '.join(rows)}."


def sheet(scene: Scene) -> Sheet:
    """A row per variant: both p99 latencies, their ratio with its interval, and the growth of memory."""
    fault, lines = _fault(scene), []
    for variant in _delivery_classes.variants(scene):
        read = METRICS[LATENCY].of
        pair = (_delivery_classes.measured(scene.cells, read, fault, variant), _without(scene, variant, read))
        fields: list[Field] = [
            *_delivery_classes.of(variant, fault),
            *(growth.median if growth else None for growth in pair),
        ]
        fields += ends(_compared(scene.cells, fault, variant).ratio)
        without = _without(scene, variant, grown_bytes)
        grown = ends(_delivery_classes.measured(scene.cells, grown_bytes, fault, variant))
        lines.append([*fields, *grown, without.median if without else None])
    columns = ["latency_p99_ns", "latency_p99_without_ns", "ratio", "ratio_low", "ratio_high", *COLUMNS]
    return Sheet([*_delivery_classes.OF_FAULT, *columns], lines)


FIGURES = (
    Figure("neighbours", "Beside a slow reader", 270, sentence, draw, alt, sheet, slow_reader, missing=False,
           section=FAULTS),
)  # fmt: skip
