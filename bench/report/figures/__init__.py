"""The figures of a report as one table: name, title, the sentence that says what to see, and how it is drawn.

A new figure is one more entry. `drawn` draws all that a run has facts for, once per scenario where that makes sense,
and once per swept parameter where it is a figure of sweeps.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import FAULTS
from bench.report import palette, svg
from bench.report.figures import (
    _panels,
    _places,
    batching,
    burst,
    calibration,
    capacity,
    cost,
    course,
    dropped,
    fanout,
    latency,
    law,
    outage,
    paths,
    polling,
    restart,
    slow_reader,
    standing,
    sweeps,
    tradeoff,
    workloads,
)
from bench.report.figures._canvas import FOOT_IN, HEAD_IN, Subject, absences, drawing, settle, sign
from bench.report.figures._data import Sheet
from bench.report.text import clean, slug

FIGURES_SECTION, WORKLOADS_SECTION, FAULTS_SECTION = "figures", "workloads", "faults"
"""The sections of the page that hold figures."""

Scenarios = Callable[[Cells], list[str]]
Parameters = Callable[[Cells, str], list[str]]


def _once(_: Cells, __: str) -> list[str]:
    """A figure that is about no parameter is drawn once in a scenario."""
    return [""]


@dataclass(frozen=True, slots=True)
class Figure:
    """One entry of the table: what is seen (`sentence`), the drawing, the same in words (`alt`), its numbers (`data`).

    All are only asked for scenarios that `scenarios` returned, and of these for every one of `parameters`. `missing`:
    the sentence also says who is missing; not where they have rows, nor where the figure is not about all variants.
    section: where in the page it stands.
    """

    name: str
    title: str
    sentence: Callable[[Subject], str]
    draw: Callable[[Subject], Canvas]
    alt: Callable[[Subject], str]
    data: Callable[[Subject], Sheet]
    scenarios: Scenarios
    parameters: Parameters = _once
    missing: bool = True
    section: str = FIGURES_SECTION


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished figure: its file name, heading and sentence, what is seen in words, its renderings, its numbers, and
    the section of the page in which it stands."""

    name: str
    title: str
    scenario: str
    sentence: str
    alt: str
    svg: str
    inline: str
    png: bytes
    csv: str
    section: str = FIGURES_SECTION


UNSAID = ("Date", "Creator", "Type", "Format")
"""What an SVG would say of the moment and the program that wrote it: equal runs give equal files."""

LATENCIES = ("latency_p50", "latency_p99", "round_trip_p50", "round_trip_p99")
OVERHEADS = ("wire_framing", "wire_segments")

