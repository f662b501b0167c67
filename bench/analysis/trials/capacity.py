"""The most messages per second that a server sustains: what counts as sustained, and which rate is tried next.

A rate is sustained if nothing was lost, 99 % of the deliveries came within the bound, and the delay did not grow so
fast that the rate must be beyond the capacity by more than RESOLUTION: a queue that grows passes any bound in the end,
and a step is short. What slows the load generator or the machine down makes no delay shorter: a rate that is sustained
all the same is sustained, but one that is missed may be missed by them. A publisher that is late sends in clumps, and a
server that batches has less to do for a clump than for as many messages one by one: only what left evenly counts as
sustained.

From where it starts the search takes strides, four times the rate, until one is exceeded (or a quarter of it, down to
LEAST_HZ, until one is sustained); then the geometric mean of the highest sustained and the lowest missed one, until
they are within RESOLUTION. A rate counts as exceeded only when two steps have missed, at it or at lower rates above
what is sustained: once may be the machine, and what is too much for the server at a lower rate is so at a higher one.
So the first miss on the way up is tried again at once, one on the way down only if no lower one has borne it out in the
end. MOST_STEPS end any search. The capacity is the highest sustained rate.

What fails before the first message of a step is published (the server does not start, somebody cannot connect) has
nothing to do with the rate. It ends the search: at once while nothing has been measured yet, later when it comes twice
in a row.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from typing import Literal

from bench.analysis.numbers.distributions import quantile
from bench.analysis.trials.findings import OF_THE_GENERATOR, OF_THE_MACHINE, SLOWING
from bench.results import CapacityStep, Failure, Finding, Series, Trial
from bench.units import duration

Verdict = Literal["sustained", "exceeded", "generator", "disturbed"]

RESOLUTION = 1.15
STRIDE = 4.0
LEAST_HZ = 1.0
MOST_STEPS = 14
BELIEVED_AFTER = 2
UNDER_LOAD = frozenset({"measure", "drain"})
FULL = 0.9
"""Of a core: a server and its broker that use as much have no time left for more."""
OWN_SHARE = 0.5
"""Of a delay: above it, what is late is the load generator more than the server."""
EVEN_SHARE = 0.1
"""Of the bound: a stream of which 99 % left within it of when they were due counts as sent evenly."""
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
        slip_p50_ns=quantile(trial.slip, 0.5) if trial.slip else None,
        slip_p99_ns=quantile(trial.slip, 0.99) if trial.slip else None,
    )


def _judged(trial: Trial, bound_ns: float) -> tuple[Verdict, str]:
    if trial.failure is not None:
        if not _under_load(trial.failure):
            return "disturbed", trial.failure.error
        of_server = trial.failure.exited in ("", "server", "broker")
        return ("exceeded" if of_server else "generator"), trial.failure.error
    disqualifying = [finding for finding in trial.findings if finding.disqualifying]
    own = [finding for finding in disqualifying if finding.name in OF_THE_GENERATOR]
    missed = _missed_by(trial, disqualifying, bound_ns)
    if missed is None:
        doubted = [finding for finding in disqualifying if finding.name not in SLOWING]
        if doubted:
            return "disturbed", doubted[0].observation
        slip_ns = quantile(trial.slip, 0.99) if trial.slip else None
        if slip_ns is not None and slip_ns > EVEN_SHARE * bound_ns:
            clumps = f"sent in clumps: 1 % of messages left {duration(slip_ns)} late or later"
            return ("generator" if own else "disturbed"), clumps  # a stall on an idle core may not come back
        return "sustained", f"99 % within {duration(_late_ns(trial))}"
    machine = [finding for finding in disqualifying if finding.name in OF_THE_MACHINE]
    if machine:
        return "disturbed", machine[0].observation
    if own and not _server_was_full_first(trial):
        return "generator", own[0].observation
    return "exceeded", missed


def _missed_by(trial: Trial, disqualifying: Sequence[Finding], bound_ns: float) -> str | None:
    """What a rate was missed by, in words; None where it was not."""
    lost = [finding for finding in disqualifying if finding.name in OF_THE_LEDGER]
    late_ns, behind = _late_ns(trial), falls_behind(trial.series)
    if lost:
        return lost[0].observation
    if late_ns is None or late_ns > bound_ns:
        return f"99 % within {duration(late_ns)}"
    if behind is not None and behind > 1.0 - 1.0 / RESOLUTION:
        return f"the delay grew by {duration(round(behind * 1e9))} in a second"
    return None


def _late_ns(trial: Trial) -> int | None:
    return quantile(trial.latency, 0.99) if trial.latency else None


def _server_was_full_first(trial: Trial) -> bool:
    """Whether the server had used its core up while the load generator and its publisher, however busy, were late by no
    more than OWN_SHARE of the delay that was seen."""
    usage, late_ns, headroom = trial.usage, _late_ns(trial), trial.headroom
    if usage is None or not usage.window_ns or late_ns is None or headroom is None:
        return False
    if (usage.server.cpu_ns + (usage.broker.cpu_ns if usage.broker else 0)) < FULL * usage.window_ns:
        return False
    own = [quantile(one, 0.99) for one in (headroom.read_delay, headroom.loop_delay, trial.slip) if one is not None]
    return all(delay is not None and delay <= OWN_SHARE * late_ns for delay in own)


def falls_behind(series: Series | None) -> float | None:
    """By how much the median delay grew from the first interval of the time series to the last, in seconds per second;
    None without two of them. At (1 + x) times the capacity the delay grows by x of the time of sending, which is
    x / (1 + x) of the time of receiving, however short the queue still is.
    """
    seen = [] if series is None else [(at, p50) for at, p50 in enumerate(series.latency_p50_ns) if p50 is not None]
    if series is None or len(seen) < 2:
        return None
    (first, before), (last, after) = seen[0], seen[-1]
    return (after - before) / ((last - first) * series.interval_ns)


def _under_load(failure: Failure) -> bool:
    """Whether a trial failed while messages were published at the rate that was tried."""
    return failure.phase in UNDER_LOAD


def ends_search(failures: Sequence[Failure | None]) -> bool:
    """Whether what became of the steps so far (None: measured) ends the search, because it has nothing to do with the
    rate."""
    early = [failure is not None and not _under_load(failure) for failure in failures]
    return bool(early) and all(early[-1:] if all(early) else early[-BELIEVED_AFTER:])


def sustained(steps: Sequence[CapacityStep]) -> float | None:
    """The highest sustained rate; None where none was."""
    return max((one.rate_hz for one in steps if one.verdict == "sustained"), default=None)


def lowest_exceeded(steps: Sequence[CapacityStep]) -> float | None:
    """The lowest rate that is believed to be too high; None where none is."""
    return next((rate for rate in _missed(steps) if _believed(rate, steps)), None)


def is_at_least(steps: Sequence[CapacityStep]) -> bool:
    """Whether the server may sustain more: what ended the search was the generator's limit, or its number of steps.

    Where the generator gave way in one try, what is seen in another at the same rate may be its work too.
    """
    exceeded = lowest_exceeded(steps)
    if exceeded is None:
        return True
    shown = _verdicts_up_to(exceeded, steps)
    return "generator" in shown or "exceeded" not in shown


def _missed(steps: Sequence[CapacityStep]) -> list[float]:
    """The rates above all that is sustained that were tried, ascending."""
    kept = sustained(steps) or 0.0
    return sorted({one.rate_hz for one in steps if one.rate_hz > kept})


def _verdicts_up_to(rate_hz: float, steps: Sequence[CapacityStep]) -> list[str]:
    """What was seen at a missed rate and at the missed rates below it: all of that speaks against it."""
    missed = {rate for rate in _missed(steps) if rate <= rate_hz}
    return [one.verdict for one in steps if one.rate_hz in missed]


def _believed(rate_hz: float, steps: Sequence[CapacityStep]) -> bool:
    verdicts = _verdicts_up_to(rate_hz, steps)
    return "generator" in verdicts or len(verdicts) >= BELIEVED_AFTER


class Limit(enum.StrEnum):
    """What ended a search: what was wrong at the lowest rate that counts as too high."""

    SERVER = "the server used its core up"
    LATE = "messages came too late, or later and later, though the server's core was not full"
    LOST = "not every message arrived intact"
    FAILED = "the server, or a connection to it, gave way"
    GENERATOR = "the load generator, or its publisher, was full before the server"
    DISTURBED = "something else on the machine disturbed every try"
    SPENT = "the search had tried as often, or as high, as it may"


def limit(steps: Sequence[CapacityStep]) -> Limit:
    """What ended a search, by the last try at that rate, or missed below it, which says so."""
    exceeded = lowest_exceeded(steps)
    if exceeded is None:
        return Limit.SPENT
    shown = [one for one in steps if (sustained(steps) or 0.0) < one.rate_hz <= exceeded]
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


def slip_at_the_end(searches: Sequence[Sequence[CapacityStep]]) -> tuple[float, float] | None:
    """(median, 99 %) of the publisher's slip at the rates that are given as sustained, each the worst of all
    searches, in ns; None where it is not known."""
    tried = [(one, sustained(steps)) for steps in searches for one in steps if one.verdict == "sustained"]
    slips = [(one.slip_p50_ns, one.slip_p99_ns) for one, most_hz in tried if one.rate_hz == most_hz]
    known = [(p50, p99) for p50, p99 in slips if p50 is not None and p99 is not None]
    return (max(p50 for p50, _ in known), max(p99 for _, p99 in known)) if known else None


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
    kept, missed, exceeded = sustained(steps), _missed(steps), lowest_exceeded(steps)
    if not missed:
        return None if kept is None or kept >= most_hz else min(STRIDE * kept, most_hz)
    lowest = missed[0]
    if exceeded is None:
        return lowest
    if kept is None:
        return max(lowest / STRIDE, LEAST_HZ) if lowest > LEAST_HZ else None
    if lowest > kept * RESOLUTION:
        return math.sqrt(kept * lowest)
    return None if lowest == exceeded else lowest
