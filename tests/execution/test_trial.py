"""One trial with real processes: its record, also when a process dies."""

import functools
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import pytest

import servers
from bench import scenarios
from bench.analysis.trials.calibration import readings
from bench.analysis.trials.recount import agree
from bench.commands.calibrate import table
from bench.execution import calibration, storm, trial
from bench.execution.phases import Phases
from bench.execution.run import begin, carry_out, resume
from bench.measure import conditions, machine
from bench.measure.machine import divide_cores
from bench.planning.plan import BRIEF, plan
from bench.planning.request import Refused, Request
from bench.results import Trial, load
from servers import Capability, _redis
from tests._noise import excuse_the_machine

USABLE = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
SMALL = {
    "broadcast": {"subscribers": 10, "rate_hz": 50.0, "measure_s": 0.4, "warm_up_s": 0.1, "poll_interval_s": 0.05},
    "echo": {"subscribers": 10, "rate_hz": 10.0, "measure_s": 0.4, "warm_up_s": 0.1, "poll_interval_s": 0.05},
    "burst": {
        "subscribers": 10,
        "rate_hz": 50.0,
        "burst": 5,
        "measure_s": 0.4,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "chat": {
        "subscribers": 10,
        "room": 5,
        "rate_hz": 10.0,
        "measure_s": 0.4,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "dropped": {
        "subscribers": 10,
        "rate_hz": 50.0,
        "cut_every_s": 0.4,
        "away_s": 0.1,
        "measure_s": 1.0,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "restart": {
        "subscribers": 10,
        "rate_hz": 50.0,
        "restart_after_s": 0.2,
        "measure_s": 6.0,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "slow_reader": {
        "subscribers": 4,
        "rate_hz": 200.0,
        "payload_bytes": 2000,
        "slow_after_s": 0.1,
        "trickle_s": 0.2,
        "stop_s": 0.6,
        "measure_s": 1.2,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "outage": {
        "subscribers": 10,
        "outage_after_s": 0.5,
        "stopped_s": 1.0,
        "killed_s": 1.0,
        "measure_s": 6.5,
        "warm_up_s": 0.1,
    },
    "lossy": {"subscribers": 10, "measure_s": 2.5, "warm_up_s": 0.1},
    "storm": {"subscribers": 50, "connecting_at_once": 50, "poll_interval_s": 0.05},
    "idle": {"steps": [0, 5, 10], "settle_s": 0.05, "measure_s": 0.1, "poll_interval_s": 0.05},
}
# The messages that each subscriber must receive in the measured part.
RECEIVED = {"broadcast": 20, "echo": 4, "burst": 20, "chat": 5 * 4}
# One variant per client; the gate and every run cover the others.
EVERY_WAY = ("flask_socketio", "long_polling", "polling", "sse", "websocket")
CELLS = [(scenario, variant) for scenario in ("broadcast", "echo") for variant in servers.names(hidden=True)]
CELLS += [(scenario, variant) for scenario in ("burst", "chat") for variant in EVERY_WAY]
CELLS.append(("idle", "long_polling"))
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


def small_trial(scenario_name, variant_name, workers=1, **changes):
    scenario = scenarios.load(scenario_name)
    (planned,) = plan([(scenario_name, variant_name)], 1, 1)
    parameters = scenario.settled("standard", {**SMALL[scenario_name], **changes})
    return trial.run(planned, scenario, servers.load(variant_name), parameters, machine.divide_cores(), workers)


@functools.cache
def shared_trial(scenario_name, variant_name):
    """The trial of a cell that several tests examine."""
    return small_trial(scenario_name, variant_name)


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


def test_a_lost_locust_process_fails_the_trial_rather_than_making_it_smaller(monkeypatch):
    killed = kill_on_entering("measure", "--worker", monkeypatch=monkeypatch, at_once=1)
    record = small_trial("broadcast", "websocket", workers=2)
    assert killed
    assert not record.valid
    assert record.ledger is None
    assert "the load generator was killed by SIGKILL" in record.failure.error
    assert not [child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]


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


def kill_on_entering(phase, *names, monkeypatch, times=1, at_once=None):
    """Kill the processes (or `at_once` of them) with one of these names, or with one as a word of their command, when
    a trial enters `phase`; the ids of those that were killed."""
    enter, killed = Phases.enter, []

    def killing(phases, entered):
        enter(phases, entered)
        if entered == phase and len(killed) < times:
            children = psutil.Process().children(recursive=True)
            victims = [child for child in children if {child.name(), *child.cmdline()} & set(names)]
            for victim in victims[:at_once]:
                victim.kill()
                killed.append(victim.pid)

    monkeypatch.setattr(Phases, "enter", killing)
    return killed


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


def silently(line):
    """Print nothing."""


def unpin():
    """Give this process, which a run has pinned, all cores again."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, USABLE)


def resumed(name, results):
    """The rest of a run, as a process that no trial has pinned would resume it."""
    unpin()
    return resume(name, results, silently)


def request(tmp_path, **changes):
    settings = tuple(f"{name}={value}" for name, value in SMALL["broadcast"].items())
    return Request(variants=("sse",), scenarios=("broadcast",), repetitions=2, changes=settings, name="small",
                   results=tmp_path, **changes)  # fmt: skip


@pytest.mark.usefixtures("calm_machine")
def test_a_run_continues_after_a_server_was_killed_and_reports_its_invalid_trials(tmp_path, monkeypatch):
    kill_on_entering("measure", "servers", monkeypatch=monkeypatch)
    lines = []
    assert carry_out(begin(request(tmp_path), lines.append), lines.append) == 0  # its cell has a valid trial
    assert lines[-1].endswith("1 invalid")
    _, trials = load(tmp_path / "small")
    assert [record.valid for record in trials] == [False] + [True] * (len(trials) - 1)
    assert len(trials) == 8  # two blocks of a brief calibration, the variant and the harness
    assert any("FAILED" in line for line in lines)


@dataclass
class Resumed:
    """A run that was interrupted after its first trial and then resumed, and what it was at both times."""

    results: Path
    first: Trial
    interrupted: list[Trial]
    code: int


@pytest.fixture(scope="module")
def resumed_run(tmp_path_factory):
    """A run that was interrupted after its first trial and then resumed, on a machine that disturbs no trial."""
    results, run_trial, made = tmp_path_factory.mktemp("results"), trial.run, []

    def interrupted(*arguments):
        if made:
            raise KeyboardInterrupt
        made.append(run_trial(*arguments))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        excuse_the_machine(patch)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(trial, "run", interrupted)
            with pytest.raises(KeyboardInterrupt):
                carry_out(begin(request(results), silently), silently)
        _, trials = load(results / "small")
        code = carry_out(resumed("small", results), silently)
    unpin()
    return Resumed(results, made[0], trials, code)


def test_an_interrupted_run_is_a_valid_shorter_run_and_can_be_resumed(resumed_run):
    assert len(resumed_run.interrupted) == 1
    assert resumed_run.code == 0
    run, trials = load(resumed_run.results / "small")
    assert [record.planned for record in trials] == run.plan
    assert trials[0] == resumed_run.first


def test_a_run_is_not_continued_under_other_conditions(tmp_path, monkeypatch):
    begun = begin(request(tmp_path), silently)
    here = begun.run.environment
    elsewhere = msgspec.structs.replace(
        here, facts={**here.facts, "kernel": "another"}, server_cores=[77], commit="0" * 40, dirty=not here.dirty
    )
    monkeypatch.setattr(machine, "environment", lambda cores, idle_states: elsewhere)
    with pytest.raises(Refused) as refused:
        resume("small", tmp_path, silently)
    for change in ("-> another", f"cores of the servers: {here.server_cores} -> [77]", "-> 0000000000", "files"):
        assert change in str(refused.value)
    assert "load generator" not in str(refused.value)


def test_a_run_measures_its_harness_and_calibrates_itself(resumed_run):
    run, trials = load(resumed_run.results / "small")
    assert {variant.name: variant.hidden for variant in run.variants} == {
        "sse": False, "null": True, "calibration": True,
    }  # fmt: skip
    assert [scenario.name for scenario in run.scenarios if scenario.hidden] == ["calibration"]
    assert [record.planned.variant for record in trials].count("null") == 2
    records = {record.parameters["injected"]: record for record in trials if record.planned.scenario == "calibration"}
    assert records["delay 5 ms"].latency.min_ns >= 5_000_000
    assert records["faults"].ledger.lost > 0
    counts = [reading for reading in readings(trials) if reading.unit == "count"]
    assert len(counts) == 3
    assert all(reading.met for reading in counts)
    assert all(record.valid for record in trials)


@pytest.mark.usefixtures("calm_machine")
def test_a_calibration_is_a_run_that_can_be_stored_read_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.execution.calibration.WHOLE", BRIEF)
    begun = calibration.begin(Request(name="calibrated", results=tmp_path))
    begun.store.add(trial.run(
        begun.left[0], scenarios.load("calibration"), servers.load("calibration"),
        {**begun.run.scenarios[0].parameters, **begun.left[0].changes, "measure_s": 1.0}, begun.cores,
    ))  # fmt: skip
    assert carry_out(resumed("calibrated", tmp_path), silently) == 0
    run, trials = load(tmp_path / "calibrated")
    assert [record.planned for record in trials] == run.plan
    assert [variant.name for variant in run.variants] == ["calibration"]
    lines = table(readings(trials)).splitlines()
    assert lines[0].split() == ["injection", "quantity", "injected", "read", "back", "error", "tolerance"]
    assert len(lines) == 1 + 5 + 1