FIGURES = (
    Figure("tradeoff", "Cost against freshness", tradeoff.tradeoff_sentence, tradeoff.tradeoff, tradeoff.tradeoff_alt,
           tradeoff.sheet, _places.comparable),
    Figure("latency", "Delivery latency", latency.curves_sentence, latency.curves, latency.curves_alt,
           latency.curves_sheet, latency.one_by_one),
    Figure("round-trip", "Echo round trip", latency.curves_sentence, latency.curves, latency.curves_alt,
           latency.curves_sheet, latency.both_ways),
    Figure("time", "Latency over time", course.time_sentence, course.over_time, course.time_alt, course.time_sheet,
           course.with_series),
    Figure("fan-out", "Last receiver of a fan-out", fanout.fan_out_sentence, fanout.fan_out, cost.told(fanout.METRIC),
           fanout.sheet, fanout.one_by_one, missing=False),
    Figure("cpu", "Server CPU per delivered message", cost.cpu_sentence, cost.cpu, cost.told("cpu"),
           cost.sheet("cpu", tuple(name for name, _ in cost.CPU_PARTS)), cost.having("cpu"), missing=False),
    Figure("wire", "Bytes on the wire per delivered message", cost.wire_sentence, cost.wire, cost.told("wire"),
           cost.sheet("wire", tuple(name for name, _ in cost.WIRE_PARTS)), cost.having("wire"), missing=False),
    Figure("requests", "HTTP requests per delivered message", cost.requests_sentence, cost.requests,
           cost.told("requests"), cost.sheet("requests"), cost.having("requests"), missing=False),
    Figure("memory", "Memory per connection", standing.memory_sentence, standing.memory, standing.memory_alt,
           standing.memory_sheet, cost.having(standing.SLOPE)),
    Figure("connect", "Time to connect", standing.connect_sentence, standing.connect, cost.told("connect_p50"),
           cost.sheet("connect_p50"), standing.most_connects, missing=False),
    Figure("law", "Polling beside its law", law.law_sentence, law.law, law.law_alt, law.law_sheet, law.with_polling,
           missing=False),
    Figure("law-intervals", "Polling at every interval", polling.intervals_sentence, polling.intervals,
           polling.intervals_alt, polling.intervals_sheet, polling.over_intervals, missing=False),
    Figure("sweep-latency", "Latency", sweeps.sentence(*LATENCIES), sweeps.draw(*LATENCIES), sweeps.alt(*LATENCIES),
           sweeps.sheet(*LATENCIES), sweeps.swept(*LATENCIES), sweeps.parameters(*LATENCIES)),
    Figure("sweep-cpu", "Server CPU per message", sweeps.sentence("cpu"), sweeps.draw("cpu"), sweeps.alt("cpu"),
           sweeps.sheet("cpu"), sweeps.swept("cpu"), sweeps.parameters("cpu")),
    Figure("sweep-wire", "Bytes beyond the payload", sweeps.sentence(*OVERHEADS), sweeps.draw(*OVERHEADS),
           sweeps.alt("wire", *OVERHEADS), sweeps.sheet("wire", *OVERHEADS), sweeps.swept(*OVERHEADS),
           sweeps.parameters(*OVERHEADS, only="payload_bytes")),
    Figure("batching", "Batching against publish rate", batching.sentence, batching.draw, batching.alt, batching.sheet,
           batching.over_rates, missing=False, section=WORKLOADS_SECTION),
    Figure("burst", "A whole burst", burst.whole_sentence, _panels.draw(burst.PANELS), _panels.alt(burst.PANELS),
           _panels.sheet(burst.PANELS), cost.having("burst_p50"), missing=False, section=WORKLOADS_SECTION),
    Figure("drain", "How a burst drains", burst.drain_sentence, burst.drain, latency.curves_alt, latency.curves_sheet,
           latency.in_bursts, section=WORKLOADS_SECTION),
    Figure("chat", "Rooms beside the echo", workloads.chat_sentence, _panels.draw(workloads.CHAT, workloads.CHAT_KEY),
           _panels.alt(workloads.CHAT), _panels.sheet(workloads.CHAT), workloads.in_rooms, missing=False,
           section=WORKLOADS_SECTION),
    Figure("capacity", "Messages per second sustained", capacity.most_sentence, capacity.most, capacity.most_alt,
           capacity.most_sheet, cost.having(capacity.METRIC), missing=False, section=WORKLOADS_SECTION),
    Figure("capacity-search", "The search for the capacity", capacity.search_sentence, capacity.search,
           capacity.search_alt, capacity.search_sheet, capacity.with_searches, section=WORKLOADS_SECTION),
    Figure("storm", "Subscribed after a storm of connects", workloads.storm_sentence, workloads.storm,
           workloads.storm_alt, workloads.storm_sheet, workloads.with_storms, section=WORKLOADS_SECTION),
    Figure("storm-cost", "What a storm of connects costs", workloads.storm_cost_sentence,
           _panels.draw(workloads.STORM), _panels.alt(workloads.STORM), _panels.sheet(workloads.STORM),
           cost.having("arrival_cpu"), missing=False, section=WORKLOADS_SECTION),
    Figure("missed", "Missed, and fresh again", dropped.sentence, dropped.draw, dropped.alt, dropped.sheet,
           dropped.dropped, missing=False, section=FAULTS_SECTION),
    Figure("return", "Coming back to a new server", restart.sentence, restart.draw, restart.alt, restart.sheet,
           restart.restarted, section=FAULTS_SECTION),
    Figure("neighbours", "Beside a slow reader", slow_reader.sentence, slow_reader.draw, slow_reader.alt,
           slow_reader.sheet, slow_reader.slow_reader, missing=False, section=FAULTS_SECTION),
    Figure("away", "Deliveries while the broker is away", outage.sentence, outage.draw, outage.alt, outage.sheet,
           outage.outage, section=FAULTS_SECTION),
    Figure("paths", "Latency over poor paths", paths.sentence, paths.draw, paths.alt, paths.sheet, paths.lossy,
           section=FAULTS_SECTION),
    Figure("calibration", "Planted and read back", calibration.read_back_sentence, calibration.read_back,
           calibration.read_back_alt, calibration.read_back_sheet, calibration.calibrated, missing=False),
)  # fmt: skip


