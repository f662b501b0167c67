"""Measures a storm: all subscribers arrive at once, are shown to be subscribed, and leave at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Self

from bench.execution.driving import assemble, connect, prime, probe_interval_s, probing
from bench.execution.participants import Participants
from bench.execution.phases import Phases
from bench.load.publisher import PROBE_EVERY_S
from bench.measure import conditions, usage
from bench.measure.receipts import merge_present
from bench.processes.member import watch
from bench.processes.orders import Connecting, Leave, Left, ReportConnecting
from bench.results import Machine, Measurements, Storm
from bench.scenarios import Arrivals

FDS_APART = 5  # from those before: near enough to be back
FDS_WITHIN_NS = 35_000_000_000  # twice the 15 s of a heartbeat: the first write to a dead connection succeeds
FDS_LOOK_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """What connecting all subscribers took: time, CPU time of the server and its broker (0: it has none; None: its
    process is not known), and what the kernel's accept queues dropped (overflows, drops; None: not visible)."""

    window_ns: int
    server_cpu_ns: int
    broker_cpu_ns: int | None
    dropped: tuple[int, int] | None

    @classmethod
    def of(cls, participants: Participants, subscribers: int) -> Self:
        """Connect them. Raises as `connect` does."""
        server, broker = participants.server.server_pid, participants.broker
        queues, began_ns = conditions.accept_queue_drops(), time.monotonic_ns()
        server_ns, broker_ns = usage.cpu_clock_ns(server), usage.cpu_clock_ns(broker.pid) if broker else 0
        connect(participants, subscribers)
        window_ns = time.monotonic_ns() - began_ns
        server_ns = usage.cpu_clock_ns(server) - server_ns
        broker_ns = (usage.cpu_clock_ns(broker.pid) if broker else 0) - broker_ns
        queues_after = conditions.accept_queue_drops()
        dropped = (queues_after[0] - queues[0], queues_after[1] - queues[1]) if queues and queues_after else None
        return cls(window_ns, server_ns, None if participants.server.broker_not_measured else broker_ns, dropped)


def measure(participants: Participants, phases: Phases, machine: Machine) -> Iterator[Measurements]:
    """All subscribers connect at once; then a probe must reach each; then they leave at once. Raises as the processes
    do."""
    subscribers, kind = participants.parameters["subscribers"], participants.workload.scenario.kind
    assert isinstance(kind, Arrivals)
    assemble(participants, subscribers)
    phases.enter("measure")
    fds_before = usage.fds_or_none(participants.server.server_pid)
    arrival = Arrival.of(participants, subscribers)
    phases.enter("probe")
    prime(participants, probe_interval_s(participants.parameters))
    parts = participants.order(ReportConnecting(), Connecting, 0.0)
    yield Measurements(connect=merge_present(part.connect for part in parts))
    phases.enter("disconnect")
    fds_after, fds_released_ns = _leave(participants, fds_before, kind.probes(participants.parameters))
    yield Measurements(
        storm=Storm(
            subscribers=subscribers,
            connected=subscribers - sum(sum(part.errors.values()) for part in parts),
            window_ns=arrival.window_ns,
            server_cpu_ns=arrival.server_cpu_ns,
            broker_cpu_ns=arrival.broker_cpu_ns,
            accept_queue_overflows=arrival.dropped[0] if arrival.dropped else None,
            accept_queue_drops=arrival.dropped[1] if arrival.dropped else None,
            fds_before=fds_before,
            fds_after=fds_after,
            fds_released_ns=fds_released_ns,
        )
    )


def _leave(participants: Participants, fds_before: int | None, with_probes: bool) -> tuple[int | None, int | None]:
    """Have all subscribers leave, while probes are published or not, and wait for the server's descriptors."""
    began_ns = time.monotonic_ns()
    participants.order(Leave(), Left, 0.0)
    with probing(participants, PROBE_EVERY_S) if with_probes else nullcontext():
        return _descriptors_back(participants, fds_before, began_ns)


def _descriptors_back(participants: Participants, before: int | None, began_ns: int) -> tuple[int | None, int | None]:
    """(descriptors at the last look, ns since `began_ns` until they were back, or None if they were not in time)."""
    while True:
        now = usage.fds_or_none(participants.server.server_pid)
        passed_ns = time.monotonic_ns() - began_ns
        if now is None or before is None:
            return now, None
        if abs(now - before) <= FDS_APART:
            return now, passed_ns
        if passed_ns > FDS_WITHIN_NS:
            return now, None
        watch(participants.watched, time.monotonic_ns() + FDS_LOOK_NS)
