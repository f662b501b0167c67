"""What processes are ordered to do, step by step, and the wait for their answers: connect, prime, measure."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from bench.execution.participants import SLACK_S, Participants
from bench.load.publisher import PROBE_EVERY_S
from bench.measure.receipts import summed_errors
from bench.measure.received import Receipts
from bench.measure.recorder import Window
from bench.processes.errors import ProcessError
from bench.processes.load_side import Load, Publisher
from bench.processes.member import Watched, answer, answers
from bench.processes.orders import (
    Assemble,
    Assembled,
    Assignment,
    Connect,
    Connected,
    DrainProbes,
    Measure,
    Measured,
    Prime,
    Primed,
    Probe,
    Probed,
    ProbesDrained,
    Publish,
    Published,
    Stop,
)
from bench.schedule import Schedule, sequences

PRIME_WITHIN_S = 15.0
# Deliveries of probes a second at most, and their bytes: a server that still accepts subscribers must keep up.
PROBES_PER_S, PROBE_BYTES_PER_S = 5_000, 20_000_000
UPSTREAM_BYTES_PER_S = 1_000_000  # a slow product needs 0.6 s to publish 1 MiB
LEAD_NS = 60_000_000  # from giving the orders to the first message: every process has read its order by then
DRAIN_WITHIN_S = 5.0
NOTHING_PUBLISHED = Published(published=0, unsent=0, slips_ns=[])


class Driven(Protocol):
    """Processes that one schedule drives: the participants of a trial, or fewer."""

    @property
    def topic(self) -> str:
        """The topic on which the publisher publishes."""

    @property
    def loads(self) -> Sequence[Load]:
        """The Locust processes that take orders."""

    @property
    def publisher(self) -> Publisher | None:
        """The publisher; None if subscribers publish."""

    @property
    def watched(self) -> Sequence[Watched]:
        """The processes whose end is an error."""


def assemble(participants: Participants, subscribers: int) -> None:
    """Have the load generator make its users, which do not connect yet. Raises ProcessError unless it does in time."""
    timeout_s = _patience_s(subscribers)
    for place, load in enumerate(participants.loads):
        load.send(Assemble(subscribers=_own(participants, place, subscribers), timeout_s=timeout_s))
    if not all(part.in_time for part in participants.answers(Assembled, timeout_s)):
        raise ProcessError(f"the load generator had not made {subscribers} users within {timeout_s:g} s")


def connect(participants: Participants, subscribers: int, *, first: bool = True) -> None:
    """Have the load generator open subscriptions until there are `subscribers`. Raises ProcessError unless all open."""
    timeout_s = _patience_s(subscribers)
    for place, load in enumerate(participants.loads):
        assignment = _assignment(participants, place) if first else None
        own = _own(participants, place, subscribers)
        load.send(Connect(subscribers=own, timeout_s=timeout_s, assignment=assignment))
    parts = participants.answers(Connected, timeout_s)
    connected = sum(part.settled - part.failed for part in parts)
    if connected < subscribers:
        reason = why([part.errors for part in parts])
        raise ProcessError(f"{connected} of {subscribers} subscribers connected within {timeout_s:g} s{reason}")


def _patience_s(subscribers: int) -> float:
    return SLACK_S + subscribers / 200


def _own(participants: Participants, place: int, subscribers: int) -> int:
    """The number of subscribers that belong to one Locust process."""
    return len(range(place, subscribers, len(participants.loads)))


def _assignment(participants: Participants, place: int) -> Assignment:
    """The server that one Locust process drives, and how."""
    workload, entrance = participants.workload, participants.proxy or participants.server
    return Assignment(
        host="127.0.0.1",
        port=entrance.port,
        client=workload.variant.client,
        wire=workload.variant.wire,
        topic=participants.topic,
        seed=workload.seed,
        scenario=workload.scenario.name,
        parameters=workload.parameters,
        share=(place, len(participants.loads)),
    )


def probe_interval_s(parameters: Mapping[str, Any]) -> float:
    """How often to publish a probe while subscribers are primed."""
    subscribers: int = parameters["subscribers"]
    payload_bytes: int = parameters["payload_bytes"]
    return max(PROBE_EVERY_S, subscribers / PROBES_PER_S, subscribers * payload_bytes / PROBE_BYTES_PER_S)


def upstream_pause_s(participants: Participants) -> float:
    """How long subscribers that publish wait for their first probes, in which a slow server can deliver them all."""
    parameters, scenario = participants.parameters, participants.workload.scenario
    poll_interval_s: float = parameters["poll_interval_s"]
    if not participants.workload.upstream:
        return poll_interval_s
    deliveries: int = parameters["subscribers"] * scenario.receivers(parameters)
    payload_bytes: int = parameters["payload_bytes"]
    return max(poll_interval_s, deliveries * payload_bytes / UPSTREAM_BYTES_PER_S)


def prime(participants: Participants, every_s: float) -> None:
    """Publish a probe every `every_s` until all subscribers have received one, then wait until the last has arrived
    everywhere. Raises ProcessError if one never receives any, or not the last one in time."""
    pause_s = upstream_pause_s(participants)
    timeout_s = PRIME_WITHIN_S + every_s + 2 * pause_s
    with probing(participants, every_s) as probes:
        order = Prime(upstream=participants.workload.upstream, timeout_s=timeout_s, pause_s=pause_s)
        parts = participants.order(order, Primed, timeout_s)
    primed, subscribers = sum(part.primed for part in parts), sum(part.subscribers for part in parts)
    if primed < subscribers:
        reason = why([part.errors for part in parts])
        raise ProcessError(f"{primed} of {subscribers} subscribers received a probe{reason}")
    order_to_drain = DrainProbes(published=probes.published, timeout_s=timeout_s)
    if not all(part.in_time for part in participants.order(order_to_drain, ProbesDrained, timeout_s)):
        raise ProcessError(f"the probes had not all arrived {timeout_s:g} s after the last one")


@dataclass(slots=True)
class Probes:
    """The number of probes that were published, once they are stopped."""

    published: int = 0


@contextmanager
def probing(driven: Driven, every_s: float) -> Iterator[Probes]:
    """Have the publisher, if there is one, publish a probe every `every_s` until the block ends."""
    probes = Probes()
    if driven.publisher is None:
        yield probes
        return
    driven.publisher.send(Probe(topic=driven.topic, every_s=every_s))
    yield probes
    driven.publisher.send(Stop())
    probes.published = answer(driven.publisher, Probed, SLACK_S, driven.watched).published


@dataclass(frozen=True, slots=True)
class MeasuredPart:
    """A measured part whose orders have been given. `drain_s` is how long after its end messages may still arrive."""

    schedule: Schedule
    window: Window
    drain_s: float


@dataclass(frozen=True, slots=True)
class Collected:
    """What the publisher and the Locust processes answered after a measured part."""

    published: Published
    receipts: list[Receipts]


def begin_workload(participants: Participants) -> MeasuredPart:
    """The measured part of a workload, begun."""
    parameters = participants.parameters
    drain_s = parameters.get("drain_s", DRAIN_WITHIN_S) + parameters["poll_interval_s"]
    burst = participants.workload.scenario.burst_size(parameters)
    schedule = starting_soon(parameters["rate_hz"], burst)
    return begin(participants, schedule, sequences(parameters, burst), drain_s, upstream=participants.workload.upstream)


def starting_soon(rate_hz: float, burst: int = 1) -> Schedule:
    """A schedule whose first message is due when every process has read its order."""
    return Schedule(start_ns=time.monotonic_ns() + LEAD_NS, rate_hz=rate_hz, burst=burst)


def begin(
    driven: Driven, schedule: Schedule, messages: tuple[int, int], drain_s: float, *, upstream: bool = False
) -> MeasuredPart:
    """Have messages published on a schedule, by the publisher or the subscribers, and `messages` measured (from the
    first to before the last)."""
    first, last = messages
    for load in driven.loads:
        load.send(Measure(schedule=schedule, first=first, last=last, drain_s=drain_s, upstream=upstream))
    if driven.publisher:
        driven.publisher.send(Publish(topic=driven.topic, schedule=schedule, count=last))
    return MeasuredPart(schedule, Window(first, last, schedule.due_ns(first), schedule.due_ns(last)), drain_s)


def collect(driven: Driven, part: MeasuredPart) -> Collected:
    """The answers, once messages have arrived or the drain is over. Raises as `answer` does."""
    published = NOTHING_PUBLISHED
    if driven.publisher:
        published = answer(driven.publisher, Published, SLACK_S, driven.watched)
    measured = answers(driven.loads, Measured, part.drain_s + SLACK_S, driven.watched)
    return Collected(published, [one.receipts for one in measured])


def why(errors: Sequence[Mapping[str, int]]) -> str:
    """The most frequent error that the Locust processes counted, if any, as the end of a message."""
    total = summed_errors(dict(counts) for counts in errors)
    return f"; most frequent error: {max(total, key=lambda error: total[error])}" if total else ""
