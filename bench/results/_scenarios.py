"""What only some scenarios measure: idle steps, reconnects, faults, emulated paths, storms, searches."""

from __future__ import annotations

from typing import Literal

from bench.results._fact import Fact
from bench.results._measured import Distribution, ProcessUsage


class IdleStep(Fact, frozen=True, kw_only=True):
    """N connected subscribers to which nothing is published, over `window_ns`."""

    subscribers: int
    window_ns: int
    server: ProcessUsage
    broker: ProcessUsage | None


class Reconnects(Fact, frozen=True, kw_only=True):
    """Subscribers that lost their connection while publishing went on.

    A subscriber has *caught up* when it has received, or has passed, every message that was due before its first
    connect attempt.

    declares_resume: whether the variant promises that a subscriber misses nothing across a reconnect without a report.
    disconnects: connections that were cut or lost; a further loss before the subscriber has caught up is not counted.
    caught_up: how many of these disconnects were followed by catching up before the end.
    attempts: connect attempts. attempt_slots: the number of attempts in each tenth of a second of the measured part.
    recovered_deliveries: deliveries that were due while their subscriber was away, and arrived afterwards.
    catch_up_time: from the first connect attempt until the subscriber had caught up.
    reconnect_time: from the loss of the connection until the subscription was confirmed again (where the protocol does
    not confirm: until its first message); disconnects without a reconnect are not in it.
    unsent_messages: messages that the publisher could not send because there was no server; they also count as lost.
    """

    declares_resume: bool
    disconnects: int
    caught_up: int
    attempts: int
    attempt_slots: list[int]
    recovered_deliveries: int
    catch_up_time: Distribution
    reconnect_time: Distribution | None = None
    unsent_messages: int = 0


class Restart(Fact, frozen=True, kw_only=True):
    """A server ended in the measured part, and another took its place. Times count from the start of that part.

    Descriptors and memory are those of the first server just before its end, and of the second after the drain, each
    with all subscribers connected. None: not measurable.
    """

    ended_ns: int
    ready_ns: int
    fds_before: int | None = None
    fds_after: int | None = None
    memory_before_bytes: int | None = None
    memory_after_bytes: int | None = None


class SlowReader(Fact, frozen=True, kw_only=True):
    """The one subscriber that read slowly, over the measured part. Ledger, latencies and completion of its trial are
    those of the other subscribers.

    messages: received intact. signalled: of the `lost`, those in a gap that the server reported to it.
    closed_by_server: how often the server closed its connection. memory_before_bytes: PSS of the server and its child
    processes before the subscriber slowed down; memory_peak_bytes: the highest PSS after that.
    In a trial without a slow reader (the reference point) it is the same subscriber, which reads like the others.
    """

    messages: int
    corrupted: int
    lost: int
    duplicated: int
    reordered: int
    signalled: int
    closed_by_server: int
    memory_before_bytes: int
    memory_peak_bytes: int


class Outage(Fact, frozen=True, kw_only=True):
    """The broker was away. `began_ns` and `ended_ns` count from the start of the measured part.

    recovered_ns: from the broker's return until every subscriber had received a message that was due after it; None if
    that did not happen.
    """

    began_ns: int
    ended_ns: int
    recovered_ns: int | None


class EmulatedPath(Fact, frozen=True, kw_only=True):
    """The network path between subscribers and server, which a TCP proxy of the bench emulated in user space.

    name, description: which path. connections: number carried, of which `resets` were reset. stalls: how often a
    direction stalled while it had data. pieces: number of pieces forwarded.
    """

    name: str
    description: str
    connections: int
    resets: int
    stalls: int
    pieces: int


class Storm(Fact, frozen=True, kw_only=True):
    """Subscribers that connected all at once, and afterwards disconnected all at once.

    connected: how many got a subscription, the last one after `window_ns`. CPU times are of that window.
    accept_queue_*: connections that the kernel's accept queues refused or dropped in it.
    fds_before: open descriptors of the server before the first connect; fds_after: at the last reading.
    fds_released_ns: from the disconnect until they were within 5 of `fds_before`; None: not in time, or not measurable.
    """

    subscribers: int
    connected: int
    window_ns: int
    server_cpu_ns: int
    broker_cpu_ns: int
    accept_queue_overflows: int | None
    accept_queue_drops: int | None
    fds_before: int | None = None
    fds_after: int | None = None
    fds_released_ns: int | None = None


class CapacityStep(Fact, frozen=True, kw_only=True):
    """One load of a search for the highest rate that a server sustains: messages per second on the topic.

    verdict: sustained; exceeded (above the latency bound, or messages were lost); generator (the load generator or the
    publisher reached its own limit first); disturbed (by something that does not depend on the rate, so that the step
    has no result). observation: the reason in words. CPU times, `deliveries` (their denominator), `requests` and
    `segments_in` (see Wire) are those of `window_ns`. The slip is the publisher's, over the measured messages.
    """

    rate_hz: float
    verdict: Literal["sustained", "exceeded", "generator", "disturbed"]
    observation: str
    expected: int
    delivered: int
    p50_ns: int | None
    p99_ns: int | None
    server_cpu_ns: int | None
    window_ns: int | None
    broker_cpu_ns: int | None = None
    deliveries: int | None = None
    requests: int | None = None
    segments_in: int | None = None
    slip_p50_ns: int | None = None
    slip_p99_ns: int | None = None
