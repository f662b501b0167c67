"""From which rate on one answer carries several messages, and asking costs less than pushing: against a known truth."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from bench.analysis.runs.batching import Place, batch_crossing, cost_crossing, crossings, curve, pulling
from bench.analysis.runs.cells import Cells
from tests._natures import NATURES
from tests._synthetic import synthetic
from tests._workloads import BATCH_HZ, worked

POLLING, WAITING, SSE, WEBSOCKET = NATURES[:4]
PUSHED_DEAR = replace(SSE, cpu_us=200.0)
PUSHED_CHEAP = replace(SSE, cpu_us=1.0)


def searched(*natures, blocks=3):
    """The searches for a capacity alone."""
    run, trials = synthetic(natures, ["broadcast"], blocks, troubles=False)
    run, every = worked(run, trials, natures, ["capacity"])
    return Cells(run, every[len(trials) :])


def between(cells, asker, pushed):
    found = cost_crossing(cells, cells.facts[asker.name], cells.facts[pushed.name])
    assert found is not None
    return found


def test_the_rate_from_which_an_answer_carries_several_messages_is_found():
    cells = searched(WAITING, SSE)
    found = batch_crossing(cells, cells.facts["long_polling"])
    assert found.place is Place.WITHIN
    assert found.rate_hz.median == pytest.approx(BATCH_HZ, rel=0.1)
    assert len(found.rate_hz.values) == 3


def test_whoever_always_carries_several_is_said_to():
    cells = searched(replace(POLLING, requests=0.2), SSE)
    found = batch_crossing(cells, cells.facts["polling"])
    assert (found.place, found.rate_hz) == (Place.BELOW, None)  # 5 messages per poll at 20/s, the lowest rate tried


def test_the_rate_at_which_asking_costs_less_than_pushing_is_found():
    """110 us / (1 + rate / 30) + 2 us for each message of an answer, 19 us for one that is pushed: equal at 164 /s."""
    cells = searched(WAITING, SSE)
    found = between(cells, WAITING, SSE)
    assert found.place is Place.WITHIN
    assert found.rate_hz.median == pytest.approx((110 / 17 - 1) * BATCH_HZ, rel=0.1)
    assert found.at_high < 1


def test_a_crossing_outside_the_measured_rates_is_said_to_lie_there():
    for pushed, where in ((PUSHED_DEAR, Place.BELOW), (PUSHED_CHEAP, Place.ABOVE)):
        cells = searched(WAITING, pushed)
        found = between(cells, WAITING, pushed)
        assert (found.place, found.rate_hz) == (where, None)
        assert (found.at_high < 1) is (where is Place.BELOW)


def test_without_enough_blocks_no_crossing_of_costs_is_named():
    found = between(searched(WAITING, SSE, blocks=2), WAITING, SSE)
    assert (found.place, found.too_few) == (Place.UNDECIDED, True)


def test_equal_costs_do_not_cross():
    cells = searched(replace(WAITING, requests=0.0, technique="long polling", cpu_us=19.0), SSE)
    assert between(cells, WAITING, SSE).place is Place.UNDECIDED


def test_who_was_measured_at_one_rate_alone_crosses_nothing():
    run, trials = synthetic(NATURES[:4], ["broadcast"], troubles=False)
    assert crossings(Cells(run, trials)) == []
    assert pulling(Cells(run, trials)) == []


def test_a_search_at_another_load_does_not_stand_beside_a_broadcast():
    run, trials = worked(*synthetic(NATURES[:4], ["broadcast"], troubles=False), NATURES[:4], ["capacity"])
    assert len(curve(Cells(run, trials), "cpu", "sse")) > 3
    other = [
        msgspec.structs.replace(trial, parameters={**trial.parameters, "payload_bytes": 9_000})
        if trial.planned.scenario == "capacity"
        else trial
        for trial in trials
    ]
    assert list(curve(Cells(run, other), "cpu", "sse")) == [20.0]


def test_products_that_ask_are_held_against_products_that_push():
    cells = Cells(*worked(*synthetic(troubles=False), names=["capacity"]))
    pairs = {(one.variant.name, one.other.name) for one in crossings(cells) if one.other}
    assert pairs == {
        ("polling", "sse"), ("polling", "websocket"), ("long_polling", "sse"), ("long_polling", "websocket"),
        ("flask_socketio_polling", "flask_socketio"),
    }  # fmt: skip
