"""Trials that mostly wait, of which several run at the same time: reconnects, outages, two Locust processes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psutil
import pytest

import servers
from bench.analysis.trials.recount import agree
from bench.measure import conditions
from servers import Capability
from tests.execution._small_trials import EVERY_WAY, RECEIVED, small_trial

AT_ONCE = 4


@dataclass(frozen=True)
class Waiting:
    """A trial that mostly waits: for subscribers that are away, or for Locust processes that find each other."""

    scenario: str
    variant: str
    workers: int
    changes: tuple

    def __str__(self):
        return "-".join([self.scenario, self.variant, *(str(value) for _, value in self.changes)])


def waits(scenario, variant, workers=1, **changes):
    return Waiting(scenario, variant, workers, tuple(changes.items()))


OUTAGES = [waits("outage", "flask_sse", outage=how) for how in ("STOP", "KILL")]
RESTARTS = [waits("restart", name, signal="TERM") for name in EVERY_WAY]
RESTARTS.append(waits("restart", "websocket", signal="KILL"))
FRAGMENTS = [waits("lossy", "polling", path="fragments"), waits("chat", "websocket", path="fragments", rate_hz=1.0)]
RESETS = [waits("lossy", "sse", path="resets")]
SPREAD = [waits(scenario, "websocket", 2) for scenario in (*RECEIVED, "idle")]
SLOW = [waits("slow_reader", "websocket", 2)]
SLOW += [waits("slow_reader", name) for name in ("polling", "flask_sse", "flask_socketio_polling")]
DROPPED = [waits("dropped", name) for name in (*EVERY_WAY, "flask_sse")]
# The order in which they begin: those that last longest first.
WITHOUT_REDIS_URL = [*OUTAGES, *RESTARTS]  # a broker that is stopped or killed must be ours
WITH_REDIS_URL = [*FRAGMENTS, *SPREAD, *SLOW, *RESETS, *DROPPED]


def at_once(trials):
    """The records of these trials, as futures by trial. Several of the trials run at the same time."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return {
            one: pool.submit(small_trial, one.scenario, one.variant, one.workers, **dict(one.changes))
            for one in trials
            if not servers.unavailable(servers.load(one.variant))
        }


