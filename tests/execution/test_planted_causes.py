"""What disturbs a trial is found in its record: real trials, each with a cause planted beside it.

Only the cause that was planted is asked for. The machine that runs these tests may add others of its own.
"""

import contextlib
import subprocess
import sys

import pytest

from bench import scenarios
from bench.execution import trial
from bench.measure.conditions import LINUX
from bench.measure.machine import divide_cores, pin
from bench.planning.plan import plan
from servers import _variant

CORES = divide_cores()
SHORT = {"subscribers": 20, "rate_hz": 50.0, "measure_s": 0.6, "warm_up_s": 0.1, "poll_interval_s": 0.05}
LOOP = "print(flush=True)\nwhile True: pass"

pytestmark = [
    pytest.mark.skipif(not LINUX, reason="only Linux tells who waits and who else is at work"),
    pytest.mark.skipif(not CORES.load, reason="with one core, who disturbs the load side disturbs the server as well"),
]


@contextlib.contextmanager
def busy(*cores):
    """A process on each of the cores that never rests."""
    with contextlib.ExitStack() as stack:
        for core in cores:
            hog = stack.enter_context(
                subprocess.Popen([sys.executable, "-c", LOOP], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
            )
            stack.callback(hog.kill)
            pin(hog.pid, (core,))
            hog.stdout.readline()  # its start-up is over
        yield


def short_trial(**changes):
    scenario = scenarios.load("broadcast")
    (planned,) = plan([("broadcast", "websocket")], 1, 1)
    parameters = scenario.settled("standard", SHORT | changes)
    record = trial.run(planned, scenario, _variant.load("websocket"), parameters, CORES)
    assert record.failure is None
    if record.machine.busy_ns is None:
        pytest.skip("this system does not show its cores")
    return record


def names(record):
    return {finding.name for finding in record.findings}


def test_a_busy_process_on_the_generators_core_strikes_the_trial_out():
    with busy(*CORES.load):
        record = short_trial()
    assert "busy before the start" in names(record)
    assert "heavy competing CPU use" in names(record)
    assert not record.valid


def test_busy_processes_on_every_core_strike_the_trial_out():
    """As many as leave both sides less of their cores than they need: they would preempt a few."""
    with busy(*10 * CORES.all):
        record = short_trial(subscribers=300)
    assert "heavy competing CPU use" in names(record)
    assert {"server waited for its core", "generator waited for its core"} & names(record)
    assert not record.valid
