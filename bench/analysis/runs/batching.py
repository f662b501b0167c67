"""Batching: from which rate on one response carries several messages, and then costs the server less per message.

A subscriber that polls gets all messages together that were published since its last request. A subscriber that is
pushed to gets each message by itself, unless the server writes faster than the network reads. So a higher rate lowers
the cost per message of a polling server. The question is from which rate on it costs less than pushing.

The rates are those of a sweep of the scenario that answers for freshness, and those that a search over rates tried at
the same load. A
crossing is computed block by block: by interpolation on logarithms between the neighbouring rates on both sides of it.
It is reported only if the blocks agree. A crossing of costs also needs a shown difference at the lowest and at the
highest rate, in opposite directions.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.numbers.statistics import FEWEST_TRIALS, Estimate, Verdict, compare, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.delivery_mechanism import Mechanism, mechanism_of
from bench.results import CapacityStep, Trial, VariantFacts
from bench.scenarios import RATE_HZ, Question, Search, of_record, reference

SCENARIO, PARAMETER = reference(Question.FRESHNESS), RATE_HZ.name
SEVERAL = 2.0  # messages in one response
# Parameters that must be equal for a step of a search to stand beside a trial of the scenario.
SAME_LOAD = ("subscribers", "payload_bytes", "poll_interval_s", "hold_s")

Curve = dict[float, dict[int, float]]  # values by rate, ascending, then by block


def _per(total: float | None, count: int | None) -> float | None:
    return None if total is None or not count else total / count


def _cpu(trial: Trial, step: CapacityStep) -> float | None:
    if step.server_cpu_ns is None or trial.broker_not_measured:
        return None
    return _per(step.server_cpu_ns + (step.broker_cpu_ns or 0), step.deliveries)


def _batch(_: Trial, step: CapacityStep) -> float | None:
    return _per(step.deliveries, step.requests or step.segments_in)


# Metrics of the scenario that the steps of a search have too.
OF_STEPS: Mapping[str, Callable[[Trial, CapacityStep], float | None]] = {
    "batch": _batch,
    "latency_p50": lambda _, step: step.p50_ns,
    "cpu": _cpu,
}


def searches(cells: Cells) -> list[str]:
    """The scenarios of a run that search over rates."""
    return [name for name in cells.scenarios if isinstance(of_record(name).kind, Search)]


def curve(cells: Cells, metric: str, variant: str) -> Curve:
    """A metric at every rate where it was measured; empty where there is none."""
    values: Curve = {}
    _add(values, _base_hz(cells, variant), cells.by_block(metric, SCENARIO, variant))
    for scenario, name, point in cells.points:
        parameter, _, value = point.partition("=")
        if (scenario, name, parameter) == (SCENARIO, variant, PARAMETER) and "," not in value:
            _add(values, float(value), cells.by_block(metric, SCENARIO, variant, point))
    for trial in (trial for search in searches(cells) for trial in cells.valid(search, variant)):
        if _same_load(cells, variant, trial):
            for rate_hz, step in _last_tries(trial).items():
                at_step = OF_STEPS[metric](trial, step)
                _add(values, rate_hz, {} if at_step is None else {trial.planned.block: float(at_step)})
    return dict(sorted(values.items()))


def _add(values: Curve, rate_hz: float | None, blocks: Mapping[int, float]) -> None:
    for block, value in blocks.items():
        if rate_hz is not None:
            values.setdefault(rate_hz, {}).setdefault(block, value)


def _base_hz(cells: Cells, variant: str) -> float | None:
    trials = cells.valid(SCENARIO, variant)
    rate_hz = trials[0].parameters.get(PARAMETER) if trials else None
    return float(rate_hz) if isinstance(rate_hz, int | float) else None


def _same_load(cells: Cells, variant: str, trial: Trial) -> bool:
    """Whether a search was made at the load of the scenario; true where there is no trial of that."""
    others = cells.valid(SCENARIO, variant)
    return all(trial.parameters.get(name) == one.parameters.get(name) for one in others[:1] for name in SAME_LOAD)


def _last_tries(trial: Trial) -> dict[float, CapacityStep]:
    """The last step at every rate whose verdict is about the server."""
    return {step.rate_hz: step for step in trial.capacity if step.verdict in ("sustained", "exceeded")}


class Place(enum.StrEnum):
    """Where a crossing lies."""

    WITHIN = "within the measured rates"
    BELOW = "below the lowest measured rate"
    ABOVE = "above the highest measured rate"
    UNDECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Crossing:
    """The rate at which a variant begins to carry SEVERAL messages in a response (`other` is None), or at which its
    cost falls below that of `other`.

    rate_hz: an estimate over blocks, where the place is WITHIN. low_hz, high_hz: the lowest and the highest rate
    compared. at_high: at the highest, the messages in a response, or the ratio of the costs. too_few: undecided because
    of too few blocks.
    """

    variant: VariantFacts
    other: VariantFacts | None
    place: Place
    rate_hz: Estimate | None
    low_hz: float
    high_hz: float
    at_high: float
    too_few: bool = False


def pulling(cells: Cells) -> list[VariantFacts]:
    """The variants whose subscribers request messages, measured at several rates."""
    return [
        one
        for one in cells.shown
        if mechanism_of(one) is not Mechanism.PUSH and len(curve(cells, "batch", one.name)) > 1
    ]


def crossings(cells: Cells) -> list[Crossing]:
    """All crossings of a run: for every pulling variant that of its batches, then those of its costs with every pushing
    variant of the same product."""
    crossings: list[Crossing] = []
    for puller in pulling(cells):
        crossings.append(batch_crossing(cells, puller))
        pushing = [one for one in cells.shown if mechanism_of(one) is Mechanism.PUSH and one.product == puller.product]
        crossings += [crossing for one in pushing if (crossing := cost_crossing(cells, puller, one)) is not None]
    return crossings


def batch_crossing(cells: Cells, variant: VariantFacts) -> Crossing:
    """From which rate on one response carries several messages."""
    measured = curve(cells, "batch", variant.name)
    place, rate_hz = _agreed([_crossed(values, SEVERAL) for values in _by_block(measured).values()])
    rates = list(measured)
    highest = estimate(list(measured[rates[-1]].values()))
    return Crossing(variant, None, place, rate_hz, rates[0], rates[-1], highest.median if highest else 0.0)


def cost_crossing(cells: Cells, puller: VariantFacts, pusher: VariantFacts) -> Crossing | None:
    """From which rate on the puller costs its server less CPU per message than the pusher; None where they were not
    measured at two common rates."""
    pulled, pushed = (curve(cells, "cpu", one.name) for one in (puller, pusher))
    ratios = _cost_ratios(pulled, pushed)
    if len(ratios) < 2:
        return None
    low_hz, high_hz = min(ratios), max(ratios)
    floor = cells.floor("cpu", SCENARIO)
    verdicts = [compare(pulled[rate], pushed[rate], floor).verdict for rate in (low_hz, high_hz)]
    place, rate_hz = _decided(verdicts, [_crossed(values, 1.0) for values in _by_block(ratios).values()])
    highest = estimate([1.0 / value for value in ratios[high_hz].values()])
    at_high = highest.median if highest else 0.0
    return Crossing(puller, pusher, place, rate_hz, low_hz, high_hz, at_high, Verdict.TOO_FEW in verdicts)


def _cost_ratios(pulled: Curve, pushed: Curve) -> Curve:
    """Pushed cost to pulled cost at the common rates; only at those with enough blocks, where there are two."""
    common = {rate: len(pulled[rate].keys() & pushed[rate].keys()) for rate in pulled if rate in pushed}
    shared = [rate for rate, blocks in common.items() if blocks]
    enough = [rate for rate in shared if common[rate] >= FEWEST_TRIALS]
    return {
        rate: {
            block: pushed[rate][block] / value
            for block, value in pulled[rate].items()
            if value > 0 and pushed[rate].get(block, 0.0) > 0
        }
        for rate in (enough if len(enough) > 1 else shared)
    }


def _by_block(measured: Curve) -> dict[int, dict[float, float]]:
    """The same values by block, rates ascending."""
    blocks: dict[int, dict[float, float]] = {}
    for rate_hz, values in sorted(measured.items()):
        for block, value in values.items():
            blocks.setdefault(block, {})[rate_hz] = value
    return blocks


def _crossed(values: Mapping[float, float], level: float) -> float | Place:
    """The rate at which values that rise with it first reach a level, interpolated between neighbours on logarithms."""
    before: tuple[float, float] | None = None
    for rate_hz, value in values.items():
        if value <= 0:
            continue
        if value >= level:
            if before is None:
                return Place.BELOW
            share = math.log(level / before[1]) / math.log(value / before[1])
            return math.exp(math.log(before[0]) + share * math.log(rate_hz / before[0]))
        before = (rate_hz, value)
    return Place.ABOVE


def _agreed(crossed: Sequence[float | Place]) -> tuple[Place, Estimate | None]:
    """The common answer of all blocks; the rate where all of them have one."""
    rates = [one for one in crossed if not isinstance(one, Place)]
    if len(rates) == len(crossed):
        return Place.WITHIN, estimate(rates)
    places = {one for one in crossed if isinstance(one, Place)}
    return (places.pop(), None) if not rates and len(places) == 1 else (Place.UNDECIDED, None)


def _decided(ends: Sequence[Verdict], crossed: Sequence[float | Place]) -> tuple[Place, Estimate | None]:
    """The answer of the blocks where the verdicts at the two ends are opposite, else that of the ends."""
    if list(ends) == [Verdict.HIGHER, Verdict.LOWER]:
        return _agreed(crossed)
    same = {Verdict.HIGHER: Place.ABOVE, Verdict.LOWER: Place.BELOW}
    return (same.get(ends[0], Place.UNDECIDED) if ends[0] == ends[1] else Place.UNDECIDED), None
