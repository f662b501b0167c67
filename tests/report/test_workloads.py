"""The section "Workloads": what it says of a run whose truth is known, and what of a run that holds none of them."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.cli import parse
from bench.report.figures import Drawn, drawn, painted, scenes
from bench.report.figures._canvas import drawing
from bench.report.figures._figure import WORKLOADS
from bench.report.sections._batching_sentences import COMMAND
from bench.report.sections.workloads import BATCHING, reported
from bench.report.sections.workloads import workloads as section
from bench.report.traced import Number, Phrase, plain
from bench.results import Run, Trial
from bench.units import quantity
from tests._natures import NATURES
from tests._synthetic import HOSTILE, hostile, instrumented, synthetic
from tests._workloads import worked, workloads
from tests.report._pages import Reader, report, worded

NAMES = [BATCHING, *reported()]
FIGURES = {"batching-broadcast", "burst-burst", "drain-burst", "chat-chat", "capacity-capacity",
           "capacity-search-capacity", "storm-storm", "storm-cost-storm"}  # fmt: skip


@pytest.fixture(scope="module")
def run() -> tuple[Run, list[Trial]]:
    return workloads(harness=True)


@pytest.fixture(scope="module")
def cells(run: tuple[Run, list[Trial]]) -> Cells:
    return Cells(*run)


@pytest.fixture(scope="module")
def figures(cells: Cells) -> dict[str, Drawn]:
    return {figure.name: figure for figure in drawn(cells) if figure.section == WORKLOADS}


def answers(cells: Cells, name: str) -> list[str]:
    """The sentences about a workload."""
    workload = next(one for one in section(cells).workloads if one.name == name)
    return [plain(phrase).replace("\N{NO-BREAK SPACE}", " ") for phrase in workload.answers]


def numbers(phrase: Phrase) -> list[Number]:
    return [part for part in phrase if isinstance(part, Number)]


def rows(figure: Drawn) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(figure.csv)))


def test_every_workload_has_its_paragraph_and_its_figures(cells: Cells, figures: dict[str, Drawn]) -> None:
    assert [one.name for one in section(cells).workloads] == NAMES
    assert figures.keys() == FIGURES
    assert section(cells).unmeasured == []
    for figure in figures.values():
        assert figure.sentence.endswith(".")
        assert rows(figure)


def test_the_numbers_of_a_paragraph_are_those_of_the_cells(cells: Cells) -> None:
    seen = 0
    for workload in section(cells).workloads:
        for number in (one for phrase in workload.answers for one in numbers(phrase) if one.kind == "median"):
            found = cells.estimate(number.metric, number.scenario, number.variant)
            assert found is not None
            assert number.value == found.median
            seen += 1
    assert seen > 60


def test_a_ranking_says_no_more_than_the_comparisons_show(cells: Cells) -> None:
    """12 and 19 us of CPU per delivery: a burst is over sooner with WebSocket; equals show no difference."""
    said = answers(cells, "burst")[0]
    techniques, products = said.split(". Products: ")
    assert re.search(r": WebSocket \S+ ms .*; worse: SSE", techniques)
    assert "beside plain WebSocket" in products
    equal = [msgspec.structs.replace(trial, bursts=cells.valid("burst", "sse")[trial.planned.block].bursts)
             if trial.planned.scenario == "burst" else trial for trial in cells.trials]  # fmt: skip
    level = answers(Cells(cells.run, equal), "burst")[0]
    assert "no difference shown from it: " in level
    assert "worse: " not in level
    assert "no difference shown from plain" in level


def test_too_few_trials_rank_nobody() -> None:
    few = Cells(*workloads(blocks=2))
    for name in NAMES:
        said = " ".join(answers(few, name))
        assert "worse: " not in said
        assert "too few trials" in said


def test_where_the_generator_gave_way_a_capacity_is_at_least_what_was_found(cells: Cells) -> None:
    """Made up: one core allows 791 messages/s with WebSocket, and more than the generator sends with long polling."""
    first, delivered, ended, *_ = answers(cells, "capacity")
    assert re.search(r"350 ms: .*Long polling at least 1,\d+ /s .*; worse: WebSocket [678]\d\d /s \(", first)
    assert re.search(r"WebSocket [^;,]*\), at most 0\.", first)
    assert re.search(r"the load generator or its publisher was saturated before the server \([^;]*Long polling", ended)
    assert re.search(r"the server saturated its core \(.*WebSocket", ended)
    assert re.search(r"WebSocket [678]\d,\d\d\d /s", delivered)


def test_how_evenly_messages_are_sent_is_reported_for_the_sustained_rates(cells: Cells) -> None:
    """Made up: at those rates p50 of the delay after the due time is 40 us and p99 is 3 ms; at others far more."""
    evenly = answers(cells, "capacity")[-1]
    assert re.search(r"sent at most 40\.\d µs \(p50\) and 3\.\d\d ms \(p99\) after they were due", evenly)
    unknown = [
        msgspec.structs.replace(
            trial, capacity=[msgspec.structs.replace(step, slip_p99_ns=None) for step in trial.capacity]
        )
        for trial in cells.trials
    ]  # fmt: skip
    assert "were due" not in " ".join(answers(Cells(cells.run, unknown), "capacity"))


@pytest.fixture(scope="module")
def endless(cells: Cells) -> Cells:
    """The same, but the generator gives way to every variant."""
    cut = [
        msgspec.structs.replace(trial, capacity=[
            msgspec.structs.replace(step, verdict="generator") if step.verdict == "exceeded" else step
            for step in trial.capacity
        ])
        for trial in cells.trials
    ]  # fmt: skip
    return Cells(cells.run, cut)


def test_no_technique_is_worse_than_one_whose_search_had_no_end(endless: Cells) -> None:
    said = answers(endless, "capacity")[0]
    assert re.search(r"limit not reached: .*WebSocket at least", said)
    assert "worse: " not in said


def under_the_axis(cells: Cells) -> str:
    """What stands under the axis of the bars of capacity."""
    figure, scene = next(pair for pair in scenes(cells) if pair[0].name == "capacity")
    with drawing():
        return str(painted(figure, scene).axes[0].get_xlabel())


def test_a_noise_floor_is_drawn_only_where_somebody_may_be_behind(cells: Cells, endless: Cells) -> None:
    assert "noise floor, from the best technique" in under_the_axis(cells)
    assert under_the_axis(endless) == ""


def test_the_crossing_of_batching_stands_in_figure_and_paragraph(cells: Cells, figures: dict[str, Drawn]) -> None:
    said = " ".join(answers(cells, "batching"))
    assert re.search(r"Long polling: one response carries 2 messages from [2-5]\d\.\d /s \(", said)
    crossed = re.search(r"falls below that of SSE at (\d+) /s", said)
    assert crossed
    (row,) = [row for row in rows(figures["batching-broadcast"])
              if row["variant"] == "long_polling" and row["crossing"].startswith("CPU beside SSE")]  # fmt: skip
    assert quantity(float(row["median"]), "per s").startswith(crossed[1])


def test_a_storm_reports_dropped_connects_and_the_variants_that_cannot_show_its_end(cells: Cells) -> None:
    said = answers(cells, "storm")
    assert any(sentence.endswith("in the worst trial: Polling 3.") for sentence in said)
    assert "flask-sse cannot show a subscription before the first message." in said
    assert not any("flask-sse" in sentence for sentence in said[:3])


def test_a_room_stands_beside_the_echo(cells: Cells, figures: dict[str, Drawn]) -> None:
    assert any(
        sentence.startswith("CPU per delivery in a room, divided by that of an echo: ")
        for sentence in answers(cells, "chat")
    )
    beside = [row for row in rows(figures["chat-chat"]) if row["what"] == "median"]
    for row in beside:
        found = cells.estimate({"latency_p50": "round_trip_p50", "cpu": "cpu"}[row["metric"]], "echo", row["variant"])
        assert found is not None
        assert float(row["beside"]) == pytest.approx(found.median)
    alone = Cells(*worked(*synthetic(NATURES[2:4], ["broadcast"], troubles=False), NATURES[2:4], ["chat"]))
    assert len(answers(alone, "chat")) == 2


def test_every_step_of_a_search_is_in_the_numbers_of_its_figure(cells: Cells, figures: dict[str, Drawn]) -> None:
    steps = [row for row in rows(figures["capacity-search-capacity"]) if row["step"]]
    assert len(steps) == sum(len(trial.capacity) for trial in cells.trials if trial.planned.variant != "null")
    least = {row["variant"]: row["at_least"] for row in rows(figures["capacity-capacity"]) if row["what"] == "median"}
    assert (least["long_polling"], least["websocket"]) == ("1", "0")


def test_what_was_not_measured_is_one_line_with_a_command_that_can_be_typed(tmp_path: Path) -> None:
    run, trials = synthetic(NATURES[2:4], ["broadcast"], troubles=False)
    text = Reader(worded(tmp_path, run, trials).read_text(encoding="utf-8")).text
    assert "Not measured in this run: batching, burst, capacity, chat and storm." in text
    commands = [f"python -m bench run -s {name}" for name in reported()]
    for command in (*commands, COMMAND, "python -m bench run --profile full"):
        assert command in text
        parse(command.split()[3:])
    assert not any(figure.section == WORKLOADS for figure in drawn(Cells(run, trials)))


def test_a_workload_without_a_valid_trial_is_said_to_be_missing() -> None:
    run, trials = workloads(NATURES[2:4], blocks=1)
    lost = next(trial for trial in synthetic()[1] if trial.findings).findings
    struck = [msgspec.structs.replace(trial, findings=lost) if trial.planned.scenario == "storm" else trial
              for trial in trials]  # fmt: skip
    found = section(Cells(run, struck))
    assert found.invalid == ["storm"]
    assert "storm" not in [one.name for one in found.workloads]


def test_the_page_and_the_summary_of_a_hostile_run_hold_the_section(tmp_path: Path) -> None:
    natures = NATURES[1:5]
    run, trials = worked(*instrumented(*hostile(natures, blocks=2)), natures)
    page = report(tmp_path, run, trials)
    reader = Reader(page.read_text(encoding="utf-8"))
    assert reader.open == []
    assert "Time until the last of 100 subscribers has all 20 messages of a burst" in reader.text
    summary = (page.parent / "summary.md").read_text(encoding="utf-8").split("## Workloads")[1]
    assert HOSTILE not in summary
    assert "Time until the last of 100 subscribers" in summary


def test_the_law_of_a_fan_out_counts_the_members_of_a_room_and_knows_no_burst(cells: Cells) -> None:
    found = {figure.name: figure for figure in drawn(cells)}
    assert "fan-out-burst" not in found
    law = {row["variant"]: row["law_ns"] for row in rows(found["fan-out-chat"]) if row["what"] == "median"}
    assert float(law["websocket"]) == pytest.approx(10 * 12_000, rel=0.1)


def test_what_is_queued_of_a_burst_is_read_off_its_own_figure_and_no_other(cells: Cells) -> None:
    found = {figure.name: figure for figure in drawn(cells)}
    assert "latency-burst" not in found
    assert "All 20 messages of a burst are due at the same moment" in found["drain-burst"].sentence
    drawn_ns = {
        row["variant"]: float(row["latency_ns"]) for row in rows(found["drain-burst"]) if float(row["share"]) == 1.0
    }
    last_ns = {name: max(one.latency.max_ns for one in cells.valid("burst", name)) for name in drawn_ns}
    assert drawn_ns == pytest.approx(last_ns, rel=0.01)
