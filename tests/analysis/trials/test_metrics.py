"""Every metric, computed by hand for a small trial."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold
from bench.analysis.trials.metrics import METRICS
from bench.analysis.trials.metrics._reading import line
from bench.analysis.trials.metrics.wire import SEGMENT_HEADER_BYTES
from bench.results import CapacityStep, IdleStep, Outage, Reconnects, Restart, SlowReader, Storm, Trial
from bench.scenarios import with_faults
from tests._natures import process
from tests._trials import MS, calm, changed, over_broker

BY_HAND = {
    "latency_p50": 50 * MS,
    "latency_p90": 90 * MS,
    "latency_p99": 99 * MS,
    "latency_max": 100 * MS,
    "completion_p50": 10 * MS,
    "cpu": 2.5 * MS,
    "server_cpu": 2 * MS,
    "broker_cpu": 0.5 * MS,
    "wire": 128 + 10 + 78,
    "wire_payload": 128,
    "wire_framing": (13_200 + 600 - 12_800) / 100,
    "wire_segments": 1.5 * SEGMENT_HEADER_BYTES,
    "requests": 0.4,
    "connect_p50": 3 * MS,
    "batch": 2.5,
    "delivered_share": 1.0,
    "load_cpu": 0.8 * MS,
    "loop_lag_p99": 100_000,
    "unread_p50": 50_000,
    "unread_p99": 50_000,
    "slip_p99": 20_000,
}
ECHO_BY_HAND = {"round_trip_p50": 50 * MS, "round_trip_p90": 90 * MS, "round_trip_p99": 99 * MS}
DROPPED_BY_HAND = {"fresh_p50": 5 * MS, "unsignalled": 3}
RESTART_BY_HAND = DROPPED_BY_HAND | {
    "back_p50": 30 * MS,
    "back_p95": 50 * MS,
    "back_all": None,
    "attempts_peak": 0.5,
    "unsent": 0.2,
    "without_server": 700 * MS,
    "restart_fds": -1,
    "restart_memory": 2_000_000,
}
STORM_BY_HAND = {"all_connected": 800 * MS, "arrival_cpu": 0.3 * MS, "fds_back": 90 * MS}
FAULTS_BY_HAND = {"dropped": DROPPED_BY_HAND, "restart": RESTART_BY_HAND, "storm": STORM_BY_HAND}
IDLE_BY_HAND = {"connection_memory": 30_000, "connection_cpu": 2_000}
ARRIVALS_BY_HAND = {"arrivals_rate": 12.5, "connect_p99": 3 * MS}
BURST_BY_HAND = {"burst_p50": 30 * MS}
CAPACITY_BY_HAND = {"capacity": 40, "capacity_deliveries": 400}
OUTAGE_BY_HAND = {
    "lost": 40, "signalled": 30, "duplicated": 3, "reordered": 2, "recovered": 9, "recovery": 70 * MS,
}  # fmt: skip

SLOW_BY_HAND = {
    "memory_growth": 22_000_000,
    "slow_received": 0.8,
    "slow_lost": 200,
    "slow_told": 0.75,
    "slow_closed": 2,
}


def slow() -> Trial:
    """A slow reader that received 800 of 1,000 messages, with 150 losses signalled, and was closed twice."""
    facts = SlowReader(
        messages=800, corrupted=0, lost=200, duplicated=0, reordered=0, signalled=150, closed_by_server=2,
        memory_before_bytes=40_000_000, memory_peak_bytes=62_000_000,
    )  # fmt: skip
    return calm("slow_reader", slow_reader=facts)


def idle() -> Trial:
    """Server 40 MB plus 20 kB per connection, broker 5 MB plus 10 kB; 2 µs of CPU per connection and second."""
    steps = [
        IdleStep(
            subscribers=count,
            window_ns=500 * MS,
            server=process(1_000 * count + 7_000, 40e6 + 20_000 * count),
            broker=process(0, 5e6 + 10_000 * count),
        )
        for count in (0, 10, 30)
    ]
    return calm("idle", ledger=None, latency=None, completion=None, slip=None, usage=None, wire=None, idle=steps)


def test_every_metric_is_computed_by_hand_here() -> None:
    of_faults = {name for by_hand in FAULTS_BY_HAND.values() for name in by_hand}
    of_faults |= SLOW_BY_HAND.keys() | OUTAGE_BY_HAND.keys()
    of_workloads = ARRIVALS_BY_HAND.keys() | BURST_BY_HAND.keys() | CAPACITY_BY_HAND.keys()
    of_others = BY_HAND.keys() | ECHO_BY_HAND.keys() | IDLE_BY_HAND.keys()
    assert METRICS.keys() == of_others | of_faults | of_workloads


@pytest.mark.parametrize(("name", "value"), BY_HAND.items())
def test_a_metric_of_a_broadcast(name: str, value: float) -> None:
    assert METRICS[name].of(calm()) == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize(("name", "value"), ECHO_BY_HAND.items())
def test_a_metric_of_an_echo(name: str, value: float) -> None:
    assert METRICS[name].of(calm("echo")) == pytest.approx(value, rel=1e-3)
    assert METRICS[name].of(calm()) is None


@pytest.mark.parametrize(("name", "value"), IDLE_BY_HAND.items())
def test_a_metric_of_idle_connections(name: str, value: float) -> None:
    assert METRICS[name].of(idle()) == pytest.approx(value)


@pytest.mark.parametrize(("name", "value"), SLOW_BY_HAND.items())
def test_a_metric_of_a_slow_reader(name: str, value: float) -> None:
    assert METRICS[name].of(slow()) == pytest.approx(value)
    assert METRICS[name].of(calm()) is None


def test_without_losses_there_is_no_share_of_signalled_losses() -> None:
    assert METRICS["slow_told"].of(changed(slow(), "slow_reader", lost=0, signalled=0)) is None


def faulty(scenario: str) -> Trial:
    """Ten subscribers, fifty messages; twenty disconnects, nineteen of them back after 10, 20, ... ms."""
    trial = calm(
        scenario,
        reconnects=Reconnects(
            declares_resume=True, disconnects=20, caught_up=19, attempts=40, attempt_slots=[0, 20, 0, 15, 5],
            recovered_deliveries=9, catch_up_time=fold(np.full(19, 5 * MS)),
            reconnect_time=fold(np.repeat([10, 20, 30, 40, 50], [4, 4, 4, 4, 3]) * MS),
            unsent_messages=10,
        ),
        restart=Restart(ended_ns=MS, ready_ns=701 * MS, fds_before=20, fds_after=19, memory_before_bytes=40_000_000,
                        memory_after_bytes=42_000_000),
        storm=Storm(
            subscribers=10, connected=10, window_ns=800 * MS, server_cpu_ns=2 * MS, broker_cpu_ns=MS,
            accept_queue_overflows=0, accept_queue_drops=0, fds_before=9, fds_after=10, fds_released_ns=90 * MS,
        ),
    )  # fmt: skip
    return changed(trial, "ledger", lost=120, delivered=380, signalled=117)


@pytest.mark.parametrize(
    ("scenario", "name", "value"),
    [(scenario, name, value) for scenario, by_hand in FAULTS_BY_HAND.items() for name, value in by_hand.items()],
)
def test_a_metric_of_a_scenario_with_faults(scenario: str, name: str, value: float | None) -> None:
    measured = METRICS[name].of(faulty(scenario))
    assert measured == (None if value is None else pytest.approx(value, rel=1e-3))
    assert METRICS[name].of(calm()) is None


def test_all_are_back_only_after_every_disconnect() -> None:
    trial = changed(faulty("restart"), "reconnects", disconnects=19)
    assert METRICS["back_all"].of(trial) == 50 * MS
    none_back = changed(trial, "reconnects", reconnect_time=fold(np.zeros(0, dtype=np.int64)))
    assert [METRICS[name].of(none_back) for name in ("back_p50", "back_p95", "back_all")] == [None] * 3


@pytest.mark.parametrize(("name", "value"), ARRIVALS_BY_HAND.items())
def test_a_metric_of_arrivals(name: str, value: float) -> None:
    assert METRICS[name].of(faulty("storm")) == pytest.approx(value, rel=1e-3)


def test_a_storm_without_confirmed_connects_has_no_end() -> None:
    unconfirmed = msgspec.structs.replace(faulty("storm"), connect=None)
    names = ("all_connected", "arrival_cpu", *ARRIVALS_BY_HAND)
    assert [METRICS[name].of(unconfirmed) for name in names] == [None] * len(names)


def test_a_burst_and_a_capacity() -> None:
    burst = calm("burst", bursts=fold(np.array([20, 30, 90]) * MS))
    assert METRICS["burst_p50"].of(burst) == pytest.approx(30 * MS, rel=1e-3)
    steps = [
        CapacityStep(rate_hz=rate, verdict=verdict, observation="", expected=1, delivered=1, p50_ns=1, p99_ns=1,
                     server_cpu_ns=1, window_ns=1)
        for rate, verdict in ((40.0, "sustained"), (80.0, "exceeded"), (80.0, "exceeded"))
    ]  # fmt: skip
    search = calm("capacity", capacity=steps)
    assert {name: METRICS[name].of(search) for name in CAPACITY_BY_HAND} == CAPACITY_BY_HAND
    assert METRICS["capacity"].of(calm("capacity", capacity=steps[1:])) is None


def test_without_requests_a_batch_is_that_of_a_segment() -> None:
    assert METRICS["batch"].of(changed(calm(), "wire", requests=0, segments_in=50)) == 2
    assert METRICS["batch"].of(changed(calm(), "wire", requests=0, segments_in=None)) is None


@pytest.mark.parametrize(("name", "value"), OUTAGE_BY_HAND.items())
def test_a_metric_of_a_fault(name: str, value: float) -> None:
    trial = calm(
        "outage",
        outage=Outage(began_ns=MS, ended_ns=2 * MS, recovered_ns=70 * MS),
        reconnects=Reconnects(
            declares_resume=True,
            disconnects=3,
            caught_up=2,
            attempts=4,
            attempt_slots=[4],
            recovered_deliveries=9,
            catch_up_time=fold(np.full(2, MS)),
        ),
    )
    trial = changed(trial, "ledger", lost=40, signalled=30, duplicated=3, reordered=2, delivered=460)
    assert METRICS[name].of(trial) == value
    assert METRICS[name].of(calm()) is None


def test_counts_of_faults_apply_to_every_scenario_with_faults() -> None:
    assert all(METRICS["lost"].of(calm(scenario)) == 0 for scenario in with_faults())


def test_a_round_trip_is_no_delivery_latency() -> None:
    assert METRICS["latency_p50"].of(calm("echo")) is None


def test_a_trial_without_facts_has_no_metric_at_all() -> None:
    bare = calm(ledger=None, latency=None, completion=None, slip=None, connect=None, usage=None, wire=None,
                headroom=None)  # fmt: skip
    assert {name: metric.of(bare) for name, metric in METRICS.items()} == dict.fromkeys(METRICS)


def test_without_deliveries_costs_have_no_value() -> None:
    trial = changed(changed(calm(), "usage", deliveries=0), "wire", deliveries=0)
    assert METRICS["cpu"].of(trial) is None
    assert METRICS["wire"].of(trial) is None
    assert METRICS["requests"].of(trial) is None


def test_a_variant_without_a_broker_has_a_broker_cost_of_zero() -> None:
    trial = changed(calm(), "usage", broker=None)
    assert METRICS["broker_cpu"].of(trial) == 0
    assert METRICS["cpu"].of(trial) == METRICS["server_cpu"].of(trial)


def test_a_broker_whose_process_is_not_known_leaves_the_sums_without_a_value() -> None:
    trial = over_broker(calm())
    assert METRICS["server_cpu"].of(trial) == 2 * MS
    assert [METRICS[name].of(trial) for name in ("broker_cpu", "cpu")] == [None, None]
    known = over_broker(calm(), process_known=True)
    assert [METRICS[name].of(known) for name in ("broker_cpu", "cpu")] == [0.5 * MS, 2.5 * MS]


def test_a_broker_whose_process_is_not_known_leaves_no_memory_and_no_cost_of_a_connection() -> None:
    steps = [
        IdleStep(subscribers=count, window_ns=1_000 * MS, server=process(MS * count, 1e6 * count), broker=None)
        for count in (1, 2, 3)
    ]
    alone = calm("idle", idle=steps)
    assert [METRICS[name].of(alone) is None for name in IDLE_BY_HAND] == [False, False]
    assert [METRICS[name].of(over_broker(alone)) for name in IDLE_BY_HAND] == [None, None]


def test_a_broker_whose_process_is_not_known_leaves_an_arrival_and_a_slow_reader_without_a_sum() -> None:
    storm = changed(faulty("storm"), "storm", broker_cpu_ns=None)
    assert METRICS["arrival_cpu"].of(storm) is None
    assert METRICS["all_connected"].of(storm) is not None
    slow = SlowReader(**{**dict.fromkeys(SlowReader.__struct_fields__, 0), "memory_peak_bytes": 7, "messages": 5})
    trial = calm("slow_reader", slow_reader=slow)
    assert METRICS["memory_growth"].of(trial) == 7
    assert METRICS["memory_growth"].of(over_broker(trial)) is None
    assert METRICS["slow_received"].of(over_broker(trial)) == 1.0


def test_without_the_counters_of_the_kernel_only_the_payload_is_known() -> None:
    trial = changed(calm(), "wire", received_bytes=None, sent_bytes=None, segments_in=None, segments_out=None)
    assert METRICS["wire_payload"].of(trial) == 128
    assert [METRICS[name].of(trial) for name in ("wire_framing", "wire_segments", "wire")] == [None] * 3


def test_memory_that_is_not_measurable_has_no_value() -> None:
    server = process(1_000)
    steps = [IdleStep(subscribers=count, window_ns=MS, server=server, broker=None) for count in (0, 10)]
    without_memory = [changed_step(step) for step in steps]
    assert METRICS["connection_memory"].of(calm("idle", idle=without_memory)) is None
    assert METRICS["connection_memory"].of(calm("idle", idle=steps[:1])) is None


def changed_step(step: IdleStep) -> IdleStep:
    return msgspec.structs.replace(step, server=msgspec.structs.replace(step.server, pss_bytes=None))


@given(
    st.lists(
        st.tuples(st.integers(0, 10_000), st.floats(-1e9, 1e9)),
        min_size=2,
        max_size=20,
        unique_by=lambda point: point[0],
    )
)
def test_a_line_is_that_of_the_least_squares(points: list[tuple[int, float]]) -> None:
    x, y = np.array(points).T
    fitted = line(points)
    assert fitted is not None
    slope, intercept = np.polyfit(x, y, 1)
    assert fitted.slope == pytest.approx(slope, rel=1e-6, abs=1e-3)
    assert fitted.intercept == pytest.approx(intercept, rel=1e-6, abs=10.0)


def test_every_metric_has_a_name_a_title_and_a_direction() -> None:
    for name, metric in METRICS.items():
        assert metric.name == name
        assert metric.title
        assert metric.better in ("lower", "higher")
