"""Calibration read back: what a server planted beside what the bench says it was, with a tolerance for each.

A latency is what was planted plus the *floor*: what the same server, under the same conditions, costs with nothing
planted. The planted part takes few values that lie further apart than the floor is wide. So the deliveries of one
planted value x stand together in the order of latencies, and the quantile q of the trial is x plus a quantile of the
floor: the one at the place of q among the deliveries of x, `(q - share below x) / share of x`. That is exact where the
values stand apart, and needs no convolution. The maximum is that of the m deliveries of the largest value. The floor's
own maximum is one of many more draws, so its quantile 2**(-1/m) is used: the median of the largest of m.

The floor of a trial are trials of the same number of subscribers and the same rate: those of a delay of 0 ms, and
where there are none (in the brief calibration before a block) those of the faults, nearly all of whose deliveries are
on time, cut to that part. Where both were run in one block, that block's are taken, so that a drift of the machine hits
both sides. The harness floor of a scenario will not do: other conditions have another floor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from bench.analysis.numbers.distributions import merge, quantile
from bench.results import Distribution, Trial
from bench.schedule import sequences
from servers._plants import MS, PLANTS, Plant, Truth, truth

if TYPE_CHECKING:
    from bench.units import Unit

MEDIAN_NS = 0.2 * MS
TAIL_NS = 1.5 * MS
SHARE = 0.1

Quantity = Literal["p50", "p90", "p99", "max", "lost", "duplicated", "reordered"]
QUANTILES: dict[Quantity, float] = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
COUNTS: tuple[Quantity, ...] = ("lost", "duplicated", "reordered")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a reading may lie from the truth, and why so far."""

    of: Callable[[float], float]
    reason: str


CONSTANT = Tolerance(lambda _: MEDIAN_NS, "a constant shifts the median as it is; two medians differ by so much alone")
TAIL = Tolerance(lambda _: TAIL_NS, "1 % of a trial is a message or two: a single hiccup of the machine")
SPREAD = Tolerance(
    lambda injected: max(SHARE * injected, TAIL_NS),
    "10 %, and at least 1.5 ms for where nothing is planted: there the slowest tenths of two floors are compared",
)
EXACT = Tolerance(lambda _: 0.0, "counting is exact")


@dataclass(frozen=True, slots=True)
class Expected:
    """Which quantities of which plants are read, and how nearly."""

    applies: Callable[[Plant], bool]
    quantities: tuple[Quantity, ...]
    tolerance: Tolerance


