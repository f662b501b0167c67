"""The orders to the processes of a trial, their sequence, and the use of the answers."""

import pytest

from bench.execution import driving
from bench.execution.driving import (
    assemble,
    begin,
    begin_workload,
    collect,
    connect,
    prime,
    probe_interval_s,
    probing,
    upstream_pause_s,
)
from bench.processes.errors import Died, ProcessError
from bench.processes.orders import (
    Assembled,
    Connect,
    Connected,
    DrainProbes,
    Measure,
    Measured,
    Prime,
    Primed,
    Probe,
    Probed,
    ProbesDrained,
    Publish,
    Published,
    Stop,
)
from bench.schedule import Schedule
from tests.execution._fakes import FakeProcess, participants, workload
from tests.processes.test_orders import RECEIPTS

PRIMED = Primed(primed=3, subscribers=3, errors={})
DRAINED = ProbesDrained(in_time=True)


def two_loads(orders, *answers):
    return [FakeProcess("load 1", orders, *answers), FakeProcess("load 2", orders, *answers)]


def test_subscribers_are_divided_evenly_and_only_the_first_order_has_an_assignment():
    orders = []
    connected = Connected(settled=3, failed=0, errors={})
    several = participants(workload(), two_loads(orders, connected, connected))
    connect(several, 5)
    connect(several, 5, first=False)
    first, second, *later = [order for _, order in orders]
    assert [type(order) for order in (first, second, *later)] == 4 * [Connect]
    assert (first.subscribers, second.subscribers) == (3, 2)
    assert (first.assignment.share, second.assignment.share) == ((0, 2), (1, 2))
    assert first.assignment.parameters == several.parameters
    assert [order.assignment for order in later] == [None, None]


@pytest.mark.parametrize("proxied", [False, True])
def test_subscribers_connect_to_the_proxy_if_there_is_one(proxied):
    orders = []
    loads = [FakeProcess("load", orders, Connected(settled=1, failed=0, errors={}))]
    connect(participants(workload(), loads, proxy=FakeProcess("proxy", orders) if proxied else None), 1)
    assert orders[0][1].assignment.port == (4242 if proxied else 8000)


def test_subscribers_that_cannot_connect_are_an_error_with_the_most_frequent_reason():
    errors = {"connect: refused": 2, "connect: reset": 1}
    loads = [FakeProcess("load", [], Connected(settled=10, failed=3, errors=errors))]
    with pytest.raises(ProcessError, match=r"7 of 10 subscribers connected within .* error: connect: refused"):
        connect(participants(workload(), loads), 10)


def test_users_that_are_not_made_in_time_are_an_error():
    loads = two_loads([], Assembled(in_time=True))
    loads[1].left = [Assembled(in_time=False)]
    with pytest.raises(ProcessError, match="had not made 10 users"):
        assemble(participants(workload(), loads), 10)


def test_probes_are_published_until_each_subscriber_has_one_and_then_drained():
    orders = []
    publisher = FakeProcess("publisher", orders, Probed(published=12))
    prime(participants(workload(), [FakeProcess("load", orders, PRIMED, DRAINED)], publisher), 0.5)
    assert [(name, type(order)) for name, order in orders] == [
        ("publisher", Probe), ("load", Prime), ("publisher", Stop), ("load", DrainProbes),
    ]  # fmt: skip
    assert orders[0][1] == Probe(topic="t1", every_s=0.5)
    assert not orders[1][1].upstream
    assert orders[3][1].published == 12


@pytest.mark.parametrize(
    ("changes", "every_s"),
    [({}, 0.02), ({"subscribers": 1000}, 0.2), ({"payload_bytes": 1 << 20, "subscribers": 50}, 2.62144)],
)
def test_probes_are_published_at_a_rate_that_a_server_keeps_up_with(changes, every_s):
    parameters = {"subscribers": 100, "payload_bytes": 100, **changes}
    assert probe_interval_s(parameters) == pytest.approx(every_s)


@pytest.mark.parametrize(
    ("scenario", "changes", "pause_s"),
    [
        ("broadcast", {"payload_bytes": 1 << 20}, 0.25),
        ("echo", {}, 0.25),
        ("echo", {"poll_interval_s": 1.0}, 1.0),
        ("echo", {"payload_bytes": 1 << 20, "subscribers": 20}, 20.97152),
        ("chat", {"payload_bytes": 10_000}, 10.0),
    ],
)
def test_the_first_pause_of_subscribers_that_publish_is_enough_for_a_slow_server(scenario, changes, pause_s):
    assert upstream_pause_s(participants(workload(scenario, **changes), [])) == pytest.approx(pause_s)


def test_subscribers_that_publish_send_the_probes_themselves():
    orders = []
    prime(participants(workload("echo"), [FakeProcess("load", orders, PRIMED, DRAINED)]), 0.5)
    prime_order, drain_order = [order for _, order in orders]
    assert prime_order.upstream
    assert drain_order.published == 0


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((Primed(primed=2, subscribers=3, errors={"x": 1}),), "2 of 3 subscribers received a probe; .* error: x"),
        ((PRIMED, ProbesDrained(in_time=False)), "the probes had not all arrived"),
    ],
)
def test_a_subscriber_without_a_probe_is_an_error(answers, reason):
    publisher = FakeProcess("publisher", [], Probed(published=1))
    with pytest.raises(ProcessError, match=reason):
        prime(participants(workload(), [FakeProcess("load", [], *answers)], publisher), 0.5)


def test_probing_without_a_publisher_orders_nothing():
    with probing(participants(workload("echo"), []), 0.5) as probes:
        pass
    assert probes.published == 0


def test_the_publisher_and_the_load_generator_get_the_same_schedule(monkeypatch):
    monkeypatch.setattr(driving.time, "monotonic_ns", lambda: 0)
    orders = []
    loads = two_loads(orders, Measured(receipts=RECEIPTS))
    publisher = FakeProcess("publisher", orders, Published(published=30, unsent=0, slips_ns=[1]))
    work = workload(rate_hz=10.0, warm_up_s=1.0, measure_s=2.0, poll_interval_s=0.5)
    several = participants(work, loads, publisher)
    part = begin_workload(several)
    first, second, publish = [order for _, order in orders]
    schedule = Schedule(start_ns=driving.LEAD_NS, rate_hz=10.0)
    measure = Measure(schedule=schedule, first=10, last=30, drain_s=driving.DRAIN_WITHIN_S + 0.5, upstream=False)
    assert first == second == measure
    assert publish == Publish(topic="t1", schedule=schedule, count=30)
    assert (part.window.start_ns, part.window.end_ns) == (schedule.due_ns(10), schedule.due_ns(30))
    collected = collect(several, part)
    assert collected.published.published == 30
    assert collected.receipts == [RECEIPTS, RECEIPTS]


def test_without_a_publisher_nothing_was_published():
    several = participants(workload("echo"), [FakeProcess("load", [], Measured(receipts=RECEIPTS))])
    collected = collect(several, begin_workload(several))
    assert (collected.published.published, collected.published.slips_ns) == (0, [])


def test_a_process_that_ends_while_answers_are_awaited_is_named():
    publisher = FakeProcess("publisher", [])
    several = participants(workload(), [], publisher)
    part = begin(several, driving.starting_soon(10.0), (0, 1), 1.0)
    publisher.ended = True
    with pytest.raises(Died) as died:
        collect(several, part)
    assert died.value.process == "publisher"
