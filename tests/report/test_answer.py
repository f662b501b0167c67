"""What the report opens with: computed sentences, groups and claims that name losses as plainly as wins."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from bench.analysis.numbers.statistics import FEWEST_TRIALS, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claim_verdicts import claims
from bench.report.opening import Opening, opening
from bench.report.opening.cautions import RANGE_TRIALS
from bench.report.sections.claims import table
from bench.report.traced import Number, plain
from bench.results import load
from tests._natures import NATURES, Nature
from tests._synthetic import synthetic

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
SPACE = "\N{NO-BREAK SPACE}"


def cells_with(changes: dict[str, dict[str, float]], natures: tuple[Nature, ...] = NATURES) -> Cells:
    return Cells(*synthetic([replace(one, **changes.get(one.name, {})) for one in natures], troubles=False))


def said(cells: Cells) -> Opening:
    return opening(cells, claims(cells))


def lines(found: Opening) -> dict[str, list[str]]:
    return {group.title: [plain(line).replace(SPACE, " ") for line in group.lines] for group in found.groups}


def test_the_sentence_names_who_is_beaten_who_is_level_and_what_is_lost() -> None:
    sentence = headline(cells_with({}))
    assert re.fullmatch(
        r"SSE shows no difference from WebSocket in freshness; short polling is 1\d\d\S as stale, long"
        r" polling 1\.\d\d\S; SSE takes 1\.\d\d\S WebSocket's CPU of a broadcast"
        r" and 1\.\d\d\S its echo CPU; WebSocket loses on memory per connection\.",
        sentence,
    ), sentence


def test_the_sentence_turns_with_the_numbers() -> None:
    slow = headline(cells_with({"websocket": {"service_us": 5_000.0, "cpu_us": 90.0, "connection_kib": 44.0}}))
    assert re.search(r"WebSocket is 3\.\d\d\S as stale as long polling, 6\.\d\d\S as stale as SSE", slow), slow
    assert re.search(
        r"the CPU of a broadcast, 4\.\d\d\S the echo CPU and (2\.\d\d|1\.9\d)\S the memory of SSE\.", slow
    ), slow
    assert "no difference" not in slow
    assert "SSE takes" not in slow
    best = headline(cells_with({"websocket": {"connection_kib": 5.0, "framing_bytes": 0, "connect_us": 300.0}}))
    assert best.endswith("; this run shows no loss of WebSocket on any theme.")
    level = headline(cells_with({"websocket": {"cpu_us": 19.0, "service_us": 800.0}}))
    assert level.startswith(
        "SSE shows no difference from WebSocket in freshness or CPU of a broadcast; short polling is "
    )


def test_the_sentence_is_short_on_the_reference_run() -> None:
    assert len(headline(Cells(*load(REFERENCE))).split()) <= 40


def headline(cells: Cells) -> str:
    return plain(said(cells).sentence).replace(SPACE, " ")


def test_wins_and_losses_stand_in_groups_of_their_own_with_ratio_and_interval() -> None:
    found = lines(said(cells_with({"websocket": {"connection_kib": 30.0}})))
    assert list(found) == [
        "WebSocket wins", "WebSocket loses", "No difference shown", "Too noisy to decide",
        "Differences of products from their technique",
    ]  # fmt: skip
    (memory,) = found["WebSocket loses"]
    assert memory.startswith("memory per connection, idle: WebSocket ")
    assert re.search(r", [23]\.\d\d\S that of short polling \(", memory)
    assert re.search(r", 1\.\d\d\S that of SSE \(1\.", memory)
    assert any(line.startswith("server CPU per message, broadcast: WebSocket 12") for line in found["WebSocket wins"])


def test_a_product_is_named_with_what_it_adds() -> None:
    products = lines(said(cells_with({})))["Differences of products from their technique"]
    assert len(products) == 3
    (socketio,) = [line for line in products if line.startswith("Flask-SocketIO beside plain WebSocket: ")]
    assert "server CPU per message in broadcast 2." in socketio


def test_a_product_like_its_technique_shows_no_difference() -> None:
    twin = Nature("mine", "Mine", "SSE", "Mine", cpu_us=19, framing_bytes=31, connection_kib=22)
    products = lines(said(cells_with({}, (NATURES[2], NATURES[3], twin))))
    assert products["Differences of products from their technique"] == ["Mine beside plain SSE: no difference shown"]


def test_a_run_that_cannot_rank_says_so_and_groups_what_it_has() -> None:
    few = said(Cells(*synthetic(blocks=2, troubles=False)))
    assert plain(few.sentence) == "This run measured WebSocket on neutral ground, but cannot rank it."
    assert list(lines(few)) == ["Too few trials to compare", "Differences of products from their technique"]
    assert {plain(line).split(": ")[1] for line in few.groups[1].lines} == {"too few trials"}


def test_without_its_protagonist_a_run_says_nothing_about_it() -> None:
    found = said(Cells(*synthetic(NATURES[:3], troubles=False)))
    assert plain(found.sentence).startswith("This run has no valid trial of WebSocket on neutral ground")
    assert found.groups == []


def test_every_number_of_the_opening_knows_its_origin() -> None:
    found = said(cells_with({}))
    for lines_of in (found.sentence,), found.loads, *(group.lines for group in found.groups):
        for line in lines_of:
            bare = "".join(part for part in line if isinstance(part, str))
            assert not any(char.isdigit() for char in bare), bare
            assert [part for part in line if isinstance(part, Number)]


def test_a_row_of_the_claims_says_which_way_it_came_out_and_where_it_is_drawn() -> None:
    claimed = table(claims(cells_with({"websocket": {"connection_kib": 30.0}})), ["memory-idle"])
    rows = {row.anchor: row for row in claimed.rows}
    row = rows["claim-memory-websocket-sse"]
    assert (row.verdict, row.opposite) == ("not supported", "WebSocket takes more memory than SSE")
    assert row.ratio is not None
    assert row.ratio < 1
    assert plain(row.beside).startswith("1.")
    assert isinstance(row.beside[0], Number)
    assert (row.beside[0].variant, row.beside[0].against) == ("websocket", "sse")
    assert row.beside[0].value == pytest.approx(1 / row.ratio)
    assert plain(row.ours).startswith("WebSocket 29")
    assert plain(row.theirs).startswith("SSE 2")
    assert row.figure == "memory-idle"
    assert rows["claim-cpu-websocket-sse"].figure == ""
    assert rows["claim-idle-cpu-websocket-sse"].figure == ""


def test_what_was_not_measured_is_listed_apart() -> None:
    claimed = table(claims(Cells(*synthetic(scenarios=["idle"], troubles=False))))
    assert {row.verdict.split(":")[0] for row in claimed.rows} <= {
        "supported",
        "not supported",
        "no difference beyond noise",
    }
    assert "WebSocket delivers fresher data than SSE (median delivery latency, broadcast)" in claimed.unmeasured


@pytest.mark.parametrize("kind", ["not-supported", "no-difference"])
def test_the_reference_run_holds_claims_that_came_out_against_websocket_or_undecided(kind: str) -> None:
    claimed = table(claims(Cells(*load(REFERENCE))))
    about = [row for row in claimed.rows if row.words.startswith("WebSocket ")]
    assert len(about) > 25
    assert [row for row in about if row.kind == kind]
    assert [row for row in about if row.kind == "supported"]


def test_the_load_and_the_ground_are_told_in_plain_words() -> None:
    found = said(cells_with({}))
    told = [plain(load).replace(SPACE, " ") for load in found.loads]
    assert told == [
        "Broadcast: 20 messages/s of 128 B to each of 100 subscribers, polling every 250 ms.",
        "Echo: each of 100 subscribers sends 2 messages/s of 128 B and gets them back.",
        "Idle: 0 to 400 silent subscribers.",
    ]
    assert found.ground.replace(SPACE, " ") == "gevent, one server process on one core, loopback, Python 3.12.1"


def test_a_scenario_of_other_parameters_is_not_told_and_another_poll_interval_is() -> None:
    run, trials = synthetic(troubles=False)
    broadcast, echo, idle = run.scenarios
    run = msgspec.structs.replace(run, scenarios=[
        broadcast, msgspec.structs.replace(echo, parameters={"subscribers": 5}),
        msgspec.structs.replace(idle, parameters={**idle.parameters, "poll_interval_s": 2.0}),
    ])  # fmt: skip
    told = [plain(load).replace(SPACE, " ") for load in said(Cells(run, trials)).loads]
    assert [words.split(":")[0] for words in told] == ["Broadcast", "Idle"]
    assert told[1].endswith("polling every 2 s.")


@pytest.mark.parametrize(
    ("blocks", "words"),
    [
        (2, "90 % interval."),
        (3, "the range of its trials (coverage at most 75 %)."),
        (6, "its bootstrap interval (coverage at most 95 %)."),
    ],
)
def test_what_brackets_mean_follows_from_the_number_of_trials(blocks: int, words: str) -> None:
    assert said(Cells(*synthetic(blocks=blocks, troubles=False))).reading.replace(SPACE, " ").endswith(words)


@pytest.mark.parametrize("trials", range(FEWEST_TRIALS, 9))
def test_the_interval_of_a_median_is_the_range_of_so_many_trials_and_no_more(trials: int) -> None:
    values = [float(value) ** 2 for value in range(1, trials + 1)]
    found = estimate(values)
    assert found is not None
    assert ((found.low, found.high) == (values[0], values[-1])) is (trials <= RANGE_TRIALS)


def test_a_poll_that_carries_several_messages_explains_the_bytes_that_it_saves() -> None:
    (line,) = lines(said(cells_with({"websocket": {"framing_bytes": 400}})))["WebSocket loses"][:1]
    assert "bytes on the wire per message" in line
    assert line.count("(one poll carries 5 messages here)") == 1
    assert "that of short polling" in line.split("(one poll")[0]


def test_a_wide_interval_is_said_to_be_too_noisy_and_a_narrow_one_is_not() -> None:
    noisy = [row for row in table(claims(Cells(*load(REFERENCE)))).rows if row.noisy]
    assert noisy
    assert {row.verdict for row in noisy} == {"no difference beyond noise"}
    calm = table(claims(cells_with({"websocket": {"cpu_us": 19.0}}))).rows
    (row,) = [row for row in calm if row.anchor == "claim-cpu-websocket-sse"]
    assert (row.verdict, row.noisy) == ("no difference beyond noise", False)