@pytest.fixture(scope="module")
def waiting_trials(request):
    """The waiting trials that the selected tests examine, and the processes that they left."""
    calls = [getattr(item, "callspec", None) for item in request.session.items if item.path == request.path]
    selected = {call.params["waiting"] for call in calls if call and "waiting" in call.params}
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("REDIS_URL", raising=False)
        records = at_once(one for one in WITHOUT_REDIS_URL if one in selected)
    records |= at_once(one for one in WITH_REDIS_URL if one in selected)
    children = [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
    return records, children


@pytest.fixture
def record(waiting, waiting_trials):
    """The record of a waiting trial."""
    if reason := servers.unavailable(servers.load(waiting.variant)):
        pytest.skip(reason)
    records, _ = waiting_trials
    return records[waiting].result()


@pytest.mark.parametrize("waiting", SPREAD, ids=str)
def test_subscribers_spread_over_two_locust_processes_are_counted_as_one(waiting, record):
    scenario = waiting.scenario
    assert record.failure is None
    assert record.connect.count == 10
    if scenario != "idle":
        expected = 10 * RECEIVED[scenario]
        ledger = record.ledger
        assert (ledger.expected, ledger.delivered, ledger.duplicated) == (expected, expected, 0)
        assert record.latency.count == expected
        assert record.wire.payload_received_bytes == 100 * record.wire.deliveries
        assert [load.cpu_ns > 0 for load in record.usage.load] == [True, True]
    if scenario in ("broadcast", "burst", "chat"):
        assert record.completion.count == {"broadcast": 20, "burst": 20, "chat": 10 * 4}[scenario]
        assert record.headroom.loop_delay.count > 0
    if scenario == "burst":
        assert record.bursts.count == 4
        assert record.bursts.max_ns == record.completion.max_ns
    else:
        assert record.bursts is None


@pytest.mark.parametrize("waiting", DROPPED, ids=str)
def test_a_subscriber_that_is_cut_off_reconnects_and_what_it_missed_is_delivered_or_counted(waiting, record):
    assert record.failure is None
    reconnects, ledger = record.reconnects, record.ledger
    assert reconnects.disconnects >= 10
    assert reconnects.caught_up == reconnects.catch_up_time.count <= reconnects.disconnects <= reconnects.attempts
    assert reconnects.declares_resume == (Capability.RESUME in servers.load(waiting.variant).capabilities)
    assert agree(ledger, record.recount)
    if reconnects.declares_resume:
        assert (ledger.lost, ledger.duplicated, ledger.reordered) == (0, 0, 0)
        assert reconnects.caught_up == reconnects.disconnects
        assert reconnects.recovered_deliveries > 0
    else:  # a server that is late may still deliver some of it after the reconnect
        assert ledger.lost + reconnects.recovered_deliveries > 0
        assert ledger.signalled == 0
    assert "lost messages" not in [finding.name for finding in record.findings]


@pytest.mark.parametrize("waiting", RESTARTS, ids=str)
def test_a_subscriber_that_loses_its_server_connects_to_the_successor_and_gets_a_gap_signal(record):
    assert record.failure is None
    reconnects, ledger = record.reconnects, record.ledger
    assert reconnects.disconnects >= 10
    assert reconnects.reconnect_time.count >= 10
    assert sum(reconnects.attempt_slots) == reconnects.attempts
    assert ledger.lost > 0
    assert 0 < reconnects.unsent_messages * 10 <= ledger.lost  # what was due without a server, and no more
    assert 0 < record.restart.ended_ns < record.restart.ready_ns
    if conditions.LINUX:
        assert abs(record.restart.fds_after - record.restart.fds_before) <= 5
        assert record.restart.memory_after_bytes < 2 * record.restart.memory_before_bytes
    assert agree(ledger, record.recount)
    assert record.usage is None
    if reconnects.declares_resume:
        assert (ledger.signalled, ledger.duplicated, ledger.reordered) == (ledger.lost, 0, 0)


@pytest.mark.parametrize("waiting", SLOW, ids=str)
def test_a_slow_reader_is_counted_apart_from_the_other_subscribers(record):
    assert record.failure is None
    slow, ledger = record.slow_reader, record.ledger
    assert (ledger.expected, ledger.delivered) == (3 * 240, 3 * 240)
    assert record.latency.count == 3 * 240
    assert record.completion.count == 240
    assert record.wire.payload_received_bytes == 2_000 * record.wire.deliveries
    assert (slow.messages, slow.lost, slow.corrupted, slow.duplicated, slow.closed_by_server) == (240, 0, 0, 0, 0)
    assert 0 < slow.memory_before_bytes <= slow.memory_peak_bytes + (4 << 20)
    assert agree(ledger, record.recount)


@pytest.mark.parametrize("waiting", OUTAGES, ids=str)
def test_after_the_outage_of_a_broker_messages_arrive_again(record):
    assert record.failure is None
    away, ledger = record.outage, record.ledger
    assert away.began_ns >= 500_000_000
    assert away.ended_ns - away.began_ns >= 1_000_000_000
    assert away.recovered_ns > 0
    assert agree(ledger, record.recount)
    assert (ledger.corrupted, ledger.signalled) == (0, 0)
    if record.parameters["outage"] == "KILL":  # what is published without a broker is lost
        assert ledger.lost > 0
        assert record.reconnects.disconnects >= 10
        assert record.usage is None
    else:
        assert record.usage.broker is not None


def test_waiting_trials_leave_no_process(waiting_trials):
    _, children = waiting_trials
    assert not children


@pytest.mark.parametrize("waiting", RESETS, ids=str)
def test_a_subscriber_that_is_reset_reconnects_and_has_no_loss_without_a_signal(record):
    assert record.failure is None
    assert record.emulated_path.name == "resets"
    assert record.reconnects.disconnects == record.emulated_path.resets > 0
    ledger = record.ledger
    assert (ledger.lost - ledger.signalled, ledger.duplicated, ledger.reordered, ledger.corrupted) == (0, 0, 0, 0)
    assert agree(ledger, record.recount)
    assert record.usage.proxy.cpu_ns > 0


@pytest.mark.parametrize("waiting", FRAGMENTS, ids=str)
def test_fragments_of_a_message_are_reassembled(record):
    assert record.failure is None
    ledger = record.ledger
    assert (ledger.lost, ledger.duplicated, ledger.reordered, ledger.corrupted, ledger.errors) == (0, 0, 0, 0, {})
    assert record.emulated_path.pieces > 100 / 7 * ledger.delivered
    assert record.emulated_path.resets == 0
