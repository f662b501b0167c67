"""The most messages per second that a server sustains: what counts as sustained, and which rate is tried next.

A rate is sustained if nothing was lost and 99 % of the deliveries came within the bound. The search doubles the rate
from where it starts until one is exceeded (or halves it until one is sustained), then tries the geometric mean of
the highest sustained and the lowest exceeded one, until they are within RESOLUTION, or MOST_STEPS are spent. A rate
counts as exceeded only when that has been seen twice: once may be the machine. The capacity is the highest sustained
rate.
"""

from __future__ import annotations

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
OF_THE_GENERATOR = frozenset({"generator saturated", "load cores full"})
OF_THE_LEDGER = frozenset(
    {"lost messages", "duplicated messages", "reordered messages", "corrupted messages", "errors"}
)


def step(trial: Trial, bound_ns: float) -> CapacityStep:
    """How a trial at one rate went."""
    verdict, observation = _judged(trial, bound_ns)
    usage, ledger = trial.usage, trial.ledger
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
    """Whether the server may sustain more: what ended the search was the generator's limit, or its number of steps."""
    exceeded = lowest_exceeded(steps)
    shown = {one.verdict for one in steps if one.rate_hz == exceeded}
    return exceeded is None or "exceeded" not in shown


def _believed(rate_hz: float, steps: Sequence[CapacityStep]) -> bool:
    verdicts = [one.verdict for one in steps if one.rate_hz == rate_hz]
    return "sustained" not in verdicts and ("generator" in verdicts or len(verdicts) >= BELIEVED_AFTER)


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
