"""The record of a trial names what disturbed it: real trials, each with one injected cause.

Only the injected cause is checked for. The machine that runs these tests may add others.
"""

import contextlib
import subprocess
import sys

import pytest

import servers
from bench import scenarios
from bench.execution import trial
from bench.measure.conditions import LINUX
from bench.measure.machine import divide_cores, pin
from bench.planning.plan import plan

CORES = divide_cores()
SHORT = {"subscribers": 20, "rate_hz": 50.0, "measure_s": 0.6, "warm_up_s": 0.1, "poll_interval_s": 0.05}
LOOP = "print(flush=True)\nwhile True: pass"

pytestmark = [
    pytest.mark.skipif(not LINUX, reason="only Linux reports waiting and the CPU time of other processes"),
    pytest.mark.skipif(not CORES.load, reason="with one core, what disturbs the load side also disturbs the server"),
]


@contextlib.contextmanager
def busy(*cores):
    """A process on each of the cores that is always busy."""
    with contextlib.ExitStack() as stack:
        for core in cores:
            hog = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", LOOP], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            )
            stack.callback(hog.kill)
            pin(hog.pid, (core,))
            hog.stdout.readline()  # it has started
        yield


def short_trial(**changes):
    scenario = scenarios.load("broadcast")
    (planned,) = plan([("broadcast", "websocket")], 1, 1)
    parameters = scenario.settled("standard", SHORT | changes)
    record = trial.run(planned, scenario, servers.load("websocket"), parameters, CORES)
    assert record.failure is None
    if record.machine.busy_ns is None:
        pytest.skip("this system does not show its cores")
    return record


def names(record):
    return {finding.name for finding in record.findings}


def test_a_busy_process_on_the_core_of_the_generator_makes_the_trial_invalid():
    with busy(*CORES.load):
        record = short_trial()
    assert "busy before the start" in names(record)
    assert "heavy competing CPU use" in names(record)
    assert not record.valid


def test_busy_processes_on_every_core_make_the_trial_invalid():
    """Ten per core: both sides then get less CPU time than they need. They would preempt a few processes."""
    with busy(*10 * CORES.all):
        record = short_trial(subscribers=300)
    assert "heavy competing CPU use" in names(record)
    assert {"server waited for its core", "generator waited for its core"} & names(record)
    assert not record.valid
