"""What the report opens with: computed sentences, groups and claims that name losses as plainly as wins."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.analysis.cells import Cells
from bench.analysis.claims import claims
from bench.report.sections import claimed, opening
from bench.report.sections.answer import Opening
from bench.report.traced import Number, plain
from bench.results import load
from tests._synthetic import NATURES, Nature, synthetic

REFERENCE = Path(__file__).parents[2] / "results" / "reference"
SPACE = "\N{NO-BREAK SPACE}"


def cells_with(changes: dict[str, dict[str, float]], natures: tuple[Nature, ...] = NATURES) -> Cells:
    return Cells(*synthetic([replace(one, **changes.get(one.name, {})) for one in natures], troubles=False))


def said(cells: Cells) -> Opening:
    return opening(cells, claims(cells))


def lines(found: Opening) -> dict[str, list[str]]:
    return {group.title: [plain(line).replace(SPACE, " ") for line in group.lines] for group in found.groups}


def test_the_sentence_names_who_is_beaten_who_is_level_and_what_is_lost() -> None:
    assert said(cells_with({})).sentence == (
        "WebSocket delivers fresher data than short polling and long polling and shows no difference in median delivery"
        " latency to SSE; it answers in shorter round trips than short polling and long polling and shows no difference"
        " in median echo round trip to SSE; it loses to short polling on memory per connection."
    )


def test_the_sentence_turns_with_the_numbers() -> None:
    slow = said(cells_with({"websocket": {"service_us": 5_000.0, "cpu_us": 90.0}})).sentence
    assert "loses in median delivery latency to long polling and SSE" in slow
    assert (
        "on server CPU per message in broadcast and server CPU per message in echo, to short polling on memory per"
        in slow
    )
    best = said(cells_with({"websocket": {"connection_kib": 5.0}})).sentence
    assert best.endswith("it loses on nothing else.")


def test_wins_and_losses_stand_in_groups_of_their_own_with_ratio_and_interval() -> None:
    found = lines(said(cells_with({"websocket": {"connection_kib": 30.0}})))
    assert list(found) == [
        "WebSocket wins", "WebSocket loses", "No difference shown", "What belongs to a product, not to its technique",
    ]  # fmt: skip
    (memory,) = found["WebSocket loses"]
    assert memory.startswith("memory per connection, idle: WebSocket ")
    assert "; short polling 0." in memory
    assert ", SSE 0." in memory
    assert any(line.startswith("server CPU per message, broadcast: WebSocket 12") for line in found["WebSocket wins"])


def test_a_product_is_named_with_what_it_adds() -> None:
    products = lines(said(cells_with({})))["What belongs to a product, not to its technique"]
    assert len(products) == 3
    (socketio,) = [line for line in products if line.startswith("Flask-SocketIO beside plain WebSocket: ")]
    assert "server CPU per message in broadcast 2." in socketio


def test_a_product_like_its_technique_shows_no_difference() -> None:
    twin = Nature("mine", "Mine", "SSE", "Mine", cpu_us=19, framing_bytes=31, connection_kib=22)
    products = lines(said(cells_with({}, (NATURES[2], NATURES[3], twin))))
    assert products["What belongs to a product, not to its technique"] == ["Mine beside plain SSE: no difference shown"]


def test_a_run_that_cannot_rank_says_so_and_groups_what_it_has() -> None:
    few = said(Cells(*synthetic(blocks=2, troubles=False)))
    assert few.sentence == "WebSocket on neutral ground was measured, but this run cannot rank it."
    assert list(lines(few)) == ["Too few trials to compare", "What belongs to a product, not to its technique"]
    assert {plain(line).split(": ")[1] for line in few.groups[1].lines} == {"too few trials"}


def test_without_its_protagonist_a_run_says_nothing_about_it() -> None:
    found = said(Cells(*synthetic(NATURES[:3], troubles=False)))
    assert found.sentence.startswith("This run has no valid trial of WebSocket on neutral ground")
    assert found.groups == []


def test_every_number_of_the_opening_knows_its_origin() -> None:
    for group in said(cells_with({})).groups:
        for line in group.lines:
            bare = "".join(part for part in line if isinstance(part, str))
            assert not any(char.isdigit() for char in bare), bare
            assert [part for part in line if isinstance(part, Number)]


def test_a_row_of_the_claims_says_which_way_it_came_out_and_where_it_is_drawn() -> None:
    table = claimed(claims(cells_with({"websocket": {"connection_kib": 30.0}})), ["memory-idle"])
    rows = {row.anchor: row for row in table.rows}
    row = rows["claim-memory-websocket-sse"]
    assert (row.verdict, row.opposite) == ("not supported", "WebSocket takes more memory than SSE")
    assert row.ratio is not None
    assert row.ratio < 1
    assert plain(row.ours).startswith("29")
    assert plain(row.theirs).startswith("2")
    assert row.figure == "memory-idle"
    assert rows["claim-cpu-websocket-sse"].figure == ""
    assert rows["claim-idle-cpu-websocket-sse"].figure == ""


def test_what_was_not_measured_is_listed_apart() -> None:
    table = claimed(claims(Cells(*synthetic(scenarios=["idle"], troubles=False))))
    assert {row.verdict.split(":")[0] for row in table.rows} <= {
        "supported",
        "not supported",
        "no difference beyond noise",
    }
    assert "WebSocket delivers fresher data than SSE (median delivery latency, broadcast)" in table.unmeasured


@pytest.mark.parametrize("kind", ["not-supported", "no-difference"])
def test_the_reference_run_holds_claims_that_came_out_against_websocket_or_undecided(kind: str) -> None:
    table = claimed(claims(Cells(*load(REFERENCE))))
    about = [row for row in table.rows if row.words.startswith("WebSocket ")]
    assert len(about) > 25
    assert [row for row in about if row.kind == kind]
    assert [row for row in about if row.kind == "supported"]
