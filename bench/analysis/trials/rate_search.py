"""The search for the capacity of a server, the highest rate that it sustains: the next rate to try, and what ended it.

`rate_step` judges one rate. The search begins with strides: four times the rate, until one is exceeded (or a quarter of
it, down to LEAST_HZ, until one is sustained). Then it tries the geometric mean of the highest sustained and the lowest
missed rate, until they are within RESOLUTION. MOST_STEPS end any search.

A rate counts as exceeded only after two misses, at it or at lower rates above all that is sustained: a single miss may
be the machine's, and a rate that is too high for the server makes all higher rates too high. So the first miss on the
way up is retried at once. A miss on the way down is retried at the end, unless a lower rate has confirmed it.

A failure before the first message of a step (the server does not start, a subscriber cannot connect) has nothing to do
with the rate. It ends the search: at once while nothing has been measured yet, later when it comes twice in a row.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence

from bench.results import CapacityStep, Failure

RESOLUTION = 1.15
STRIDE = 4.0
LEAST_HZ = 1.0
MOST_STEPS = 14
MISSES_TO_BELIEVE = 2
PUBLISHING_PHASES = frozenset({"measure", "drain"})
SATURATED = 0.9  # of a core: a server and its broker that use more have no time left


def started_publishing(failure: Failure) -> bool:
    """Whether a trial failed while messages were published at the rate of the step."""
    return failure.phase in PUBLISHING_PHASES


def ends_search(failures: Sequence[Failure | None]) -> bool:
    """Whether the failures of the steps so far (None: measured) end the search, because they do not depend on the
    rate."""
    early = [failure is not None and not started_publishing(failure) for failure in failures]
    return bool(early) and all(early[-1:] if all(early) else early[-MISSES_TO_BELIEVE:])


def sustained(steps: Sequence[CapacityStep]) -> float | None:
    """The highest sustained rate; None where none was."""
    return max((one.rate_hz for one in steps if one.verdict == "sustained"), default=None)


def lowest_exceeded(steps: Sequence[CapacityStep]) -> float | None:
    """The lowest rate that counts as exceeded; None where none does."""
    return next((rate for rate in _missed(steps) if _exceeded(rate, steps)), None)


def is_lower_bound(steps: Sequence[CapacityStep]) -> bool:
    """Whether the server may sustain more than the search shows: the generator or the number of steps ended it.

    One step that the generator limited makes the other steps at that rate unreliable too.
    """
    exceeded = lowest_exceeded(steps)
    if exceeded is None:
        return True
    verdicts = _verdicts_up_to(exceeded, steps)
    return "generator" in verdicts or "exceeded" not in verdicts


def _missed(steps: Sequence[CapacityStep]) -> list[float]:
    """The rates that were tried above the highest sustained one, ascending."""
    highest = sustained(steps) or 0.0
    return sorted({one.rate_hz for one in steps if one.rate_hz > highest})


def _verdicts_up_to(rate_hz: float, steps: Sequence[CapacityStep]) -> list[str]:
    """The verdicts at a missed rate and at the missed rates below it: all of them count against it."""
    missed = {rate for rate in _missed(steps) if rate <= rate_hz}
    return [one.verdict for one in steps if one.rate_hz in missed]


def _exceeded(rate_hz: float, steps: Sequence[CapacityStep]) -> bool:
    verdicts = _verdicts_up_to(rate_hz, steps)
    return "generator" in verdicts or len(verdicts) >= MISSES_TO_BELIEVE


class Limit(enum.StrEnum):
    """What ended a search: the fault at the lowest rate that counts as exceeded."""

    SERVER = "the server saturated its core"
    LATE = "deliveries were too late or fell behind, though the server's core was not saturated"
    LOST = "messages were lost"
    FAILED = "the server, or a connection to it, failed"
    GENERATOR = "the load generator or its publisher was saturated before the server"
    DISTURBED = "the machine disturbed every try"
    SPENT = "the search reached its largest number of steps or its highest rate"


def limit(steps: Sequence[CapacityStep]) -> Limit:
    """What ended a search, by the last step at that rate, or at a missed rate below it, that shows it."""
    exceeded = lowest_exceeded(steps)
    if exceeded is None:
        return Limit.SPENT
    missed = [one for one in steps if (sustained(steps) or 0.0) < one.rate_hz <= exceeded]
    if any(one.verdict == "generator" for one in missed):
        return Limit.GENERATOR
    of_server = [one for one in missed if one.verdict == "exceeded"]
    return _limit_of(of_server[-1]) if of_server else Limit.DISTURBED


def _limit_of(last: CapacityStep) -> Limit:
    if last.p99_ns is None:
        return Limit.FAILED
    cores = cores_used(last)
    if cores is not None and cores >= SATURATED:
        return Limit.SERVER
    return Limit.LOST if last.delivered < last.expected else Limit.LATE


def worst_slip(searches: Sequence[Sequence[CapacityStep]]) -> tuple[float, float] | None:
    """(p50, p99) of the publisher's slip at the capacities, each the worst of all searches, in ns; None without one."""
    steps = [(one, sustained(search)) for search in searches for one in search if one.verdict == "sustained"]
    slips = [(one.slip_p50_ns, one.slip_p99_ns) for one, capacity_hz in steps if one.rate_hz == capacity_hz]
    pairs = [(p50, p99) for p50, p99 in slips if p50 is not None and p99 is not None]
    return (max(p50 for p50, _ in pairs), max(p99 for _, p99 in pairs)) if pairs else None


