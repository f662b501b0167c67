"""The trials of a calibration, and the floor under an injected latency.

A latency is the injected part plus the *floor*: the latency of the same server under the same conditions without an
injection. The injected part has few values, and their distance is larger than the floor is wide. So the deliveries of
one injected value x are adjacent in the order of latencies, and the quantile q of the trial is x plus a quantile of the
floor: the one at the position of q among the deliveries of x, `(q - share below x) / share of x`. That is exact where
the values do not overlap, and needs no convolution. The maximum is that of the m deliveries of the largest value. The
maximum of the floor is the largest of many more deliveries, so its quantile 2**(-1/m) is used: the median of the
largest of m.

The floor of a trial comes from trials with the same number of subscribers and the same rate: those with a delay of
0 ms. Where there are none (in the brief calibration before a block), it comes from those with faults, in which nearly
all deliveries are on time, without the late ones. If the block of the trial has a floor, that one is used, so that a
drift of the machine affects both. The harness floor of a scenario is not suitable: other conditions have another floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.numbers.distributions import merge, quantile
from bench.results import Distribution, Trial
from bench.scenarios import of_record
from bench.schedule import sequences
from servers import injections


def injection_of(trial: Trial) -> injections.Injection | None:
    """The injection of a trial; None for a trial that is not part of a calibration."""
    injects = of_record(trial.planned.scenario).injects
    return injections.INJECTIONS.get(injects.of(trial.parameters)) if injects else None


def truth_of(trial: Trial, injection: injections.Injection) -> injections.Truth:
    """What the trial must read back with this injection."""
    subscribers, rate_hz = conditions(trial)
    return injections.truth(injection, int(subscribers), *sequences(trial.parameters), rate_hz)


def conditions(trial: Trial) -> tuple[float, float]:
    """Subscribers and rate, on which the floor depends."""
    subscribers, rate_hz = trial.parameters["subscribers"], trial.parameters["rate_hz"]
    assert isinstance(subscribers, int | float)
    assert isinstance(rate_hz, int | float)
    return subscribers, rate_hz


Calibration = Sequence[tuple[Trial, injections.Injection]]  # the trials of a calibration with their injections


def calibration_of(trials: Iterable[Trial]) -> Calibration:
    """The calibration among the trials, without those that failed."""
    return [
        (trial, injection)
        for trial in trials
        if (injection := injection_of(trial)) is not None and trial.failure is None
    ]


def place_of(injected: injections.Truth, q: float) -> tuple[int, float]:
    """The injected value at quantile q, and the position of q among the deliveries with it, as a share of them."""
    extra = injected.at(q)
    below = injected.share_below(extra)
    share = injected.share_below(extra + 1) - below
    if q == 1.0:
        return extra, float(2.0 ** (-1 / (share * len(injected.extra_ns))))
    return extra, min(max((q - below) / share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Floor:
    """Latencies without an injection: the lowest `share` of a distribution."""

    latency: Distribution
    share: float

    def at(self, q: float) -> float:
        """The quantile q in ns."""
        return float(quantile(self.latency, q * self.share) or 0)


def floor_of(trial: Trial, calibration: Calibration, block: int | None) -> Floor | None:
    """The floor of a trial, from the trials of one block if it has any; None without a trial under its conditions."""
    for is_floor in (injects_nothing, lambda injection: injection.faults):
        alike = [
            (other, truth_of(other, injection))
            for other, injection in calibration
            if is_floor(injection) and other is not trial and conditions(other) == conditions(trial)
            and other.valid and other.latency is not None and other.latency.count
        ]  # fmt: skip
        nearest = [pair for pair in alike if pair[0].planned.block == block] or alike
        if nearest:
            share = float(np.mean([injected.share_below(1) for _, injected in nearest]))
            return Floor(merge(other.latency for other, _ in nearest if other.latency is not None), share)
    return None


def injects_nothing(injection: injections.Injection) -> bool:
    return not (injection.delay_ns or injection.late_ns or injection.freeze_ns or injection.faults)
