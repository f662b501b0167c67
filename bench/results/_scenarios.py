"""What only some scenarios measure: idle steps, reconnects, faults, emulated paths, storms, searches."""

from __future__ import annotations

from typing import Literal

from bench.results._fact import Count, Fact, Ns, Rate
from bench.results._measured import Distribution, ProcessUsage


class IdleStep(Fact, frozen=True, kw_only=True):
    """N connected subscribers to which nothing is published, over `window_ns`."""

    subscribers: Count
    window_ns: Ns
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
    disconnects: Count
    caught_up: Count
    attempts: Count
    attempt_slots: list[Count]
    recovered_deliveries: Count
    catch_up_time: Distribution
    reconnect_time: Distribution | None = None
    unsent_messages: Count = 0


class Restart(Fact, frozen=True, kw_only=True):
    """A server ended in the measured part, and another took its place. Times count from the start of that part.

    Descriptors and memory are those of the first server just before its end, and of the second after the drain, each
    with all subscribers connected. None: not measurable.
    """

    ended_ns: Ns
    ready_ns: Ns
    fds_before: Count | None = None
    fds_after: Count | None = None
    memory_before_bytes: Count | None = None
    memory_after_bytes: Count | None = None


class SlowReader(Fact, frozen=True, kw_only=True):
    """The one subscriber that read slowly, over the measured part. Ledger, latencies and completion of its trial are
    those of the other subscribers.

    messages: received intact. signalled: of the `lost`, those in a gap that the server reported to it.
    closed_by_server: how often the server closed its connection. memory_before_bytes: PSS of the server and its child
    processes before the subscriber slowed down; memory_peak_bytes: the highest PSS after that.
    In a trial without a slow reader (the reference point) it is the same subscriber, which reads like the others.
    """

    messages: Count
    corrupted: Count
    lost: Count
    duplicated: Count
    reordered: Count
    signalled: Count
    closed_by_server: Count
    memory_before_bytes: Count
    memory_peak_bytes: Count


class Outage(Fact, frozen=True, kw_only=True):
    """The broker was away. `began_ns` and `ended_ns` count from the start of the measured part.

    recovered_ns: from the broker's return until every subscriber had received a message that was due after it; None if
    that did not happen.
    """

    began_ns: Ns
    ended_ns: Ns
    recovered_ns: Ns | None


class EmulatedPath(Fact, frozen=True, kw_only=True):
    """The network path between subscribers and server, which a TCP proxy of the bench emulated in user space.

    name, description: which path. connections: number carried, of which `resets` were reset. stalls: how often a
    direction stalled while it had data. pieces: number of pieces forwarded.
    """

    name: str
    description: str
    connections: Count
    resets: Count
    stalls: Count
    pieces: Count


class Storm(Fact, frozen=True, kw_only=True):
    """Subscribers that connected all at once, and afterwards disconnected all at once.

    connected: how many got a subscription, the last one after `window_ns`. CPU times are of that window; that of the
    broker is 0 without a broker, None if its process is not known.
    accept_queue_*: connections that the kernel's accept queues refused or dropped in it.
    fds_before: open descriptors of the server before the first connect; fds_after: at the last reading.
    fds_released_ns: from the disconnect until they were within 5 of `fds_before`; None: not in time, or not measurable.
    """

    subscribers: Count
    connected: Count
    window_ns: Ns
    server_cpu_ns: Ns
    broker_cpu_ns: Ns | None
    accept_queue_overflows: Count | None
    accept_queue_drops: Count | None
    fds_before: Count | None = None
    fds_after: Count | None = None
    fds_released_ns: Ns | None = None


class CapacityStep(Fact, frozen=True, kw_only=True):
    """One load of a search for the highest rate that a server sustains: messages per second on the topic.

    verdict: sustained; exceeded (above the latency bound, or messages were lost); generator (the load generator or the
    publisher reached its own limit first); disturbed (by something that does not depend on the rate, so that the step
    has no result). observation: the reason in words. CPU times, `deliveries` (their denominator), `requests` and
    `segments_in` (see Wire) are those of `window_ns`. The slip is the publisher's, over the measured messages.
    """

    rate_hz: Rate
    verdict: Literal["sustained", "exceeded", "generator", "disturbed"]
    observation: str
    expected: Count
    delivered: Count
    p50_ns: Ns | None
    p99_ns: Ns | None
    server_cpu_ns: Ns | None
    window_ns: Ns | None
    broker_cpu_ns: Ns | None = None
    deliveries: Count | None = None
    requests: Count | None = None
    segments_in: Count | None = None
    slip_p50_ns: Ns | None = None
    slip_p99_ns: Ns | None = None
