"""The figures of a report as one table: name, title, the sentence that says what to see, and how it is drawn.

A new figure is one more entry. `drawn` draws all that a run has facts for, once per scenario where that makes sense.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from bench.analysis.cells import Cells
from bench.report import palette, svg
from bench.report.figures import calibration, cost, course, latency, law, standing
from bench.report.figures._canvas import Subject, drawing
from bench.report.text import clean, slug

Scenarios = Callable[[Cells], list[str]]


@dataclass(frozen=True, slots=True)
class Figure:
    """One entry of the table. `draw` and `sentence` are only asked for scenarios that `scenarios` returned."""

    name: str
    title: str
    sentence: Callable[[Subject], str]
    draw: Callable[[Subject], Canvas]
    scenarios: Scenarios


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished figure: its file name, heading and sentence, and its renderings."""

    name: str
    title: str
    scenario: str
    sentence: str
    svg: str
    inline: str
    png: bytes


FIGURES = (
    Figure("latency", "Delivery latency", latency.curves_sentence, latency.curves, latency.one_way),
    Figure("round-trip", "Echo round trip", latency.curves_sentence, latency.curves, latency.both_ways),
    Figure("law", "Polling beside its law", law.law_sentence, law.law, law.with_polling),
    Figure("time", "Latency over time", course.time_sentence, course.over_time, course.with_series),
    Figure("cpu", "Server CPU per delivered message", cost.cpu_sentence, cost.cpu, cost.having("cpu")),
    Figure("wire", "Bytes on the wire per delivered message", cost.wire_sentence, cost.wire, cost.having("wire")),
    Figure("requests", "HTTP requests per delivered message", cost.requests_sentence, cost.requests,
           cost.having("requests")),
    Figure("memory", "Memory per connection", standing.memory_sentence, standing.memory,
           cost.having("connection_memory")),
    Figure("connect", "Time to connect", standing.connect_sentence, standing.connect, standing.most_connects),
    Figure("calibration", "Planted and read back", calibration.read_back_sentence, calibration.read_back,
           calibration.calibrated),
)  # fmt: skip


def drawn(cells: Cells) -> Iterator[Drawn]:
    """Every figure that the run has facts for, in the order of the table."""
    looks = palette.looks(cells.shown)
    colours = palette.THEME | {look.colour: look.css for look in looks.values()}
    for figure in FIGURES:
        for scenario in figure.scenarios(cells):
            subject = Subject(cells, scenario, looks)
            yield _render(figure, subject, colours)


def _render(figure: Figure, subject: Subject, colours: dict[str, str]) -> Drawn:
    name = f"{figure.name}-{slug(subject.scenario)}"
    with drawing():
        canvas = figure.draw(subject)
        vector, raster = io.StringIO(), io.BytesIO()
        canvas.savefig(vector, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Type", "Format")))
        canvas.set_layout_engine("none")  # it has its place by now
        canvas.savefig(raster, format="png", dpi=200, pil_kwargs={"compress_level": 3})
    sentence = f"{figure.sentence(subject)} {subject.doubt}".rstrip()
    title = f"{figure.title}: {clean(subject.scenario)}"
    text = vector.getvalue()
    return Drawn(
        name, figure.title, subject.scenario, sentence, text, svg.inline(text, name, title, colours), raster.getvalue()
    )