def limits_in_words(searches: Sequence[tuple[str, Sequence[Sequence[CapacityStep]]]]) -> list[str]:
    """The limits of the searches of each name, in words: the names behind every limit, with the number of searches
    where those of one name ended in several ways."""
    names: dict[Limit, list[str]] = {}
    for name, searches_of_name in searches:
        limits = [limit(steps) for steps in searches_of_name]
        for kind in dict.fromkeys(limits):
            share = "" if limits.count(kind) == len(limits) else f" in {limits.count(kind)} of {len(limits)}"
            names.setdefault(kind, []).append(f"{name}{share}")
    return [f"{kind} ({', '.join(names[kind])})" for kind in Limit if kind in names]


def cores_used(one: CapacityStep) -> float | None:
    """CPU of server and broker at a step, in cores; of the server alone where its broker was not measured, which then
    was not started on the server's core; None where nothing was measured."""
    if one.server_cpu_ns is None or not one.window_ns:
        return None
    return (one.server_cpu_ns + (one.broker_cpu_ns or 0)) / one.window_ns


def median_is_lower_bound(searches: Sequence[Sequence[CapacityStep]], median_hz: float) -> bool:
    """Whether the median over searches is a lower bound: a search with a result up to the median is one itself."""
    results = [(sustained(steps), is_lower_bound(steps)) for steps in searches]
    return any(bound and rate is not None and rate <= median_hz * (1 + 1e-9) for rate, bound in results)


def next_rate(steps: Sequence[CapacityStep], start_hz: float, most_hz: float) -> float | None:
    """The rate to try next, `most_hz` at most; None when the search is over."""
    if not steps:
        return min(start_hz, most_hz)
    if len(steps) >= MOST_STEPS:
        return None
    highest, missed, exceeded = sustained(steps), _missed(steps), lowest_exceeded(steps)
    if not missed:
        return None if highest is None or highest >= most_hz else min(STRIDE * highest, most_hz)
    lowest = missed[0]
    if exceeded is None:
        return lowest
    if highest is None:
        return max(lowest / STRIDE, LEAST_HZ) if lowest > LEAST_HZ else None
    if lowest > highest * RESOLUTION:
        return math.sqrt(highest * lowest)
    return None if lowest == exceeded else lowest
