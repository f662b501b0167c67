"""Batching: from which rate on one answer carries several messages, and whether the server then works less for each.

Whoever asks for its messages gets those together that were published since it last asked; whoever is pushed to gets
each by itself, unless the server writes faster than the network reads. So the same load at a higher rate costs a
polling server less per message, and the question is from which rate on that is less than pushing costs.

The rates are those of a sweep of the broadcast and those that the search for a capacity tried at the same load. A
crossing is sought block by block, between the two neighbouring rates on both sides of it, on logarithms; it is named
only if the blocks agree, and a crossing of costs only if both ends of the rates are shown to differ, in opposite ways.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.analysis.numbers.statistics import FEWEST_TRIALS, Estimate, Verdict, compare, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.ways import Way, way_of
from bench.results import CapacityStep, Trial, VariantFacts

SCENARIO, SEARCH, PARAMETER = "broadcast", "capacity", "rate_hz"
SEVERAL = 2.0
"""So many messages in one answer are several."""
SAME_LOAD = ("subscribers", "payload_bytes", "poll_interval_s", "hold_s")
"""What must be equal for a step of a search to stand beside a broadcast."""

Curve = dict[float, dict[int, float]]
"""By rate, ascending, and block: one number."""


def _per(total: float | None, count: int | None) -> float | None:
    return None if total is None or not count else total / count


def _cpu(step: CapacityStep) -> float | None:
    return None if step.server_cpu_ns is None else _per(step.server_cpu_ns + (step.broker_cpu_ns or 0), step.deliveries)


def _batch(step: CapacityStep) -> float | None:
    return _per(step.deliveries, step.requests or step.segments_in)


OF_STEPS: Mapping[str, Callable[[CapacityStep], float | None]] = {
    "batch": _batch,
    "latency_p50": lambda step: step.p50_ns,
    "cpu": _cpu,
}
"""Metrics of a broadcast that the steps of a search hold too."""


def curve(cells: Cells, metric: str, variant: str) -> Curve:
    """A metric at every rate that it was measured at; empty where it was not."""
    found: Curve = {}
    _add(found, _base_hz(cells, variant), cells.by_block(metric, SCENARIO, variant))
    for scenario, name, point in cells.points:
        parameter, _, value = point.partition("=")
        if (scenario, name, parameter) == (SCENARIO, variant, PARAMETER) and "," not in value:
            _add(found, float(value), cells.by_block(metric, SCENARIO, variant, point))
    for trial in cells.valid(SEARCH, variant):
        if _same_load(cells, variant, trial):
            for rate_hz, step in _last_tries(trial).items():
                known = OF_STEPS[metric](step)
                _add(found, rate_hz, {} if known is None else {trial.planned.block: float(known)})
    return dict(sorted(found.items()))


def _add(found: Curve, rate_hz: float | None, blocks: Mapping[int, float]) -> None:
    for block, value in blocks.items():
        if rate_hz is not None:
            found.setdefault(rate_hz, {}).setdefault(block, value)


def _base_hz(cells: Cells, variant: str) -> float | None:
    held = cells.valid(SCENARIO, variant)
    rate_hz = held[0].parameters.get(PARAMETER) if held else None
    return float(rate_hz) if isinstance(rate_hz, int | float) else None


def _same_load(cells: Cells, variant: str, trial: Trial) -> bool:
    """Whether a search was made at the load of the broadcasts; true where there is none."""
    others = cells.valid(SCENARIO, variant)
    return not others or all(trial.parameters.get(name) == others[0].parameters.get(name) for name in SAME_LOAD)


def _last_tries(trial: Trial) -> dict[float, CapacityStep]:
    """The last try at every rate that says something about the server."""
    return {step.rate_hz: step for step in trial.capacity if step.verdict in ("sustained", "exceeded")}


class Found(enum.StrEnum):
    """Where a crossing lies."""

    CROSSED = "within the measured rates"
    BELOW = "below the lowest measured rate"
    BEYOND = "beyond the highest measured rate"
    UNDECIDED = "not decided"


@dataclass(frozen=True, slots=True)
class Crossing:
    """A variant and what it is held against (None: SEVERAL messages in an answer).

    rate_hz: over blocks, where it was crossed. low_hz, high_hz: between which rates was looked. end: at the highest of
    them, the messages in an answer, or the ratio of the costs. too_few: undecided for want of blocks.
    """

    variant: VariantFacts
    against: VariantFacts | None
    found: Found
    rate_hz: Estimate | None
    low_hz: float
    high_hz: float
    end: float
    too_few: bool = False


def askers(cells: Cells) -> list[VariantFacts]:
    """The variants that ask for their messages, of which several rates are known."""
    return [one for one in cells.shown if way_of(one) is not Way.PUSHES and len(curve(cells, "batch", one.name)) > 1]


def crossings(cells: Cells) -> list[Crossing]:
    """All of them: of everybody who asks, the batches, then the costs beside everybody of its kind who is pushed to."""
    found: list[Crossing] = []
    for asker in askers(cells):
        found.append(several(cells, asker))
        pushed = [one for one in cells.shown if way_of(one) is Way.PUSHES and one.product == asker.product]
        found += [crossing for one in pushed if (crossing := cheaper(cells, asker, one)) is not None]
    return found


def several(cells: Cells, variant: VariantFacts) -> Crossing:
    """From which rate on one answer carries several messages."""
    measured = curve(cells, "batch", variant.name)
    blocks = _blocks(measured)
    crossed = [_crossed(values, SEVERAL) for values in blocks.values()]
    ends = list(measured)
    found, rate = _agreed(crossed)
    top = estimate(list(measured[ends[-1]].values()))
    return Crossing(variant, None, found, rate, ends[0], ends[-1], top.median if top else 0.0)


def cheaper(cells: Cells, variant: VariantFacts, pushed: VariantFacts) -> Crossing | None:
    """From which rate on a variant that asks costs its server less CPU per message than one that is pushed to; None
    where they were not measured at two common rates."""
    ours, theirs = (curve(cells, "cpu", one.name) for one in (variant, pushed))
    shared = [rate for rate in ours if rate in theirs and len(ours[rate].keys() & theirs[rate].keys())]
    ends = [rate for rate in shared if len(ours[rate].keys() & theirs[rate].keys()) >= FEWEST_TRIALS]
    if len(shared) < 2:
        return None
    apart = {
        rate: {block: theirs[rate][block] / value for block, value in ours[rate].items()
               if value > 0 and theirs[rate].get(block, 0.0) > 0}
        for rate in (ends if len(ends) > 1 else shared)
    }  # fmt: skip
    low, high = min(apart), max(apart)
    end = estimate([1.0 / value for value in apart[high].values()])
    floor = cells.floor("cpu", SCENARIO)
    shown = [compare(ours[rate], theirs[rate], floor).verdict for rate in (low, high)]
    found, rate = _decided(shown, [_crossed(values, 1.0) for values in _blocks(apart).values()])
    too_few = Verdict.TOO_FEW in shown
    return Crossing(variant, pushed, found, rate, low, high, end.median if end else 0.0, too_few)


def _blocks(measured: Curve) -> dict[int, dict[float, float]]:
    """The same by block, rates ascending."""
    held: dict[int, dict[float, float]] = {}
    for rate_hz, blocks in sorted(measured.items()):
        for block, value in blocks.items():
            held.setdefault(block, {})[rate_hz] = value
    return held


def _crossed(values: Mapping[float, float], level: float) -> float | Found:
    """The rate at which values that rise with it first reach a level, between its neighbours on logarithms."""
    before: tuple[float, float] | None = None
    for rate_hz, value in values.items():
        if value <= 0:
            continue
        if value >= level:
            if before is None:
                return Found.BELOW
            share = math.log(level / before[1]) / math.log(value / before[1])
            return math.exp(math.log(before[0]) + share * math.log(rate_hz / before[0]))
        before = (rate_hz, value)
    return Found.BEYOND


def _agreed(crossed: list[float | Found]) -> tuple[Found, Estimate | None]:
    """What all blocks say; the rate where all of them have one."""
    rates = [one for one in crossed if not isinstance(one, Found)]
    if len(rates) == len(crossed):
        return Found.CROSSED, estimate(rates)
    kinds = {one for one in crossed if isinstance(one, Found)}
    return (kinds.pop(), None) if not rates and len(kinds) == 1 else (Found.UNDECIDED, None)


def _decided(ends: list[Verdict], crossed: list[float | Found]) -> tuple[Found, Estimate | None]:
    """What the two ends show, and the rate between them where they show opposite things."""
    if ends == [Verdict.HIGHER, Verdict.LOWER]:
        return _agreed(crossed)
    same = {Verdict.HIGHER: Found.BEYOND, Verdict.LOWER: Found.BELOW}
    return (same.get(ends[0], Found.UNDECIDED) if ends[0] == ends[1] else Found.UNDECIDED), None
