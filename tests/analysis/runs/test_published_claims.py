"""Published claims and runs with known values: a testable claim is reproduced by one run and not by another."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.published_claims import PUBLISHED_CLAIMS
from bench.analysis.runs.reproduction import (
    MEBI,
    Reading,
    Reproduction,
    header_overhead,
    implicit_batching,
    large_margins,
    push_to_pull,
)
from bench.cli import parse
from bench.planning.request import Request, settle
from bench.results import Trial, Wire
from tests._natures import NATURES
from tests._synthetic import synthetic


def cells_with(changes: dict[str, dict[str, float]], scenario: str = "broadcast") -> Cells:
    natures = [replace(nature, **changes.get(nature.name, {})) for nature in NATURES]
    return Cells(*synthetic(natures, [scenario], troubles=False))


def facts(finding: Reading) -> dict[str, float]:
    return {fact.words: fact.value for fact in finding.facts}


def with_wire(poll_headers: int, frame_header: int) -> Cells:
    """Polls and frames with these header bytes; one poll per message, two segments each."""
    run, trials = synthetic(scenarios=["broadcast"], troubles=False)

    def rewired(trial: Trial) -> Trial:
        overhead = {"polling": poll_headers, "websocket": frame_header}.get(trial.planned.variant)
        if overhead is None:
            return trial
        wire = Wire(
            window_ns=1_000_000_000, deliveries=100, payload_received_bytes=10_000, payload_sent_bytes=0,
            received_bytes=10_000 + 100 * overhead, sent_bytes=0, segments_in=100, segments_out=100,
            requests=100 if trial.planned.variant == "polling" else 0, connections_opened=0,
        )  # fmt: skip
        return msgspec.structs.replace(trial, wire=wire)

    return Cells(run, [rewired(trial) for trial in trials])


def test_headers_are_counted_per_poll_and_per_frame() -> None:
    reading = header_overhead(with_wire(871, 2))
    assert reading.verdict is Reproduction.REPRODUCED
    numbers = facts(reading)
    assert numbers["headers of a poll"] == 871
    assert numbers["header of a frame"] == 2
    assert numbers["poll to frame"] == 435.5
    assert numbers["with TCP and IP headers"] == pytest.approx((871 + 104) / (2 + 104))
    assert numbers["polls, 1,000 subscribers at 1/s"] == pytest.approx(6.645, abs=0.001)  # as published
    assert numbers["frames, 100,000 subscribers at 1/s"] == pytest.approx(1.526, abs=0.001)
    assert numbers["polls, 100,000 subscribers at 1/s"] == 8 * 871 * 100_000 / MEBI


@pytest.mark.parametrize(("poll", "frame"), [(240, 2), (871, 10), (4000, 2)])
def test_another_ratio_of_headers_does_not_reproduce_it(poll: int, frame: int) -> None:
    assert header_overhead(with_wire(poll, frame)).verdict is Reproduction.NOT_REPRODUCED


@pytest.mark.parametrize(
    ("long_polling_us", "verdict"),
    [(45.0 * 7, Reproduction.REPRODUCED), (90.0, Reproduction.NOT_REPRODUCED),
     (45.0 * 30, Reproduction.NOT_REPRODUCED)],
)  # fmt: skip
def test_push_to_pull_is_a_ratio_of_cpu(long_polling_us: float, verdict: Reproduction) -> None:
    reading = push_to_pull(cells_with({"long_polling": {"cpu_us": long_polling_us}}))
    assert reading.verdict is verdict
    assert facts(reading)["long polling to short polling"] == pytest.approx(long_polling_us / 45, rel=0.15)
    assert "--sweep poll_interval_s" in reading.note


def swept(run_and_trials: tuple, parameter: str, value: float, change: dict[str, float]) -> Cells:  # type: ignore[type-arg]
    """A run with one more point, at which CPU and requests of some variants are multiplied by a factor."""
    run, trials = run_and_trials
    points = []
    for trial in trials:
        factor = change.get(trial.planned.variant, 1.0)
        planned = msgspec.structs.replace(
            trial.planned, id=f"{trial.planned.id}-{parameter}", changes={parameter: value}
        )
        server = msgspec.structs.replace(trial.usage.server, cpu_ns=int(trial.usage.server.cpu_ns * factor))
        usage = msgspec.structs.replace(trial.usage, server=server)
        wire = msgspec.structs.replace(trial.wire, requests=int(trial.wire.requests * factor))
        parameters = {**trial.parameters, parameter: value}
        points.append(msgspec.structs.replace(trial, planned=planned, parameters=parameters, usage=usage, wire=wire))
    return Cells(msgspec.structs.replace(run, plan=[one.planned for one in [*trials, *points]]), [*trials, *points])


def test_with_a_sweep_of_the_poll_interval_push_to_pull_is_reported_at_every_point() -> None:
    cells = swept(synthetic(scenarios=["broadcast"], troubles=False), "poll_interval_s", 0.1, {"polling": 2.5})
    reading = push_to_pull(cells)
    assert (reading.verdict, reading.note.split(". ")[1]) == (
        Reproduction.NOT_REPRODUCED,
        "Met at none of the poll intervals.",
    )
    numbers = facts(reading)
    ours, theirs = (cells.estimate("cpu", "broadcast", name) for name in ("long_polling", "polling"))
    assert ours
    assert theirs
    assert numbers["long polling, polls every 0.25 s"] == pytest.approx(ours.median / theirs.median)
    assert numbers["long polling, polls every 0.1 s"] == pytest.approx(ours.median / theirs.median / 2.5, rel=0.01)


def test_push_to_pull_may_be_met_at_some_poll_intervals_only() -> None:
    cells = swept(synthetic(scenarios=["broadcast"], troubles=False), "poll_interval_s", 2.0, {"polling": 0.35})
    reading = push_to_pull(cells)
    assert reading.verdict is Reproduction.REPRODUCED
    assert reading.note.endswith("Met with polls every 2 s, not with 0.25 s.")


@pytest.mark.parametrize(("factor", "verdict"), [(0.05, Reproduction.REPRODUCED), (0.8, Reproduction.NOT_REPRODUCED)])
def test_batching_is_judged_at_the_highest_rate(factor: float, verdict: Reproduction) -> None:
    cells = swept(synthetic(scenarios=["broadcast"], troubles=False), "rate_hz", 200.0, {"long_polling": factor})
    reading = implicit_batching(cells)
    assert reading.verdict is verdict
    assert facts(reading)["messages per response at 200/s"] == pytest.approx(1 / (0.98 * factor), rel=0.02)


def test_without_a_sweep_batching_is_not_testable_and_names_the_command() -> None:
    reading = implicit_batching(cells_with({}))
    assert reading.verdict is Reproduction.NOT_TESTABLE
    assert "python -m bench run -s broadcast --sweep rate_hz=" in reading.note


@pytest.mark.parametrize(
    ("sse_us", "verdict"), [(800.0, Reproduction.NOT_REPRODUCED), (4_000.0, Reproduction.REPRODUCED)]
)
def test_a_large_margin_must_hold_over_both(sse_us: float, verdict: Reproduction) -> None:
    reading = large_margins(cells_with({"sse": {"service_us": sse_us}}))
    assert reading.verdict is verdict
    assert facts(reading)["median latency, SSE to WebSocket"] == pytest.approx(sse_us / 780, rel=0.1)


def test_a_run_without_the_techniques_tests_nothing_and_notes_what_would() -> None:
    for cells in (Cells(*synthetic(scenarios=["idle"], troubles=False)),
                 Cells(*synthetic(NATURES[4:], ["broadcast"], troubles=False))):  # fmt: skip
        for claim in PUBLISHED_CLAIMS:
            reading = claim.read(cells)
            assert reading.verdict is Reproduction.NOT_TESTABLE
            assert reading.note
            assert not reading.facts


def test_claims_without_facts_in_the_records_are_not_testable() -> None:
    cells = Cells(*synthetic(troubles=False))
    verdicts = {claim.source: claim.read(cells).verdict for claim in PUBLISHED_CLAIMS}
    untestable = {source for source, verdict in verdicts.items() if verdict is Reproduction.NOT_TESTABLE}
    assert untestable == {
        "RFC 6202, section 2.2", "aspnet/SignalR 2293", "Fladvad and Khans 2021", "Aquilio 2017",
        "CometD's published benchmark",
    }  # fmt: skip


def test_two_blocks_reproduce_no_ratio() -> None:
    cells = Cells(*synthetic(blocks=2, troubles=False))
    for read in (push_to_pull, large_margins):
        assert read(cells).verdict is Reproduction.NOT_TESTABLE


def test_the_commands_in_the_notes_are_valid() -> None:
    runs = (cells_with({}), Cells(*synthetic(blocks=2, troubles=False)), cells_with({}, "idle"))
    notes = {claim.read(cells).note for claim in PUBLISHED_CLAIMS for cells in runs}
    commands = {match for note in notes for match in re.findall(r"python -m bench run(?: -\S+ \S+)+", note)}
    assert len(commands) == 7
    for command in commands:
        options = parse(command.split()[3:])
        scenarios, sweeps = tuple(options.scenario), tuple(options.sweep)
        settle(Request(scenarios=scenarios, changes=tuple(options.set), sweeps=sweeps, variants=tuple(options.variant)))
