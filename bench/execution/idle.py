"""Measures idle subscribers: step by step more of them, each step measured while nothing is published."""

from __future__ import annotations

import time
from collections.abc import Iterator

from bench.execution.driving import connect, why
from bench.execution.participants import Participants
from bench.execution.phases import Phases
from bench.execution.sampling import Samples, sampling
from bench.measure import usage
from bench.measure.receipts import merge_present
from bench.processes.errors import ProcessError
from bench.processes.member import watch
from bench.processes.orders import Connecting, ReportConnecting
from bench.results import IdleStep, Machine, Measurements
from bench.scenarios import IdleSteps

SETTLE_WINDOWS = 8  # at most
QUIET_SHARE, BUSY_SHARE = 0.1, 0.9  # of a core
STEADY_SHARE = 0.7  # of what was used in the window before


def measure(participants: Participants, phases: Phases, machine: Machine) -> Iterator[Measurements]:
    """Connect more subscribers at each step, and measure what the server holds and uses. Raises as the processes do."""
    steps: list[IdleStep] = []
    kind, parameters = participants.workload.scenario.kind, participants.parameters
    assert isinstance(kind, IdleSteps)
    for index, subscribers in enumerate(kind.steps.of(parameters)):
        phases.enter("connect")
        connect(participants, subscribers, first=index == 0)
        _settle(participants, kind.settle_s.of(parameters))
        phases.enter("measure")
        samples = _sample(participants, machine)
        yield Measurements(machine=samples.machine)  # that of the last step stands for the whole trial
        server, broker = samples.usage["server"], samples.usage.get("broker")
        steps.append(IdleStep(subscribers=subscribers, window_ns=samples.window_ns, server=server, broker=broker))
    parts = participants.order(ReportConnecting(), Connecting, 0.0)
    if any(part.errors for part in parts):
        raise ProcessError(f"idle subscribers had errors{why([part.errors for part in parts])}")
    yield Measurements(idle=steps, connect=merge_present(part.connect for part in parts))


def _settle(participants: Participants, settle_s: float) -> None:
    """Wait until the server is quiet, or steady where polling never lets it be quiet: it may still be busy accepting
    subscribers that the kernel has connected for it.
    """
    window_ns = round(settle_s * 1e9)
    pids = [pid for name, pid in participants.pids.items() if name in ("server", "broker")]
    before_ns, clock_ns = 0, sum(map(usage.cpu_clock_ns, pids))
    for _ in range(SETTLE_WINDOWS):
        watch(participants.watched, time.monotonic_ns() + window_ns)
        now_ns = sum(map(usage.cpu_clock_ns, pids))
        used_ns = now_ns - clock_ns
        steady = STEADY_SHARE * before_ns < used_ns < BUSY_SHARE * window_ns
        if used_ns < QUIET_SHARE * window_ns or (before_ns and steady):
            return
        before_ns, clock_ns = used_ns, now_ns


def _sample(participants: Participants, machine: Machine) -> Samples:
    """What all processes use in one window. Raises as the processes do."""
    start_ns = time.monotonic_ns()
    end_ns = start_ns + round(participants.parameters["measure_s"] * 1e9)
    with sampling(participants.pids, machine, (start_ns, end_ns)) as samples:
        watch(participants.watched, end_ns)
        samples.wait()
    return samples.samples()
