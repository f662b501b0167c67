"""The law of polling over its interval, fitted to values that the law itself computed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.poll_intervals import PollingLaw, polling_law

MS = 1e6
P = 50 * MS
INTERVALS = (100 * MS, 250 * MS, 500 * MS, 2_000 * MS)


def made(poll_ns: float, message_ns: float, service_ns: float, intervals: tuple[float, ...] = INTERVALS) -> PollingLaw:
    """The law that is fitted to points on a law."""
    latency = {at: at / 2 + service_ns for at in intervals}
    cost = {at: poll_ns * P / at + message_ns for at in intervals}
    law = polling_law(latency, cost, P, 100)
    assert law is not None
    return law


@given(st.floats(1e4, 1e7), st.floats(0.0, 1e5), st.floats(0.0, 1e7))
def test_points_on_a_law_give_that_law(poll_ns: float, message_ns: float, service_ns: float) -> None:
    law = made(poll_ns, message_ns, service_ns)
    assert law.points == 4
    for at in INTERVALS:
        assert law.cpu_ns(at) == pytest.approx(poll_ns * P / at + message_ns, rel=1e-6)
        assert law.latency_ns(at) == pytest.approx(at / 2 + service_ns, abs=1)


def test_with_one_interval_all_cost_is_that_of_polls() -> None:
    law = polling_law({250 * MS: 126 * MS}, {250 * MS: 118_000.0}, P, 100)
    assert law is not None
    assert (law.poll_ns, law.message_ns, law.service_ns) == (pytest.approx(590_000), 0.0, 1 * MS)


def test_the_interval_of_a_cost_has_that_cost() -> None:
    law = made(590_000, 4_000, MS)
    interval = law.interval_ns(20_000)
    assert interval is not None
    assert law.cpu_ns(interval) == pytest.approx(20_000)
    assert law.interval_ns(3_000) is None


def test_a_core_is_saturated_where_polling_costs_a_second_per_second() -> None:
    law = made(590_000, 0.0, MS, (250 * MS,))
    assert law.saturation_ns == pytest.approx(59 * MS)
    with_messages = made(590_000, 100_000, MS)
    assert with_messages.saturation_ns is not None
    assert 100 * with_messages.cpu_ns(with_messages.saturation_ns) == pytest.approx(P)
    assert made(590_000, 600_000, MS).saturation_ns is None


def test_a_cost_per_message_is_never_below_zero() -> None:
    cost = {100 * MS: 300_000.0, 200 * MS: 140_000.0, 400 * MS: 60_000.0}  # falls faster than the polls do
    law = polling_law({at: at / 2 for at in cost}, cost, P, 100)
    assert law is not None
    assert law.message_ns == 0.0
    assert law.poll_ns > 0


def test_the_p99_latency_follows_the_law() -> None:
    assert made(1e5, 0.0, MS).latency_ns(100 * MS, 0.99) == pytest.approx(100 * MS)


@pytest.mark.parametrize("cost", [{}, {250 * MS: 0.0}])
def test_without_a_cost_there_is_no_law(cost: dict[float, float]) -> None:
    assert polling_law({250 * MS: 126 * MS}, cost, P, 100) is None
