"""Waiting for a quiet machine: before a run, and before a trial that follows a disturbed one."""

import os
import signal
import subprocess
import sys
import time

import msgspec
import psutil
import pytest

from bench.execution.quiet import Quiet
from bench.measure import neighbours
from bench.measure.machine import divide_cores, pin
from bench.measure.neighbours import Neighbours
from bench.results import Finding
from tests._trials import calm

WITHIN_S = 30.0
SECOND_NS = 1_000_000_000
BUSY = Neighbours(SECOND_NS, 900_000_000, 450_000_000, [("chromium", 0.62), ("python", 0.2), ("a", 0.1), ("b", 0.05)])
CALM = Neighbours(SECOND_NS, 20_000_000, 10_000_000, [])


@pytest.fixture
def looks(monkeypatch):
    """What is seen of the machine, look by look, the last for ever; and the number of looks. A look takes 1 s."""
    seen, made, clock = [CALM], [], [0]

    def look(cores):
        made.append(cores)
        clock[0] += 1_000_000_000
        return seen.pop(0) if len(seen) > 1 else seen[0]

    monkeypatch.setattr(neighbours, "look", look)
    monkeypatch.setattr("bench.execution.quiet.time.monotonic_ns", lambda: clock[0])
    return seen, made


def begun(wait_s):
    lines = []
    quiet = Quiet([0, 1], lines.append, wait_s)
    quiet.before_run()
    return quiet, lines


@pytest.mark.parametrize("view", [CALM, None])
def test_a_quiet_machine_and_one_that_shows_nothing_are_measured_at_once(looks, view):
    looks[0][:] = [view]
    assert begun(60)[1] == []
    assert len(looks[1]) == 1


def test_the_programs_that_keep_the_machine_busy_are_named_and_quiet_is_waited_for(looks):
    looks[0][:] = [BUSY, BUSY, BUSY, CALM]
    _, lines = begun(60)
    assert len(looks[1]) == 4
    assert lines[0].replace("\N{NO-BREAK SPACE}", " ") == (
        "note  this machine is busy: other processes use 45.0 % of the cores of a trial, most of it chromium (62 % of a"
        " core), python (20 % of a core), a (10 % of a core)"
    )
    assert "up to 60 s" in lines[1]
    assert len(lines) == 2


def test_the_wait_ends_and_what_that_means_is_said(looks):
    looks[0][:] = [BUSY]
    _, lines = begun(5)
    assert len(looks[1]) == 1 + 5
    assert "still busy" in lines[-1]
    assert "retried" in lines[-1]


def test_without_waiting_the_programs_are_named_all_the_same(looks):
    looks[0][:] = [BUSY]
    _, lines = begun(0)
    assert len(looks[1]) == 1
    assert "chromium" in lines[0]
    assert not any("waiting" in line for line in lines)


def disturbed(name):
    return msgspec.structs.replace(
        calm(), findings=[Finding(name=name, disqualifying=False, observation="", remedy="")]
    )


def test_a_trial_waits_only_after_a_disturbed_one_and_for_the_time_that_is_left(looks):
    quiet, _ = begun(3)
    for last in (None, calm(), disturbed("few messages")):
        quiet.before_trial(last)
    assert len(looks[1]) == 1
    looks[0][:] = [BUSY, BUSY, CALM]
    quiet.before_trial(disturbed("competing CPU use"))
    assert len(looks[1]) == 4
    looks[0][:] = [BUSY]
    quiet.before_trial(disturbed("competing CPU use"))
    assert len(looks[1]) == 5
    quiet.before_trial(disturbed("competing CPU use"))
    assert len(looks[1]) == 5


ORPHAN = "import os, sys\nif os.fork(): sys.exit()\nprint(os.getpid(), flush=True)\nwhile True: pass"


@pytest.fixture
def orphan():
    """A busy program that is no descendant of this process, on one of the cores of a trial."""
    cores = divide_cores().all
    with subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        try:
            pin(pid, cores[:1])
            yield psutil.Process(pid).name()
        finally:
            os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the cores")
def test_a_busy_program_is_seen_and_named(orphan):
    """On a machine whose other work leaves it little time, it may take several looks."""
    deadline = time.monotonic() + WITHIN_S
    while (others := neighbours.look(divide_cores().all, 0.5)) and time.monotonic() < deadline:
        if others.busy_ns > 0 and orphan in dict(others.programs):
            return
    if others is None:
        pytest.skip("this system does not show its cores")
    raise AssertionError(f"{orphan} is not among {others.programs}")
