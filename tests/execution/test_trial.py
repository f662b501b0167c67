"""One trial with real processes: its record, also when a process dies."""

import functools
import os

import psutil
import pytest

import servers
from bench.analysis.trials.metrics import METRICS
from bench.execution import storm
from bench.measure import conditions
from bench.measure.machine import divide_cores
from servers import _redis
from tests.execution._small_trials import EVERY_WAY, RECEIVED, kill_on_entering, small_trial
from tests.servers._redis_servers import FakeRedis, binary, real_redis

CELLS = [(scenario, variant) for scenario in ("broadcast", "echo") for variant in servers.names(hidden=True)]
CELLS += [(scenario, variant) for scenario in ("burst", "chat") for variant in EVERY_WAY]
CELLS.append(("idle", "long_polling"))


@functools.cache
def shared_trial(scenario_name, variant_name):
    """The trial of a cell that several tests examine."""
    return small_trial(scenario_name, variant_name)


@pytest.mark.parametrize(("scenario", "variant"), CELLS)
def test_a_trial_counts_every_delivery_and_what_it_cost(scenario, variant):
    if reason := servers.unavailable(servers.load(variant)):
        pytest.skip(reason)
    record = shared_trial(scenario, variant)
    assert record.failure is None
    assert record.machine.cores
    assert record.machine.window_ns > 0
    if scenario == "idle":
        assert [step.subscribers for step in record.idle] == [0, 5, 10]
        assert record.connect.count == 10
        return
    expected = 10 * RECEIVED[scenario]
    ledger = record.ledger
    assert (ledger.expected, ledger.delivered) == (expected, expected)
    assert (ledger.lost, ledger.duplicated, ledger.reordered, ledger.corrupted, ledger.errors) == (0, 0, 0, 0, {})
    assert record.latency.count == expected
    assert record.latency.min_ns > 0
    assert record.usage.server.cpu_ns > 0
    assert (record.usage.broker is not None) == ("redis" in servers.load(variant).runs_on)


@pytest.mark.skipif(binary() is None, reason="no Redis server to start")
def test_the_broker_of_a_trial_is_measured_through_a_unix_socket(tmp_path, monkeypatch):
    path = tmp_path / "redis.sock"
    monkeypatch.setenv("REDIS_URL", f"unix://{path}")
    with real_redis(unix_socket=path):
        record = small_trial("broadcast", "flask_sse")
    assert record.failure is None
    assert (record.broker.reached, record.broker.origin) == (f"unix://{path}", "REDIS_URL")
    assert (record.broker.here, record.broker.process_known) == (True, True)
    assert record.usage.broker.cpu_ns > 0
    assert METRICS["broker_cpu"].of(record) > 0


def test_a_broker_whose_process_is_not_known_has_no_cost_rather_than_none_at_all(monkeypatch):
    if reason := servers.lacking(servers.load("flask_sse")):
        pytest.skip(reason)
    with FakeRedis() as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        record = small_trial("broadcast", "flask_sse")
    assert record.failure is None
    assert not record.broker.process_known
    assert [METRICS[name].of(record) for name in ("broker_cpu", "cpu")] == [None, None]
    assert METRICS["server_cpu"].of(record) > 0
    assert "broker not measured" in [finding.name for finding in record.findings]


def test_a_storm_over_a_broker_whose_process_is_not_known_has_no_cost_of_an_arrival(monkeypatch):
    if reason := servers.lacking(servers.load("flask_sse")):
        pytest.skip(reason)
    with FakeRedis() as redis:
        monkeypatch.setenv("REDIS_URL", redis.url)
        record = small_trial("storm", "flask_sse", subscribers=20)
    assert record.failure is None
    assert record.storm.server_cpu_ns > 0
    assert record.storm.broker_cpu_ns is None
    assert METRICS["arrival_cpu"].of(record) is None


