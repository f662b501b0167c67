"""The instruments of the measured part: which of them a workload has, and what each adds to the record."""

import os
from types import SimpleNamespace

import msgspec
import pytest

from bench.execution.driving import NOTHING_PUBLISHED, MeasuredPart
from bench.execution.instruments import Outcome, Path, Reconnecting, SlowReading, instruments, sampled
from bench.execution.phases import Phases
from bench.execution.sampling import Samples
from bench.execution.trial import joined
from bench.measure.recorder import Window
from bench.paths import CALM_NS
from bench.processes.orders import ProxyCounts, ReportCounts
from bench.results import Machine, Measurements, Reconnects, SlowReader, Trial
from bench.schedule import Schedule
from tests.execution._fakes import FakeProcess, participants, workload
from tests.processes.test_orders import NOTHING, RECEIPTS

S = 1_000_000_000
PART = MeasuredPart(Schedule(start_ns=0, rate_hz=1.0), Window(0, 10, 1 * S, 11 * S), 5.0)
MACHINE = Machine(
    cores=[0], before_window_ns=0, before_busy_ns=None, window_ns=0, busy_ns=None, steal_ns=None,
    frequencies_before_hz=None, frequencies_after_hz=None,
)  # fmt: skip


def outcome(memory=(), published=NOTHING_PUBLISHED, **receipts):
    samples = Samples(10 * S, {}, {}, memory, MACHINE)
    return Outcome(PART, published, msgspec.structs.replace(RECEIPTS, **receipts), samples)


@pytest.mark.parametrize(
    ("scenario", "names", "replaced"),
    [
        ("broadcast", ["Reconnecting"], set()),
        ("restart", ["Acting", "Reconnecting"], {"server", "broker"}),
        ("slow_reader", ["Reconnecting", "SlowReading"], set()),
    ],
)
def test_a_workload_has_the_instruments_that_its_scenario_asks_for(scenario, names, replaced):
    load = FakeProcess("load", [])
    broker = SimpleNamespace(pid=os.getpid(), alive=lambda: True)
    several = participants(workload(scenario), [load], broker=broker)
    several.server.server_pid = os.getpid()
    using = instruments(several)
    assert [type(one).__name__ for one in using] == names
    assert set(sampled(several, using)) == {"server", "broker", "load 1"} - replaced


def test_only_a_broker_that_is_killed_is_not_sampled():
    for outage, names in (("STOP", {"server", "broker"}), ("KILL", {"server"})):
        broker = SimpleNamespace(pid=os.getpid(), alive=lambda: True)
        several = participants(workload("outage", outage=outage), [], broker=broker)
        assert set(sampled(several, instruments(several))) == names


def test_a_path_is_disturbed_in_the_measured_part_and_reports_what_the_proxy_did():
    orders = []
    proxy = FakeProcess("proxy", orders, ProxyCounts(connections=5, resets=1, stalls=2, pieces=9))
    path = Path(participants(workload("lossy", path="far"), [], proxy=proxy))
    path.begin(PART)
    path.end()
    assert orders == [("proxy", (1 * S, 11 * S - CALM_NS)), ("proxy", ReportCounts())]
    emulated = path.after(outcome()).emulated_path
    assert emulated.name == "far"
    assert (emulated.connections, emulated.resets, emulated.stalls, emulated.pieces) == (5, 1, 2, 9)


@pytest.mark.parametrize(("variant", "resumes"), [("sse", True), ("flask_sse", False)])
def test_reconnects_are_stored_with_what_was_unsent_and_whether_the_variant_resumes(variant, resumes):
    reconnects = Reconnects(
        declares_resume=False, disconnects=1, caught_up=1, attempts=1, attempt_slots=[1], recovered_deliveries=0,
        catch_up_time=NOTHING,
    )  # fmt: skip
    published = msgspec.structs.replace(NOTHING_PUBLISHED, unsent=7)
    after = Reconnecting(participants(workload(variant=variant), [])).after
    stored = after(outcome(published=published, reconnects=reconnects)).reconnects
    assert (stored.declares_resume, stored.unsent_messages, stored.disconnects) == (resumes, 7, 1)
    assert after(outcome()) == Measurements()


def test_the_memory_of_a_slow_reader_is_split_where_it_begins_to_be_slow():
    slow = SlowReader(
        messages=1, corrupted=0, lost=0, duplicated=0, reordered=0, signalled=0, closed_by_server=0,
        memory_before_bytes=0, memory_peak_bytes=0,
    )  # fmt: skip
    several = participants(workload("slow_reader", slow_after_s=2.0, measure_s=30.0), [])
    several.server.server_pid = os.getpid()
    reading = SlowReading(several)
    assert os.getpid() in reading.weighed
    stored = reading.after(
        outcome(memory=[(2 * S, 10), (3 * S, 11), (4 * S, 30), (5 * S, 20)], slow_reader=slow)
    ).slow_reader
    assert (stored.memory_before_bytes, stored.memory_peak_bytes) == (11, 30)


def test_parts_of_a_record_are_joined_and_the_later_one_replaces_the_same_fact():
    first = Measurements(machine=MACHINE, connect=NOTHING)
    later = Measurements(machine=msgspec.structs.replace(MACHINE, window_ns=1), idle=[])
    whole = joined(first, later)
    assert (whole.machine.window_ns, whole.connect) == (1, NOTHING)
    assert joined(whole, Measurements()) == whole


def test_a_record_begins_with_what_was_planned_and_not_with_what_was_measured():
    assert Trial.__struct_fields__[:2] == ("schema", "planned")
    assert Trial.__struct_fields__[-len(Measurements.__struct_fields__) :] == Measurements.__struct_fields__


def test_a_phase_that_is_entered_again_adds_to_its_duration(monkeypatch):
    moments = iter([0, 10, 30, 60, 100])
    monkeypatch.setattr("bench.execution.phases.time.monotonic_ns", lambda: next(moments))
    phases = Phases()
    for phase in ("connect", "measure", "connect", "stop"):
        phases.enter(phase)
    assert phases.current == "stop"
    phases.end()
    assert phases.took_ns == {"connect": 10 + 30, "measure": 20, "stop": 40}
    assert phases.current == ""
