"""Calibration: the injected delays and faults of a server beside the readings of the bench, each with a tolerance.

The floor under an injected latency is in `calibration_floor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.analysis.numbers.distributions import merge, quantile
from bench.analysis.trials.calibration_floor import (
    Calibration,
    Floor,
    calibration_of,
    conditions,
    floor_of,
    injection_of,
    injects_nothing,
    place_of,
    truth_of,
)
from bench.results import Distribution, Trial
from servers import injections

if TYPE_CHECKING:
    from bench.units import Unit

MEDIAN_NS = 0.2 * injections.MS
TAIL_NS = 1.5 * injections.MS
SHARE = 0.1

Quantity = Literal["p50", "p90", "p99", "max", "lost", "duplicated", "reordered"]
QUANTILES: dict[Quantity, float] = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
COUNTS: tuple[Quantity, ...] = ("lost", "duplicated", "reordered")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """The largest allowed distance between a reading and the truth, and the reason for it."""

    of: Callable[[float], float]
    reason: str


CONSTANT = Tolerance(
    lambda _: MEDIAN_NS,
    "a constant shifts the median exactly; two medians of equal trials differ by up to 0.2 ms",
)
TAIL = Tolerance(lambda _: TAIL_NS, "1 % of a trial is one or two messages: a single stall of the machine")
SPREAD = Tolerance(
    lambda injected: max(SHARE * injected, TAIL_NS),
    "10 %, and at least 1.5 ms: without an injected delay, the slowest tenths of two floors are compared",
)
EXACT = Tolerance(lambda _: 0.0, "counting is exact")


@dataclass(frozen=True, slots=True)
class Expected:
    """The quantities that are read for some injections, and their tolerance."""

    applies: Callable[[injections.Injection], bool]
    quantities: tuple[Quantity, ...]
    tolerance: Tolerance


TABLE = (
    Expected(lambda injection: injection.delay_ns > 0, ("p50",), CONSTANT),
    Expected(lambda injection: injection.delay_ns > 0, ("p99",), TAIL),
    Expected(lambda injection: injection.late_ns > 0 or injection.freeze_ns > 0, ("p90", "p99", "max"), SPREAD),
    Expected(lambda injection: injection.faults, COUNTS, EXACT),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One quantity of one injection: the injected value, the value read back, and the tolerance of the error.

    Durations are above the floor, the median over trials. A count is that of the trial with the largest error.
    """

    injection: str
    quantity: Quantity
    unit: Unit
    injected: float
    read_back: float
    tolerance: float
    reason: str

    @property
    def error(self) -> float:
        """Read back minus injected."""
        return self.read_back - self.injected

    @property
    def met(self) -> bool:
        """Whether the error is within the tolerance."""
        return abs(self.error) <= self.tolerance


def misread(trial: Trial) -> str | None:
    """How the ledger of a calibration trial differs from the injected faults; None where it does not."""
    injection, ledger = injection_of(trial), trial.ledger
    if injection is None or ledger is None:
        return None
    injected = truth_of(trial, injection)
    errors = [
        f"{getattr(ledger, name):,} {name}, {getattr(injected, name):,} injected"
        for name in COUNTS
        if getattr(ledger, name) != getattr(injected, name)
    ]
    return "; ".join(errors) or None


def readings(trials: Iterable[Trial]) -> list[Reading]:
    """Everything that can be read back from the calibration among the trials, in the order of the injections."""
    calibration = calibration_of(trials)
    read = [
        _reading(injection, quantity, expected.tolerance, calibration)
        for injection in injections.INJECTIONS.values()
        for expected in TABLE
        if expected.applies(injection)
        for quantity in expected.quantities
    ]
    return [reading for reading in read if reading is not None]


def _reading(
    injection: injections.Injection, quantity: Quantity, tolerance: Tolerance, calibration: Calibration
) -> Reading | None:
    trials = [trial for trial, injected in calibration if injected is injection]
    pair = (
        _counts(trials, injection, quantity)
        if quantity in COUNTS
        else _latencies(trials, injection, quantity, calibration)
    )
    if pair is None:
        return None
    injected, read_back = pair
    unit: Unit = "count" if quantity in COUNTS else "ns"
    return Reading(injection.name, quantity, unit, injected, read_back, tolerance.of(injected), tolerance.reason)


def _counts(trials: Iterable[Trial], injection: injections.Injection, quantity: Quantity) -> tuple[float, float] | None:
    """(injected, counted) of the trial with the largest error."""
    counts = [
        (getattr(truth_of(trial, injection), quantity), getattr(trial.ledger, quantity))
        for trial in trials
        if trial.ledger is not None
    ]
    return max(counts, key=lambda pair: abs(pair[0] - pair[1]), default=None)


def _latencies(
    trials: Iterable[Trial], injection: injections.Injection, quantity: Quantity, calibration: Calibration
) -> tuple[float, float] | None:
    """(injected, measured above the floor) at a quantile, each the median over valid trials."""
    above = [_above_floor(trial, injection, QUANTILES[quantity], calibration) for trial in trials if trial.valid]
    pairs = [pair for pair in above if pair is not None]
    if not pairs:
        return None
    injected, read_back = (float(np.median(values)) for values in zip(*pairs, strict=True))
    return injected, read_back


def _above_floor(
    trial: Trial, injection: injections.Injection, q: float, calibration: Calibration
) -> tuple[float, float] | None:
    """(injected, measured minus floor) at the quantile q, in ns; None without deliveries or without a floor."""
    floor = floor_of(trial, calibration, trial.planned.block)
    latency = quantile(trial.latency, q) if trial.latency is not None else None
    if floor is None or latency is None:
        return None
    extra, place = place_of(truth_of(trial, injection), q)
    return float(extra), latency - floor.at(place)


@dataclass(frozen=True, slots=True)
class Curve:
    """The latencies of all valid trials with an injection, and their true values, in ns at the same shares.

    truth_ns: None for the floor itself.
    """

    injection: injections.Injection
    measured: Distribution
    truth_ns: Callable[[float], float] | None


def curves(trials: Iterable[Trial]) -> list[Curve]:
    """The distributions of the calibration: first the floor, then every injection that adds to latencies."""
    calibration = [(trial, injection) for trial, injection in calibration_of(trials) if trial.valid]
    drawn = [_curve(injection, calibration) for injection in injections.INJECTIONS.values()]
    return sorted((curve for curve in drawn if curve is not None), key=lambda curve: curve.truth_ns is not None)


def _curve(injection: injections.Injection, calibration: Calibration) -> Curve | None:
    """The curve of an injection under its own conditions; None for faults where there is a floor of 0 ms."""
    trials = [
        trial
        for trial, injected in calibration
        if injected is injection and trial.latency and trial.latency.count
        and conditions(trial) == (injection.subscribers, injection.rate_hz)
    ]  # fmt: skip
    if not trials:
        return None
    latencies = merge(trial.latency for trial in trials if trial.latency is not None)
    if injection in _floor_injections(calibration):
        return Curve(injection, latencies, None)
    floor = None if injection.faults else floor_of(trials[0], calibration, None)
    return (
        None
        if floor is None
        else Curve(injection, latencies, partial(_expected_ns, truth_of(trials[0], injection), floor))
    )


def _floor_injections(calibration: Calibration) -> list[injections.Injection]:
    nothing = [injection for _, injection in calibration if injects_nothing(injection)]
    return nothing or [injection for _, injection in calibration if injection.faults]


def _expected_ns(injected: injections.Truth, floor: Floor, q: float) -> float:
    extra, place = place_of(injected, q)
    return extra + floor.at(place)
