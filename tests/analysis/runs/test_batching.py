"""The rates from which one response carries several messages, and from which pulling costs less than pushing."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from bench.analysis.runs.batching import Place, batch_crossing, cost_crossing, crossings, curve, pulling
from bench.analysis.runs.cells import Cells
from tests._natures import NATURES
from tests._synthetic import synthetic
from tests._trials import over_broker
from tests._workloads import BATCH_HZ, worked

POLLING, LONG_POLLING, SSE, WEBSOCKET = NATURES[:4]
EXPENSIVE_PUSH = replace(SSE, cpu_us=200.0)
CHEAP_PUSH = replace(SSE, cpu_us=1.0)


def searches(*natures, blocks=3):
    """The cells of searches for a capacity only."""
    run, trials = synthetic(natures, ["broadcast"], blocks, troubles=False)
    run, every = worked(run, trials, natures, ["capacity"])
    return Cells(run, every[len(trials) :])


def crossing_of(cells, puller, pusher):
    crossing = cost_crossing(cells, cells.facts[puller.name], cells.facts[pusher.name])
    assert crossing is not None
    return crossing


def test_the_rate_from_which_a_response_carries_several_messages():
    cells = searches(LONG_POLLING, SSE)
    crossing = batch_crossing(cells, cells.facts["long_polling"])
    assert crossing.place is Place.WITHIN
    assert crossing.rate_hz.median == pytest.approx(BATCH_HZ, rel=0.1)
    assert len(crossing.rate_hz.values) == 3


def test_a_variant_with_several_messages_at_every_rate_is_below():
    cells = searches(replace(POLLING, requests=0.2), SSE)
    crossing = batch_crossing(cells, cells.facts["polling"])
    # 5 messages per poll at 20/s, the lowest rate tried
    assert (crossing.place, crossing.rate_hz) == (Place.BELOW, None)


def test_the_rate_from_which_pulling_costs_less_than_pushing():
    """110 us / (1 + rate / 30) + 2 us for each message of a response, 19 us for one that is pushed: equal at 164 /s."""
    cells = searches(LONG_POLLING, SSE)
    crossing = crossing_of(cells, LONG_POLLING, SSE)
    assert crossing.place is Place.WITHIN
    assert crossing.rate_hz.median == pytest.approx((110 / 17 - 1) * BATCH_HZ, rel=0.1)
    assert crossing.at_high < 1


def test_a_crossing_outside_of_the_measured_rates_has_its_place_there():
    for pushed, where in ((EXPENSIVE_PUSH, Place.BELOW), (CHEAP_PUSH, Place.ABOVE)):
        cells = searches(LONG_POLLING, pushed)
        crossing = crossing_of(cells, LONG_POLLING, pushed)
        assert (crossing.place, crossing.rate_hz) == (where, None)
        assert (crossing.at_high < 1) is (where is Place.BELOW)


def test_without_enough_blocks_a_crossing_of_costs_is_undecided():
    crossing = crossing_of(searches(LONG_POLLING, SSE, blocks=2), LONG_POLLING, SSE)
    assert (crossing.place, crossing.too_few) == (Place.UNDECIDED, True)


def test_a_broker_that_is_not_measured_leaves_the_curve_of_costs_empty():
    cells = searches(LONG_POLLING, SSE)
    unmeasured = Cells(cells.run, [over_broker(trial) for trial in cells.trials])
    assert curve(cells, "cpu", "sse")
    assert curve(unmeasured, "cpu", "sse") == {}
    assert curve(unmeasured, "latency_p50", "sse") == curve(cells, "latency_p50", "sse")


def test_equal_costs_do_not_cross():
    cells = searches(replace(LONG_POLLING, requests=0.0, technique="long polling", cpu_us=19.0), SSE)
    assert crossing_of(cells, LONG_POLLING, SSE).place is Place.UNDECIDED


def test_a_variant_with_one_measured_rate_has_no_crossing():
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


def test_pulling_products_are_compared_with_pushing_products():
    cells = Cells(*worked(*synthetic(troubles=False), names=["capacity"]))
    pairs = {(one.variant.name, one.other.name) for one in crossings(cells) if one.other}
    assert pairs == {
        ("polling", "sse"), ("polling", "websocket"), ("long_polling", "sse"), ("long_polling", "websocket"),
        ("flask_socketio_polling", "flask_socketio"),
    }  # fmt: skip
