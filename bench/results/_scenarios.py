"""What only some scenarios measure: idle steps, absences, faults, emulated paths, storms, searches."""

from __future__ import annotations

from typing import Literal

from bench.results._fact import Fact
from bench.results._measured import Distribution, ProcessUsage


class IdleStep(Fact, frozen=True, kw_only=True):
    """N connected subscribers and nothing to say, over `window_ns`."""

    subscribers: int
    window_ns: int
    server: ProcessUsage
    broker: ProcessUsage | None


class Absences(Fact, frozen=True, kw_only=True):
    """What became of subscribers that were cut off while publishing went on.

    resumes: whether the variant promises that nothing is missing after a return unless it says so. cuts: connections
    cut or lost, without further losses before the subscriber was fresh again; returns: those that were back and fresh
    at the end; attempts: connects that it took, and how many of them fell into each tenth of a second from the
    beginning of the measured part. recovered: messages that were due while their subscriber
    was away, and reached it. fresh: from the first attempt until the subscriber had, or had passed, all that was due
    before it. back: from the loss of the connection until the subscription stood again (where the protocol does not
    show that: until its first message); who never was back is not in it. unsent: messages that the publisher could
    hand to nobody, because there was no server; they count among the lost, too.
    """

    resumes: bool
    cuts: int
    returns: int
    attempts: int
    attempt_slots: list[int]
    recovered: int
    fresh: Distribution
    back: Distribution | None = None
    unsent: int = 0


class Restart(Fact, frozen=True, kw_only=True):
    """A server ended in the measured part and another took its place: when, from the beginning of that part, and what
    each held with everybody subscribed, the one just before its end, the other after the drain. None: not to be told.
    """

    ended_ns: int
    ready_ns: int
    fds_before: int | None = None
    fds_after: int | None = None
    memory_before_bytes: int | None = None
    memory_after_bytes: int | None = None


class SlowReader(Fact, frozen=True, kw_only=True):
    """What became of the one subscriber that read slowly. The ledger, the latencies and the completion of its trial are
    those of the others. messages: received by it intact; closed: how often its connection was closed by the server.
    Of what it lost, `signalled` lay in a gap that the server told it of. Where nobody is slow (the trials to compare
    with) it is the same subscriber, reading like the others.
    """

    messages: int
    corrupted: int
    lost: int
    duplicated: int
    reordered: int
    signalled: int
    closed: int
    memory_before_bytes: int  # PSS of the server (and what it starts) before the slow reader grew slow
    memory_peak_bytes: int  # the most since, in the measured part


class Outage(Fact, frozen=True, kw_only=True):
    """The broker was away. Times from the beginning of the measured part. recovered_ns: from its return until every
    subscriber had received a message that was due after it; None where somebody never did."""

    began_ns: int
    ended_ns: int
    recovered_ns: int | None


class Emulated(Fact, frozen=True, kw_only=True):
    """The path between subscribers and server was emulated in user space, by a TCP proxy of the bench: its name, what
    it does in words, and what was done: `connections` carried, of which `resets` were reset; how often a direction
    stalled with something to say; `pieces` handed on."""

    path: str
    description: str
    connections: int
    resets: int
    stalls: int
    pieces: int


class Storm(Fact, frozen=True, kw_only=True):
    """Subscribers that arrived all at once: how many stood, how long until the last one did, what that cost the server
    and its broker, and what the kernel's accept queues threw away meanwhile (None: it does not tell).

    Then everybody left at once. fds: descriptors of the server before anybody came, and when it was last looked at;
    fds_back_ns: from the leave until they were within 5 of those before. None: not in time, or not to be told.
    """

    subscribers: int
    standing: int
    window_ns: int
    server_cpu_ns: int
    broker_cpu_ns: int
    accept_queue_overflows: int | None
    accept_queue_drops: int | None
    fds_before: int | None = None
    fds_after: int | None = None
    fds_back_ns: int | None = None


class CapacityStep(Fact, frozen=True, kw_only=True):
    """One load of a search for the most that a server sustains: messages per second on the topic, and how that went.

    verdict: sustained; exceeded (the bound, or something was lost); generator (its own limit, or its publisher's, came
    first); disturbed (by something that has nothing to do with the rate, so that it says nothing); observation: what
    was seen, in words. The CPU times, `deliveries` (their denominator), `requests` and `segments_in` (see Wire) are
    those of `window_ns`; the slip is the publisher's, over the messages that were measured.
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