TABLE = (
    Expected(lambda plant: plant.delay_ns > 0, ("p50",), CONSTANT),
    Expected(lambda plant: plant.delay_ns > 0, ("p99",), TAIL),
    Expected(lambda plant: plant.late_ns > 0 or plant.freeze_ns > 0, ("p90", "p99", "max"), SPREAD),
    Expected(lambda plant: plant.faults, COUNTS, EXACT),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One quantity of one plant: what was planted, what was read back, and whether the error is within tolerance.

    Durations are over the floor, in the median of the trials; a count is that of the trial that is furthest off.
    """

    plant: str
    quantity: Quantity
    unit: Unit
    injected: float
    read_back: float
    tolerance: float
    reason: str

    @property
    def error(self) -> float:
        """Read back less injected."""
        return self.read_back - self.injected

    @property
    def met(self) -> bool:
        """Whether the instrument tells the truth, within the tolerance."""
        return abs(self.error) <= self.tolerance


def plant_of(trial: Trial) -> Plant | None:
    """What was planted in a trial; None in a trial that calibrates nothing."""
    name = trial.parameters.get("injected")
    return PLANTS.get(name) if isinstance(name, str) else None


def truth_of(trial: Trial, plant: Plant) -> Truth:
    """What the trial must read back if `plant` was planted."""
    subscribers, rate_hz = conditions(trial)
    return truth(plant, int(subscribers), *sequences(trial.parameters), rate_hz)


def conditions(trial: Trial) -> tuple[float, float]:
    """Subscribers and rate: what the floor depends on."""
    subscribers, rate_hz = trial.parameters["subscribers"], trial.parameters["rate_hz"]
    assert isinstance(subscribers, int | float)
    assert isinstance(rate_hz, int | float)
    return subscribers, rate_hz


def misread(trial: Trial) -> str | None:
    """How the ledger of a calibration trial differs from what was planted; None where it does not."""
    plant, ledger = plant_of(trial), trial.ledger
    if plant is None or ledger is None:
        return None
    planted = truth_of(trial, plant)
    wrong = [
        f"{getattr(ledger, name):,} {name} where {getattr(planted, name):,} were planted"
        for name in COUNTS
        if getattr(ledger, name) != getattr(planted, name)
    ]
    return ", ".join(wrong) or None


def readings(trials: Iterable[Trial]) -> list[Reading]:
    """Everything that can be read back from the calibration among the trials, in the order of the plants."""
    held = [(trial, plant) for trial in trials if (plant := plant_of(trial)) is not None and trial.failure is None]
    found: list[Reading] = []
    for plant in PLANTS.values():
        of_plant = [trial for trial, planted in held if planted is plant]
        for expected in TABLE:
            if of_plant and expected.applies(plant):
                for quantity in expected.quantities:
                    reading = _reading(plant, quantity, expected.tolerance, of_plant, held)
                    found += [reading] if reading is not None else []
    return found


def _reading(
    plant: Plant,
    quantity: Quantity,
    tolerance: Tolerance,
    trials: Sequence[Trial],
    held: Sequence[tuple[Trial, Plant]],
) -> Reading | None:
    if quantity in COUNTS:
        counts = [
            (getattr(truth_of(trial, plant), quantity), getattr(trial.ledger, quantity))
            for trial in trials
            if trial.ledger is not None
        ]
        if not counts:
            return None
        planted, counted = max(counts, key=lambda pair: abs(pair[0] - pair[1]))
        return Reading(plant.name, quantity, "count", planted, counted, tolerance.of(planted), tolerance.reason)
    over = [_over_floor(trial, plant, QUANTILES[quantity], held) for trial in trials if trial.valid]
    known = [pair for pair in over if pair is not None]
    if not known:
        return None
    injected, read_back = (float(np.median(values)) for values in zip(*known, strict=True))
    return Reading(plant.name, quantity, "ns", injected, read_back, tolerance.of(injected), tolerance.reason)


def _over_floor(
    trial: Trial, plant: Plant, q: float, held: Sequence[tuple[Trial, Plant]]
) -> tuple[float, float] | None:
    """(planted, measured less floor) at the quantile q, in ns; None without deliveries or without a floor."""
    floor = floor_of(trial, held, trial.planned.block)
    latency = quantile(trial.latency, q) if trial.latency is not None else None
    if floor is None or latency is None:
        return None
    extra, place = place_of(truth_of(trial, plant), q)
    return float(extra), latency - floor.at(place)


def place_of(planted: Truth, q: float) -> tuple[int, float]:
    """The planted value at quantile q, and the place of q among the deliveries that have it, as a share of them."""
    extra = planted.at(q)
    below = planted.share_below(extra)
    share = planted.share_below(extra + 1) - below
    if q == 1.0:
        return extra, float(2.0 ** (-1 / (share * len(planted.extra_ns))))
    return extra, min(max((q - below) / share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Floor:
    """Latencies with nothing planted: the lowest `share` of a distribution."""

    latency: Distribution
    share: float

    def at(self, q: float) -> float:
        """The quantile q in ns."""
        return float(quantile(self.latency, q * self.share) or 0)


def floor_of(trial: Trial, held: Sequence[tuple[Trial, Plant]], block: int | None) -> Floor | None:
    """The floor under a trial from the trials `held`, those of one block if it has any; None where nothing was run
    under its conditions.
    """
    for fits in (_plants_nothing, lambda plant: plant.faults):
        alike = [
            (other, truth_of(other, plant))
            for other, plant in held
            if fits(plant) and other is not trial and conditions(other) == conditions(trial)
            and other.valid and other.latency is not None and other.latency.count
        ]  # fmt: skip
        near = [pair for pair in alike if pair[0].planned.block == block] or alike
        if near:
            shares = [planted.share_below(1) for _, planted in near]
            return Floor(merge(other.latency for other, _ in near if other.latency is not None), float(np.mean(shares)))
    return None


@dataclass(frozen=True, slots=True)
class Curve:
    """The latencies of all valid trials of a plant, and what they should be, in ns at the same shares.

    truth_ns: None for the floor itself.
    """

    plant: Plant
    measured: Distribution
    truth_ns: Callable[[float], float] | None


def curves(trials: Iterable[Trial]) -> list[Curve]:
    """The distributions of the calibration: first the floor, then every plant that shifts a latency, with its truth."""
    held = [(trial, plant) for trial in trials if (plant := plant_of(trial)) is not None and trial.valid]
    floors = [plant for _, plant in held if _plants_nothing(plant)] or [plant for _, plant in held if plant.faults]
    found = []
    for plant in PLANTS.values():
        of_plant = [trial for trial, planted in held if planted is plant and trial.latency and trial.latency.count]
        near = [trial for trial in of_plant if conditions(trial) == (plant.subscribers, plant.rate_hz)]
        latencies = merge(trial.latency for trial in near if trial.latency is not None)
        if plant in floors and near:
            found.append(Curve(plant, latencies, None))
        elif near and not plant.faults and (floor := floor_of(near[0], held, None)) is not None:
            found.append(Curve(plant, latencies, partial(_expected_ns, truth_of(near[0], plant), floor)))
    return sorted(found, key=lambda curve: curve.truth_ns is not None)


def _expected_ns(planted: Truth, floor: Floor, q: float) -> float:
    extra, place = place_of(planted, q)
    return extra + floor.at(place)


def _plants_nothing(plant: Plant) -> bool:
    return not (plant.delay_ns or plant.late_ns or plant.freeze_ns or plant.faults)
