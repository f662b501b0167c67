"""The cost and the latency of polling at every poll interval: a law with two or three parameters fitted to trials.

D: poll interval; P: publish interval; N: subscribers; S: service time. On a fixed schedule the median latency is
D/2 + S and the p99 latency 0.99 D + S. A delivered message takes P/D polls. With one cost per poll and one per message,
independent of the interval, it costs poll * P/D + message. The cost per message needs several measured intervals. A
server with one thread is saturated where N subscribers cost it a second of CPU per second.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class PollingLaw:
    """Polling at any interval. Durations and costs in ns; `points` is the number of measured intervals."""

    service_ns: float
    poll_ns: float
    message_ns: float
    publish_interval_ns: float
    subscribers: float
    points: int

    def latency_ns(self, interval_ns: float, share: float = 0.5) -> float:
        """The latency that this share of deliveries does not exceed."""
        return share * interval_ns + self.service_ns

    def cpu_ns(self, interval_ns: float) -> float:
        """Server CPU per delivered message."""
        return self.poll_ns * self.publish_interval_ns / interval_ns + self.message_ns

    def interval_ns(self, cpu_ns: float) -> float | None:
        """The interval at which a delivered message has this cost; None where it costs more at every interval."""
        polls_ns = cpu_ns - self.message_ns
        return self.poll_ns * self.publish_interval_ns / polls_ns if polls_ns > 0 else None

    @property
    def saturation_ns(self) -> float | None:
        """The interval at which one core is saturated; None where the messages alone saturate it."""
        left = 1.0 - self.subscribers * self.message_ns / self.publish_interval_ns
        return self.subscribers * self.poll_ns / left if left > 0 else None


def polling_law(
    latency_ns: Mapping[float, float], cpu_ns: Mapping[float, float], publish_interval_ns: float, subscribers: float
) -> PollingLaw | None:
    """The law fitted to median latencies and costs at measured intervals (ns); None without a cost above zero.

    S is the median of latency - D/2. The costs are a least-squares fit of relative errors, because they span decades.
    With a single interval all cost is that of polls.
    """
    costs = {interval: cost for interval, cost in cpu_ns.items() if cost > 0 and interval > 0}
    if not costs or publish_interval_ns <= 0:
        return None
    services = [latency - interval / 2 for interval, latency in latency_ns.items()]
    service = max(0.0, float(np.median(services))) if services else 0.0
    polls = np.array([publish_interval_ns / interval for interval in costs])
    poll, message = _costs(polls, np.array(list(costs.values())))
    return PollingLaw(service, poll, message, publish_interval_ns, subscribers, len(costs))


def _costs(polls: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
    """Cost per poll and per message, neither below zero."""
    relative = polls / costs
    poll_alone = float(relative.sum() / (relative @ relative))
    if polls.size < 2:
        return poll_alone, 0.0
    (poll, message), *_ = np.linalg.lstsq(np.stack([relative, 1.0 / costs], axis=1), np.ones(polls.size), rcond=None)
    return (float(poll), float(message)) if poll > 0 and message >= 0 else (poll_alone, 0.0)
