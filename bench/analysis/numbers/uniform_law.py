"""Short polling: latency ~ Uniform(0, D) + d + S, and how far measured latencies are from that law.

D: poll interval; d: one-way network time; S: server service time. d + S is estimated from the measurement itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.analysis.numbers.distributions import mean, slots_of
from bench.results import Distribution


@dataclass(frozen=True, slots=True)
class UniformLaw:
    """Latency ~ Uniform(0, interval) + service, and the Kolmogorov-Smirnov distance of the measured latencies to it."""

    interval_ns: float
    service_ns: float
    distance: float

    def share(self, at_ns: np.ndarray) -> np.ndarray:
        """The law's share of latencies that do not exceed each of `at_ns`."""
        return np.clip((at_ns - self.service_ns) / self.interval_ns, 0.0, 1.0)


def uniform_law(latency: Distribution, interval_ns: float) -> UniformLaw | None:
    """The law with its distance to a measured distribution; None for an empty one.

    d + S is estimated as the measured mean minus half the interval. So the distance tests the shape alone: a separate
    law must test whether the estimate is a plausible service time.
    """
    mean_ns = mean(latency)
    if mean_ns is None or interval_ns <= 0:
        return None
    law = UniformLaw(interval_ns, mean_ns - interval_ns / 2, 0.0)
    return UniformLaw(law.interval_ns, law.service_ns, ks_distance(latency, law.share))


def ks_distance(distribution: Distribution, share: Callable[[np.ndarray], np.ndarray]) -> float:
    """The Kolmogorov-Smirnov distance of a distribution to a law, at the resolution of the histogram.

    The values inside a slot are unknown, so the curves are compared at its edges, from below and above.
    """
    slots = slots_of(distribution)
    reached = np.cumsum(slots.counts) / distribution.count
    before = np.concatenate([[0.0], reached[:-1]])
    below, above = share(slots.lowest_ns.astype(np.float64)), share(slots.highest_ns.astype(np.float64))
    return float(max(np.abs(reached - above).max(), np.abs(before - below).max()))
