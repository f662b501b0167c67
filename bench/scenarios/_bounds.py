"""Parameters that cannot work together, whatever the speed of a server: it would lose messages by its own rules. Pure.

A server bounds its logs and its replies (`servers.limits`), messages have room for a number, a path carries a number of
bytes per second. Every check says with the numbers what does not fit, or nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from bench.messages import PROBE_FROM, SENDER_STRIDE
from bench.paths import Path
from servers import limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What is published in a trial.

    topics: their number. senders: of one topic. burst: the number of messages that are due at once. rate_hz: of one
    sender. messages: of one sender, until the end of the measured part. last_number: the highest number of a message.
    """

    topics: int
    senders: int
    burst: int
    payload_bytes: int
    rate_hz: float
    messages: int
    last_number: int

    @property
    def topic_hz(self) -> float:
        """The messages per second of one topic."""
        return self.senders * self.rate_hz

    def per_poll(self, interval_s: float) -> int:
        """How many messages one topic gets in this time at most."""
        return self.burst * math.ceil(max(1.0, self.topic_hz * interval_s / self.burst))


def burst_fits(traffic: Traffic) -> str:
    """Whether a log holds a burst until it is read."""
    most = limits.log_messages(traffic.payload_bytes)
    if traffic.burst <= most:
        return ""
    return (
        f"burst={traffic.burst}: the log of a topic holds {most} messages of payload_bytes={traffic.payload_bytes},"
        f" so {traffic.burst - most} of a burst would be lost"
    )


def topics_fit(traffic: Traffic) -> str:
    """Whether a server holds a message in every topic."""
    most = limits.topics(traffic.payload_bytes)
    if traffic.topics <= most:
        return ""
    return (
        f"{traffic.topics} topics: all logs together have {limits.TOTAL_BYTES >> 20} MiB, enough for {most} topics with"
        f" one message of payload_bytes={traffic.payload_bytes} each; use fewer subscribers or a smaller payload"
    )


def numbers_fit(traffic: Traffic) -> str:
    """Whether the numbers of messages are distinct: from each other, and from those of probes."""
    if traffic.last_number >= PROBE_FROM:
        return f"the messages are numbered up to {traffic.last_number}, but only numbers below {PROBE_FROM} are free"
    if traffic.senders > 1 and traffic.messages > SENDER_STRIDE:
        return (
            f"rate_hz={traffic.rate_hz:g}: {traffic.messages} messages per subscriber are due in a trial, but at most"
            f" {SENDER_STRIDE} can be numbered; use a lower rate or a shorter trial"
        )
    return ""


def path_carries(traffic: Traffic, path: Path) -> str:
    """Whether the payload alone passes over the path as fast as it is published."""
    carried, needed = path.carries_bytes_per_s, traffic.topic_hz * traffic.payload_bytes
    if not carried or needed <= carried:
        return ""
    return (
        f"the path {path.name!r} carries {carried:g} bytes per second, but rate_hz={traffic.rate_hz:g} of"
        f" payload_bytes={traffic.payload_bytes} sends {needed:g} to each subscriber"
    )


def polls_suffice(traffic: Traffic, interval_s: float) -> str:
    """Whether a subscriber that polls at this interval can receive every message."""
    each_s, due = f"poll_interval_s={interval_s:g}", traffic.per_poll(interval_s)
    most = limits.log_messages(traffic.payload_bytes)
    if due > most:
        return f"{each_s}: {due} messages are due between two polls, but the log of a topic holds {most}"
    replied = limits.REPLY_BYTES // traffic.payload_bytes + 1
    if traffic.topic_hz * interval_s > replied:
        return (
            f"{each_s}: {traffic.topic_hz * interval_s:g} messages of payload_bytes={traffic.payload_bytes} are due"
            f" between two polls, but a reply carries {replied}"
        )
    held = limits.topics(traffic.payload_bytes, due)
    if traffic.topics > held:
        return (
            f"{each_s}: between two polls {due} messages wait in each of {traffic.topics} topics, but all logs together"
            f" have {limits.TOTAL_BYTES >> 20} MiB, enough for {held} topics"
        )
    return ""
