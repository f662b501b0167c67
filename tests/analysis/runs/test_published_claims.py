"""Published claims held against planted numbers: what can be tested is reproduced by one run and not by another."""

from __future__ import annotations

import re
from dataclasses import replace

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.published_claims import (
    MEBI,
    PUBLISHED_CLAIMS,
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
    """Polls of so many header bytes each, one poll per message, and frames of so many; two segments each."""
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
    found = header_overhead(with_wire(871, 2))
    assert found.verdict is Reproduction.REPRODUCED
    numbers = facts(found)
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
    found = push_to_pull(cells_with({"long_polling": {"cpu_us": long_polling_us}}))
    assert found.verdict is verdict
    assert facts(found)["long polling to short polling"] == pytest.approx(long_polling_us / 45, rel=0.15)
    assert "--sweep poll_interval_s" in found.note


def swept(run_and_trials: tuple, parameter: str, value: float, change: dict[str, float]) -> Cells:  # type: ignore[type-arg]
    """A run with one more point: the CPU and the requests of some variants multiplied by a factor there."""
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


def test_along_a_sweep_of_the_poll_interval_push_to_pull_is_told_at_every_point() -> None:
    cells = swept(synthetic(scenarios=["broadcast"], troubles=False), "poll_interval_s", 0.1, {"polling": 2.5})
    found = push_to_pull(cells)
    assert (found.verdict, found.note.split(". ")[1]) == (
        Reproduction.NOT_REPRODUCED,
        "Met at none of the poll intervals.",
    )
    numbers = facts(found)
    ours, theirs = (cells.estimate("cpu", "broadcast", name) for name in ("long_polling", "polling"))
    assert ours
    assert theirs
    assert numbers["long polling, polls every 0.25 s"] == pytest.approx(ours.median / theirs.median)
    assert numbers["long polling, polls every 0.1 s"] == pytest.approx(ours.median / theirs.median / 2.5, rel=0.01)


def test_push_to_pull_may_be_met_at_some_poll_intervals_alone() -> None:
    cells = swept(synthetic(scenarios=["broadcast"], troubles=False), "poll_interval_s", 2.0, {"polling": 0.35})
    found = push_to_pull(cells)
    assert found.verdict is Reproduction.REPRODUCED
    assert found.note.endswith("Met with polls every 2 s, not with 0.25 s.")


@pytest.mark.parametrize(("factor", "verdict"), [(0.05, Reproduction.REPRODUCED), (0.8, Reproduction.NOT_REPRODUCED)])
def test_batching_is_judged_at_the_highest_rate(factor: float, verdict: Reproduction) -> None:
    cells = swept(synthetic(scenarios=["broadcast"], troubles=False), "rate_hz", 200.0, {"long_polling": factor})
    found = implicit_batching(cells)
    assert found.verdict is verdict
    assert facts(found)["messages per response at 200/s"] == pytest.approx(1 / (0.98 * factor), rel=0.02)


def test_without_a_sweep_batching_is_not_testable_and_names_the_command() -> None:
    found = implicit_batching(cells_with({}))
    assert found.verdict is Reproduction.NOT_TESTABLE
    assert "python -m bench run -s broadcast --sweep rate_hz=" in found.note


@pytest.mark.parametrize(
    ("sse_us", "verdict"), [(800.0, Reproduction.NOT_REPRODUCED), (4_000.0, Reproduction.REPRODUCED)]
)
def test_a_large_margin_must_hold_over_both(sse_us: float, verdict: Reproduction) -> None:
    found = large_margins(cells_with({"sse": {"service_us": sse_us}}))
    assert found.verdict is verdict
    assert facts(found)["median latency, SSE to WebSocket"] == pytest.approx(sse_us / 780, rel=0.1)


def test_a_run_without_the_techniques_tests_nothing_and_says_what_would() -> None:
    for held in (Cells(*synthetic(scenarios=["idle"], troubles=False)),
                 Cells(*synthetic(NATURES[4:], ["broadcast"], troubles=False))):  # fmt: skip
        for classic in PUBLISHED_CLAIMS:
            found = classic.read(held)
            assert found.verdict is Reproduction.NOT_TESTABLE
            assert found.note
            assert not found.facts


def test_what_the_records_do_not_hold_is_never_called_reproduced() -> None:
    held = Cells(*synthetic(troubles=False))
    verdicts = {classic.source: classic.read(held).verdict for classic in PUBLISHED_CLAIMS}
    untestable = {source for source, verdict in verdicts.items() if verdict is Reproduction.NOT_TESTABLE}
    assert untestable == {
        "RFC 6202, section 2.2", "aspnet/SignalR 2293", "Fladvad and Khans 2021", "Aquilio 2017",
        "CometD's published benchmark",
    }  # fmt: skip


def test_two_blocks_reproduce_no_ratio() -> None:
    held = Cells(*synthetic(blocks=2, troubles=False))
    for find in (push_to_pull, large_margins):
        assert find(held).verdict is Reproduction.NOT_TESTABLE


def test_every_command_that_a_note_names_is_one_that_the_bench_takes() -> None:
    runs = (cells_with({}), Cells(*synthetic(blocks=2, troubles=False)), cells_with({}, "idle"))
    notes = {classic.read(held).note for classic in PUBLISHED_CLAIMS for held in runs}
    commands = {found for note in notes for found in re.findall(r"python -m bench run(?: -\S+ \S+)+", note)}
    assert len(commands) == 7
    for command in commands:
        asked = parse(command.split()[3:])
        scenarios, sweeps = tuple(asked.scenario), tuple(asked.sweep)
        settle(Request(scenarios=scenarios, changes=tuple(asked.set), sweeps=sweeps, variants=tuple(asked.variant)))