def drawn(cells: Cells) -> Iterator[Drawn]:
    """Every figure that the run has facts for, in the order of the table."""
    looks = palette.looks(cells.shown)
    colours = palette.THEME | {look.colour: look.css for look in looks.values()}
    for figure, subject in subjects(cells):
        yield _render(figure, subject, colours)


def subjects(cells: Cells) -> Iterator[tuple[Figure, Subject]]:
    """Every figure with what it is to be drawn from, in the order of the table. Of what goes wrong only the figures of
    that section are drawn: in the others a number would stand without its delivery class."""
    looks = palette.looks(cells.shown)
    for figure in FIGURES:
        for scenario in figure.scenarios(cells):
            if scenario in FAULTS and figure.section != FAULTS_SECTION:
                continue
            for parameter in figure.parameters(cells, scenario):
                yield figure, Subject(cells, scenario, looks, parameter)


def title(figure: Figure, subject: Subject) -> str:
    """What a figure is called, without its scenario."""
    return f"{figure.title} against {sweeps.scale(subject.parameter).name}" if subject.parameter else figure.title


def painted(figure: Figure, subject: Subject) -> Canvas:
    """The drawing, with its title and its origin; to be asked for, and saved, while `drawing` holds."""
    canvas = figure.draw(subject)
    settle(canvas)
    sign(
        canvas,
        f"{title(figure, subject)}: {clean(subject.scenario)}",
        f"Pushbench, run {clean(subject.cells.run.name)}",
    )
    return canvas


def _render(figure: Figure, subject: Subject, colours: dict[str, str]) -> Drawn:
    name = "-".join(
        part for part in (figure.name, slug(subject.scenario), subject.parameter and slug(subject.parameter)) if part
    )
    heading = title(figure, subject)
    full = f"{heading}: {clean(subject.scenario)}. Pushbench, run {clean(subject.cells.run.name)}"
    with drawing():
        canvas = painted(figure, subject)
        vector, raster = io.StringIO(), io.BytesIO()
        canvas.savefig(
            vector, format="svg", metadata={"Title": full} | dict.fromkeys(("Date", "Creator", "Type", "Format"))
        )
        canvas.savefig(
            raster, format="png", dpi=200, metadata={"Title": full, "Software": None}, pil_kwargs={"compress_level": 3}
        )
    missing = absences(subject) if figure.missing else ""
    sentence = " ".join(part for part in (figure.sentence(subject), missing, subject.doubt) if part)
    alt = f"{heading}, {clean(subject.scenario)}. {figure.alt(subject)}"
    text = vector.getvalue()
    inline = svg.inline(text, name, alt, colours, 72 * HEAD_IN, 72 * FOOT_IN)
    return Drawn(
        name,
        heading,
        subject.scenario,
        sentence,
        alt,
        text,
        inline,
        raster.getvalue(),
        figure.data(subject).text,
        figure.section,
    )