def test_a_lost_locust_process_fails_the_trial_rather_than_making_it_smaller(monkeypatch):
    killed = kill_on_entering("measure", "--worker", monkeypatch=monkeypatch, at_once=1)
    record = small_trial("broadcast", "websocket", workers=2)
    assert killed
    assert not record.valid
    assert record.ledger is None
    assert "the load generator was killed by SIGKILL" in record.failure.error
    assert not [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("variant", ["flask_socketio", "websocket"])
def test_subscribers_that_arrive_at_once_are_all_subscribed_in_the_end(variant):
    if reason := servers.unavailable(servers.load(variant)):
        pytest.skip(reason)
    record = small_trial("storm", variant)
    assert record.failure is None
    assert record.storm.connected == record.storm.subscribers == 50
    assert record.storm.server_cpu_ns > 0
    assert abs(record.storm.fds_after - record.storm.fds_before) <= 5
    assert 0 <= record.storm.fds_released_ns <= storm.FDS_WITHIN_NS
    assert record.connect is None or record.connect.count == 50


def test_wire_bytes_are_those_of_the_protocol():
    """RFC 6455: a text of 100 bytes is a frame of 102; server to client nothing is masked."""
    record = shared_trial("broadcast", "websocket")
    assert record.wire.received_bytes == 102 * record.wire.deliveries
    assert record.wire.payload_received_bytes == 100 * record.wire.deliveries


@pytest.mark.skipif(not conditions.LINUX, reason="reads /proc")
def test_the_use_of_the_cores_is_recorded_for_all_processes_together():
    record = shared_trial("broadcast", "sse")
    machine = record.machine
    assert machine.cores == list(divide_cores().all)
    if machine.busy_ns is None:
        pytest.skip("this system does not show its cores")
    ours = record.usage.server.cpu_ns + sum(load.cpu_ns for load in record.usage.load)
    tick_ns = 10_000_000
    assert ours - tick_ns * len(machine.cores) < machine.busy_ns <= machine.window_ns * len(machine.cores)
    assert machine.before_window_ns >= conditions.PRE_CHECK_NS
    assert 0 <= machine.before_busy_ns <= machine.before_window_ns * len(machine.cores)


@pytest.mark.parametrize(
    ("victim", "process"), [("servers", "server"), ("locust", "load generator"), ("bench.load.publisher", "publisher")]
)
def test_a_process_killed_in_mid_trial_makes_a_failed_record_that_names_it(victim, process, monkeypatch):
    killed = kill_on_entering("measure", victim, monkeypatch=monkeypatch)
    record = small_trial("broadcast", "sse")
    assert killed
    assert not record.valid
    assert (record.failure.phase, record.failure.exited) == ("measure", process)
    assert f"{process} exited" in [finding.name for finding in record.findings]
    assert f"the {process} was killed by SIGKILL" in record.failure.error
    assert "python -m bench verify sse" in record.failure.error
    assert not [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


def test_a_broker_killed_in_mid_trial_makes_a_failed_record_that_names_it(monkeypatch):
    if reason := servers.unavailable(servers.load("flask_sse")):
        pytest.skip(reason)
    if os.environ.get("REDIS_URL"):
        pytest.skip("the Redis of REDIS_URL is not ours to kill")
    killed = kill_on_entering("measure", *_redis.NAMES, monkeypatch=monkeypatch)
    record = small_trial("broadcast", "flask_sse")
    assert killed
    assert (record.failure.phase, record.failure.exited) == ("measure", "broker")
    assert "broker exited" in [finding.name for finding in record.findings]
    assert not record.valid


def test_of_a_server_that_dies_with_its_broker_the_server_is_named(monkeypatch):
    if reason := servers.unavailable(servers.load("flask_sse")):
        pytest.skip(reason)
    kill_on_entering("measure", "servers", monkeypatch=monkeypatch)
    assert small_trial("broadcast", "flask_sse").failure.exited == "server"


def test_a_death_is_reported_in_place_of_its_consequences(monkeypatch):
    """The load generator counts failed connects at once, but the death of the server is reported."""
    kill_on_entering("connect", "servers", monkeypatch=monkeypatch)
    record = small_trial("broadcast", "sse")
    assert (record.failure.phase, record.failure.exited) == ("connect", "server")
