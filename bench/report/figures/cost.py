"""The cost of a delivery: server CPU, bytes on the wire, requests."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from bench.analysis.trials.metrics.wire import SEGMENT_HEADER_BYTES
from bench.report.figures import _bars, _rows
from bench.report.figures._canvas import canvas
from bench.report.figures._figure import Figure
from bench.report.figures._rows import Row, Rows
from bench.report.figures._scenarios import having
from bench.report.figures._scene import Scene, named
from bench.report.figures._sheet import median
from bench.report.figures._text_width import text_width_in
from bench.report.figures._ticks import log_ticks
from bench.report.palette import INK, MUTED, PAPER
from bench.units import quantity

LEAST_BYTES = 1.0  # where the logarithmic axis of the overhead begins
CPU_PARTS = (("server_cpu", "solid"), ("broker_cpu", "hollow"))
WIRE_PARTS = (("wire_payload", "neutral"), ("wire_framing", "solid"), ("wire_segments", "hollow"))

OVERHEADS = ("wire_framing", "wire_segments")


def cpu_sentence(scene: Scene) -> str:
    """The meaning of a bar and of its parts."""
    sentence = "Shorter is cheaper: CPU time of the server side per message delivered to one subscriber"
    brokers = [
        f"{quantity(broker, 'ns')} with {named(variant)}"
        for variant in scene.variants
        if (broker := median(scene, "broker_cpu", variant)) > 0
    ]
    return sentence + (f"; of that, the broker process uses {', '.join(brokers)}." if brokers else ".")


def cpu(scene: Scene) -> Canvas:
    """Server and broker stacked, one bar per variant."""
    chart = _rows.rows(scene, "cpu")
    figure = canvas(chart.height_in)
    axes = figure.add_subplot()
    for row in chart.rows:
        parts = [(median(scene, name, row.variant), style) for name, style in CPU_PARTS]
        _bars.stack(axes, row, parts)
        _bars.trials(axes, row)
        _bars.number(axes, row, quantity(row.total.median, "ns"))
    _bars.finish(axes, chart, "ns")
    _bars.floor(axes, scene, "cpu", chart)
    if any(median(scene, "broker_cpu", row.variant) > 0 for row in chart.rows):
        _bars.key(figure, [("solid", "server"), ("hollow", "broker")])
    return figure


def wire_sentence(scene: Scene) -> str:
    """The meaning of the two halves."""
    chart = _rows.rows(scene, "wire")
    framing = [(median(scene, "wire_framing", row.variant), row.variant) for row in chart.rows]
    least, most = min(framing, key=lambda pair: pair[0]), max(framing, key=lambda pair: pair[0])
    sentence = (
        "Left: all bytes of a delivery. Right: the bytes that are not payload, on a logarithmic axis for small and"
        " large values"
    )
    if len(chart.rows) < 2:
        return sentence + "."
    return (
        f"{sentence}. Framing and HTTP headers range from {quantity(least[0], 'wire bytes')} ({named(least[1])}) to"
        f" {quantity(most[0], 'wire bytes')} ({named(most[1])}). TCP and IP headers are estimated at"
        f" {SEGMENT_HEADER_BYTES} B per segment."
    )


def wire(scene: Scene) -> Canvas:
    """All bytes stacked on the left, the overhead alone on a logarithmic axis on the right."""
    chart = _rows.rows(scene, "wire")
    figure = canvas(chart.height_in + 0.2)
    whole, overhead = figure.subplots(1, 2, sharey=True, width_ratios=(1.1, 1))
    for row in chart.rows:
        _bars.stack(whole, row, [(median(scene, name, row.variant), style) for name, style in WIRE_PARTS])
        _bars.trials(whole, row)
        _bars.number(whole, row, quantity(row.total.median, "wire bytes"))
    _bars.finish(whole, chart, "wire bytes", share=0.5, ticks=3)
    _bars.floor(whole, scene, "wire", chart)
    _bars.key(figure, [("neutral", "payload"), ("solid", "framing, HTTP headers"), ("hollow", "TCP/IP headers")])
    _overhead(overhead, scene, chart, (5.1 - chart.names_in) * 0.45)
    return figure


def _overhead(axes: Axes, scene: Scene, chart: Rows, width_in: float) -> None:
    high = LEAST_BYTES
    for row in chart.rows:
        framing, segments = (median(scene, name, row.variant) for name in OVERHEADS)
        high = max(high, framing, segments)
        _overhead_row(axes, row, framing, segments)
    axes.set_xscale("log")
    texts = [quantity(median(scene, name, row.variant), "wire bytes") for row in chart.rows for name in OVERHEADS]
    label = (max(text_width_in(text, _bars.SMALL_PT) for text in texts) + 0.1) / width_in
    room = (high / LEAST_BYTES) ** (label / (1 - 2 * label)) * 1.15 if label < 0.45 else 1e3
    bounds = (LEAST_BYTES / room, high * room)
    axes.set_xlim(*bounds)
    end = max(10 * LEAST_BYTES, high * 1.5)
    share = math.log(end / LEAST_BYTES) / math.log(bounds[1] / bounds[0])  # the rest of the axis is room for numbers
    log_ticks(axes.xaxis, "wire bytes", LEAST_BYTES, end, width_in * share)
    axes.grid(axis="x")
    axes.spines["left"].set_visible(False)
    axes.tick_params(labelleft=False)
    _bars.head(axes, [(chart.headings[0][0], "overhead only")])


def _overhead_row(axes: Axes, row: Row, framing: float, segments: float) -> None:
    """A filled dot for framing, a hollow one for TCP and IP, each with its number."""
    marks = sorted([(framing, row.look.colour), (segments, PAPER)])
    places = [max(value, LEAST_BYTES) for value, _ in marks]
    axes.plot(places, [row.y, row.y], color=row.look.colour, linewidth=1.0)
    for place, (value, face), side in zip(places, marks, ("right", "left"), strict=True):
        axes.plot(
            [place], [row.y], "o", markersize=5.5, markerfacecolor=face, markeredgecolor=row.look.colour, clip_on=False
        )
        axes.annotate(
            quantity(value, "wire bytes"),
            xy=(place, row.y),
            xytext=(-6 if side == "right" else 6, 0),
            textcoords="offset points",
            ha=side,
            va="center",
            fontsize=_bars.SMALL_PT,
            color=INK if face != PAPER else MUTED,
        )


def requests_sentence(scene: Scene) -> str:
    """The meaning of the number."""
    return (
        "HTTP requests of subscribers per received message, upstream requests included. Below 1, one response carries"
        " several messages; at 0, a connection needs only its first request."
    )


def requests(scene: Scene) -> Canvas:
    """One bar per variant."""
    chart = _rows.rows(scene, "requests")
    figure = canvas(chart.height_in)
    _bars.simple(figure.add_subplot(), scene, "requests", chart)
    return figure


FIGURES = (
    Figure("cpu", "Server CPU per delivered message", 60, cpu_sentence, cpu, _rows.alt_of("cpu"),
           _rows.sheet_of("cpu", *(name for name, _ in CPU_PARTS)), having("cpu"), missing=False),
    Figure("wire", "Bytes on the wire per delivered message", 70, wire_sentence, wire, _rows.alt_of("wire"),
           _rows.sheet_of("wire", *(name for name, _ in WIRE_PARTS)), having("wire"), missing=False),
    Figure("requests", "HTTP requests per delivered message", 80, requests_sentence, requests,
           _rows.alt_of("requests"), _rows.sheet_of("requests"), having("requests"), missing=False),
)  # fmt: skip
