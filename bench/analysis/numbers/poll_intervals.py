"""What polling costs, and how fresh it is, at every poll interval: a law with two or three numbers taken from trials.

D: poll interval; P: publish interval; N: subscribers; S: service time. On a fixed schedule the median latency is
D/2 + S, and 99 % of deliveries arrive within 0.99 D + S. A delivered message takes P/D polls: at a cost per poll and
one per message, whatever the interval, it costs poll * P/D + message. The second is only known where several intervals
were measured. A server of one thread is full where a second of N subscribers costs it a second of CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class PollingLaw:
    """Polling at any interval. Durations and costs in ns; `points` intervals were measured."""

    service_ns: float
    poll_ns: float
    message_ns: float
    publish_interval_ns: float
    subscribers: float
    points: int

    def latency_ns(self, interval_ns: float, share: float = 0.5) -> float:
        """The latency that the share of deliveries does not exceed."""
        return share * interval_ns + self.service_ns

    def cpu_ns(self, interval_ns: float) -> float:
        """Server CPU per delivered message."""
        return self.poll_ns * self.publish_interval_ns / interval_ns + self.message_ns

    def interval_ns(self, cpu_ns: float) -> float | None:
        """The interval at which a delivered message costs so much; None where it costs more at any."""
        over = cpu_ns - self.message_ns
        return self.poll_ns * self.publish_interval_ns / over if over > 0 else None

    @property
    def full_ns(self) -> float | None:
        """The interval at which one core is full; None where the messages alone fill it."""
        left = 1.0 - self.subscribers * self.message_ns / self.publish_interval_ns
        return self.subscribers * self.poll_ns / left if left > 0 else None


def polling_law(
    latency_ns: Mapping[float, float], cpu_ns: Mapping[float, float], publish_interval_ns: float, subscribers: float
) -> PollingLaw | None:
    """The law through median latencies and costs at measured intervals (ns); None without a cost above zero.

    S is the median of what the latencies have beyond D/2. The costs are met in the sense of least squares of relative
    errors, since they span decades; of a single interval all cost is put down to polls.
    """
    known = {interval: cost for interval, cost in cpu_ns.items() if cost > 0 and interval > 0}
    if not known or publish_interval_ns <= 0:
        return None
    beyond = [latency - interval / 2 for interval, latency in latency_ns.items()]
    service = max(0.0, float(np.median(beyond))) if beyond else 0.0
    polls = np.array([publish_interval_ns / interval for interval in known])
    poll, message = _costs(polls, np.array(list(known.values())))
    return PollingLaw(service, poll, message, publish_interval_ns, subscribers, len(known))


def _costs(polls: np.ndarray, costs: np.ndarray) -> tuple[float, float]:
    """Cost per poll and per message, neither below zero."""
    relative = polls / costs
    alone = float(relative.sum() / (relative @ relative))
    if polls.size < 2:
        return alone, 0.0
    (poll, message), *_ = np.linalg.lstsq(np.stack([relative, 1.0 / costs], axis=1), np.ones(polls.size), rcond=None)
    return (float(poll), float(message)) if poll > 0 and message >= 0 else (alone, 0.0)
