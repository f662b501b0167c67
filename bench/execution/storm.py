"""Measures a storm: everybody arrives at once, is shown to be there, and leaves at once."""

from __future__ import annotations

import time

from bench.execution.participants import SLACK_S, Participants, assemble, connect, prime
from bench.execution.stage import Stage
from bench.load.publisher import PROBE_EVERY_S
from bench.measure import conditions, usage
from bench.measure.receipts import merge_known
from bench.processes.member import answer, watch
from bench.processes.orders import Connecting, Leave, Left, Probe, Probed, ReportConnecting, Stop
from bench.results import Storm
from servers._variant import Variant

FDS_APART = 5  # from those before: near enough to be back
FDS_WITHIN_NS = 35_000_000_000  # twice the 15 s of a heartbeat: a dead connection takes the first write in silence
FDS_LOOK_NS = 50_000_000


def measure(participants: Participants, variant: Variant, stage: Stage) -> None:
    """Everybody connects at once; then a probe must reach them all; then they leave at once."""
    subscribers = participants.parameters["subscribers"]
    server, broker = participants.server.server_pid, participants.broker.pid if participants.broker else None
    assemble(participants, subscribers)
    stage.enter("measure")
    fds_before = usage.fds_held(server)
    queues, began_ns = conditions.accept_queues(), time.monotonic_ns()
    before = usage.cpu_clock_ns(server), usage.cpu_clock_ns(broker) if broker else 0
    connect(participants, variant, subscribers)
    window_ns = time.monotonic_ns() - began_ns
    after = usage.cpu_clock_ns(server), usage.cpu_clock_ns(broker) if broker else 0
    thrown = conditions.accept_queues()
    stage.enter("prime")
    prime(participants)
    answers = participants.order(ReportConnecting(), Connecting, 0.0)
    stage.facts["connect"] = merge_known([one.connect for one in answers])
    stage.enter("leave")
    fds_after, fds_back_ns = _leave(participants, fds_before)
    stage.facts["storm"] = Storm(
        subscribers=subscribers,
        standing=subscribers - sum(sum(one.errors.values()) for one in answers),
        window_ns=window_ns,
        server_cpu_ns=after[0] - before[0],
        broker_cpu_ns=after[1] - before[1],
        accept_queue_overflows=thrown[0] - queues[0] if queues and thrown else None,
        accept_queue_drops=thrown[1] - queues[1] if queues and thrown else None,
        fds_before=fds_before,
        fds_after=fds_after,
        fds_back_ns=fds_back_ns,
    )


def _leave(participants: Participants, fds_before: int | None) -> tuple[int | None, int | None]:
    """Have everybody leave, with or without probes being published, and see how the server's descriptors go back."""
    began_ns = time.monotonic_ns()
    participants.order(Leave(), Left, 0.0)
    probes = participants.publisher if participants.parameters["afterwards"] == "probes" else None
    if probes:
        probes.send(Probe(topic=participants.topic, every_s=PROBE_EVERY_S))
    seen = _descriptors_back(participants, fds_before, began_ns)
    if probes:
        probes.send(Stop())
        answer(probes, Probed, SLACK_S, participants.watched)
    return seen


def _descriptors_back(participants: Participants, before: int | None, began_ns: int) -> tuple[int | None, int | None]:
    """(descriptors when last looked at, ns since `began_ns` until they were back, or None if they were not in time)."""
    while True:
        now = usage.fds_held(participants.server.server_pid)
        passed_ns = time.monotonic_ns() - began_ns
        if now is None or before is None:
            return now, None
        if abs(now - before) <= FDS_APART:
            return now, passed_ns
        if passed_ns > FDS_WITHIN_NS:
            return now, None
        watch(participants.watched, time.monotonic_ns() + FDS_LOOK_NS)
