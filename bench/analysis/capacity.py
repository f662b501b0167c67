"""The most messages per second that a server sustains: what counts as sustained, and which rate is tried next.

A rate is sustained if nothing was lost and 99 % of the deliveries came within the bound. The search doubles the rate
from where it starts until one is exceeded (or halves it until one is sustained), then tries the geometric mean of
the highest sustained and the lowest exceeded one, until they are within RESOLUTION, or MOST_STEPS are spent. A rate
counts as exceeded only when that has been seen twice: once may be the machine. The capacity is the highest sustained
rate.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Literal

from bench.analysis.distributions import quantile
from bench.results import CapacityStep, Trial
from bench.units import duration

Verdict = Literal["sustained", "exceeded", "generator", "disturbed"]

RESOLUTION = 1.15
MOST_STEPS = 14
BELIEVED_AFTER = 2
FULL = 0.9
"""Of a core: a server and its broker that use as much have no time left for more."""
OF_THE_GENERATOR = frozenset({"generator saturated", "load cores full"})
OF_THE_LEDGER = frozenset(
    {"lost messages", "duplicated messages", "reordered messages", "corrupted messages", "errors"}
)


def step(trial: Trial, bound_ns: float) -> CapacityStep:
    """How a trial at one rate went."""
    verdict, observation = _judged(trial, bound_ns)
    usage, ledger, wire = trial.usage, trial.ledger, trial.wire
    return CapacityStep(
        rate_hz=float(trial.parameters["rate_hz"]),  # type: ignore[arg-type]  # checked when it was settled
        verdict=verdict,
        observation=observation,
        expected=ledger.expected if ledger else 0,
        delivered=ledger.delivered if ledger else 0,
        p50_ns=quantile(trial.latency, 0.5) if trial.latency else None,
        p99_ns=quantile(trial.latency, 0.99) if trial.latency else None,
        server_cpu_ns=usage.server.cpu_ns if usage else None,
        window_ns=usage.window_ns if usage else None,
        broker_cpu_ns=usage.broker.cpu_ns if usage and usage.broker else None,
        deliveries=usage.deliveries if usage else None,
        requests=wire.requests if wire else None,
        segments_in=wire.segments_in if wire else None,
    )


def _judged(trial: Trial, bound_ns: float) -> tuple[Verdict, str]:
    if trial.failure is not None:
        return "exceeded", trial.failure.error
    disqualifying = [finding for finding in trial.findings if finding.disqualifying]
    lost = [finding for finding in disqualifying if finding.name in OF_THE_LEDGER]
    own = [finding for finding in disqualifying if finding.name in OF_THE_GENERATOR]
    late = quantile(trial.latency, 0.99) if trial.latency else None
    if own:
        return "generator", own[0].observation
    if lost:
        return "exceeded", lost[0].observation
    if late is None or late > bound_ns:
        return "exceeded", f"99 % within {duration(late)}"
    if disqualifying:
        return "disturbed", disqualifying[0].observation
    return "sustained", f"99 % within {duration(late)}"


def sustained(steps: Sequence[CapacityStep]) -> float | None:
    """The highest sustained rate below the lowest exceeded one; None where none was."""
    exceeded = lowest_exceeded(steps)
    rates = [one.rate_hz for one in steps if one.verdict == "sustained"]
    return max((rate for rate in rates if exceeded is None or rate < exceeded), default=None)


def lowest_exceeded(steps: Sequence[CapacityStep]) -> float | None:
    """The lowest rate that is believed to be too high; None where none is."""
    kept = max((one.rate_hz for one in steps if one.verdict == "sustained"), default=0.0)
    rates = sorted({one.rate_hz for one in steps if one.rate_hz > kept})
    return next((rate for rate in rates if _believed(rate, steps)), None)


def is_at_least(steps: Sequence[CapacityStep]) -> bool:
    """Whether the server may sustain more: what ended the search was the generator's limit, or its number of steps.

    Where the generator gave way in one try, what is seen in another at the same rate may be its work too.
    """
    exceeded = lowest_exceeded(steps)
    shown = {one.verdict for one in steps if one.rate_hz == exceeded}
    return exceeded is None or "generator" in shown or "exceeded" not in shown


def _believed(rate_hz: float, steps: Sequence[CapacityStep]) -> bool:
    verdicts = [one.verdict for one in steps if one.rate_hz == rate_hz]
    return "sustained" not in verdicts and ("generator" in verdicts or len(verdicts) >= BELIEVED_AFTER)


class Limit(enum.StrEnum):
    """What ended a search: what was wrong at the lowest rate that counts as too high."""

    SERVER = "the server used its core up"
    LATE = "messages came too late though the server's core was not full"
    LOST = "not every message arrived intact"
    FAILED = "the server, or a connection to it, gave way"
    GENERATOR = "the load generator was full before the server"
    DISTURBED = "something else on the machine disturbed every try"
    SPENT = "the search had tried as often, or as high, as it may"


def limit(steps: Sequence[CapacityStep]) -> Limit:
    """What ended a search, by the last try at that rate which says so."""
    exceeded = lowest_exceeded(steps)
    if exceeded is None:
        return Limit.SPENT
    shown = [one for one in steps if one.rate_hz == exceeded]
    if any(one.verdict == "generator" for one in shown):
        return Limit.GENERATOR
    seen = [one for one in shown if one.verdict == "exceeded"]
    return _ended(seen[-1]) if seen else Limit.DISTURBED


def _ended(last: CapacityStep) -> Limit:
    if last.p99_ns is None:
        return Limit.FAILED
    share = busy(last)
    if share is not None and share >= FULL:
        return Limit.SERVER
    return Limit.LOST if last.delivered < last.expected else Limit.LATE


def ended(searches: Sequence[tuple[str, Sequence[Sequence[CapacityStep]]]]) -> list[str]:
    """What ended the searches of each name, in words: the names behind every limit, and, where the searches of one
    ended in several ways, in how many of them it was this one."""
    told: dict[Limit, list[str]] = {}
    for name, held in searches:
        limits = [limit(steps) for steps in held]
        for kind in dict.fromkeys(limits):
            share = "" if limits.count(kind) == len(limits) else f" in {limits.count(kind)} of {len(limits)}"
            told.setdefault(kind, []).append(f"{name}{share}")
    return [f"{kind} ({', '.join(told[kind])})" for kind in Limit if kind in told]


def busy(one: CapacityStep) -> float | None:
    """How much of a core server and broker used at a step; None where that is not known."""
    if one.server_cpu_ns is None or not one.window_ns:
        return None
    return (one.server_cpu_ns + (one.broker_cpu_ns or 0)) / one.window_ns


def bounded(searches: Sequence[Sequence[CapacityStep]], median_hz: float) -> bool:
    """Whether the median over searches is only known to be at least what it is: a search whose own result is no more
    than the median did not find where the server ends."""
    found = [(sustained(steps), is_at_least(steps)) for steps in searches]
    return any(least and rate is not None and rate <= median_hz * (1 + 1e-9) for rate, least in found)


def next_rate(steps: Sequence[CapacityStep], start_hz: float, most_hz: float) -> float | None:
    """The rate to try next, `most_hz` at most; None when the search is over."""
    if not steps:
        return min(start_hz, most_hz)
    if len(steps) >= MOST_STEPS:
        return None
    last = steps[-1].rate_hz
    kept, exceeded = sustained(steps), lowest_exceeded(steps)
    if steps[-1].verdict != "sustained" and not _believed(last, steps):
        return last
    if exceeded is None:
        return None if last >= most_hz else min(2 * (kept or last), most_hz)
    if kept is None:
        return exceeded / 2
    return math.sqrt(kept * exceeded) if exceeded > kept * RESOLUTION else None
