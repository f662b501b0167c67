"""One step of the search for a capacity: whether the server sustained the rate of a trial.

A rate is sustained under three conditions. No message was lost. The p99 latency is within the bound. And the delay did
not grow so fast that the rate must be above the capacity by more than RESOLUTION: a growing queue exceeds any bound in
the end, and a step is short.

A busy load generator or machine makes no delay shorter. So a rate that is sustained in spite of them counts as
sustained, but a rate that is missed may be missed because of them. A late publisher sends in clumps, and a server that
batches has less work with a clump than with the same messages one by one: a rate counts as sustained only if its
messages left evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from bench.analysis.numbers.distributions import quantile
from bench.analysis.trials.findings import OF_THE_GENERATOR, OF_THE_MACHINE, SLOWING
from bench.analysis.trials.metrics import METRICS
from bench.analysis.trials.metrics.cpu import server_side_ns
from bench.analysis.trials.rate_search import RESOLUTION, SATURATED, started_publishing
from bench.results import CapacityStep, Failure, Finding, Series, Trial
from bench.units import duration

Verdict = Literal["sustained", "exceeded", "generator", "disturbed"]

OWN_SHARE = 0.5  # of the p99 latency: above it, the load generator causes more of the delay than the server
EVEN_SHARE = 0.1  # of the bound: up to this p99 slip, messages left evenly
OF_THE_LEDGER = frozenset(
    {"lost messages", "duplicated messages", "reordered messages", "corrupted messages", "errors"}
)


def step(trial: Trial, bound_ns: float) -> CapacityStep:
    """The verdict on a trial at one rate, and the facts behind it."""
    verdict, observation = _judged(trial, bound_ns)
    usage, ledger, wire = trial.usage, trial.ledger, trial.wire
    return CapacityStep(
        rate_hz=float(trial.parameters["rate_hz"]),  # type: ignore[arg-type]  # checked when it was settled
        verdict=verdict,
        observation=observation,
        expected=ledger.expected if ledger else 0,
        delivered=ledger.delivered if ledger else 0,
        p50_ns=_ns("latency_p50", trial),
        p99_ns=_ns("latency_p99", trial),
        server_cpu_ns=usage.server.cpu_ns if usage else None,
        window_ns=usage.window_ns if usage else None,
        broker_cpu_ns=usage.broker.cpu_ns if usage and usage.broker else None,
        deliveries=usage.deliveries if usage else None,
        requests=wire.requests if wire else None,
        segments_in=wire.segments_in if wire else None,
        slip_p50_ns=quantile(trial.slip, 0.5) if trial.slip else None,
        slip_p99_ns=_ns("slip_p99", trial),
    )


def _ns(metric: str, trial: Trial) -> int | None:
    value = METRICS[metric].of(trial)
    return None if value is None else int(value)


def _judged(trial: Trial, bound_ns: float) -> tuple[Verdict, str]:
    """The verdict and the observation that decides it."""
    if trial.failure is not None:
        return _of_failure(trial.failure)
    disqualifying = [finding for finding in trial.findings if finding.disqualifying]
    missed = _missed(trial, disqualifying, bound_ns)
    if missed is None:
        return _of_kept_bound(trial, disqualifying, bound_ns)
    machine = [finding for finding in disqualifying if finding.name in OF_THE_MACHINE]
    if machine:
        return "disturbed", machine[0].observation
    generator = [finding for finding in disqualifying if finding.name in OF_THE_GENERATOR]
    if generator and not _server_saturated_first(trial):
        return "generator", generator[0].observation
    return "exceeded", missed


def _of_failure(failure: Failure) -> tuple[Verdict, str]:
    if not started_publishing(failure):
        return "disturbed", failure.error
    return ("exceeded" if failure.exited in ("", "server", "broker") else "generator"), failure.error


def _of_kept_bound(trial: Trial, disqualifying: Sequence[Finding], bound_ns: float) -> tuple[Verdict, str]:
    """The verdict where the bound was kept: sustained, unless the trial is invalid or messages left in clumps."""
    other = [finding for finding in disqualifying if finding.name not in SLOWING]
    if other:
        return "disturbed", other[0].observation
    slip_ns = _ns("slip_p99", trial)
    if slip_ns is not None and slip_ns > EVEN_SHARE * bound_ns:
        generator = any(finding.name in OF_THE_GENERATOR for finding in disqualifying)
        clumps = f"sent in clumps: p99 slip {duration(slip_ns)}"
        return ("generator" if generator else "disturbed"), clumps  # a stall on an idle core may not come back
    return "sustained", f"p99 latency {duration(_ns('latency_p99', trial))}"


def _missed(trial: Trial, disqualifying: Sequence[Finding], bound_ns: float) -> str | None:
    """The condition that a rate missed, in words; None where it met all."""
    ledger = [finding for finding in disqualifying if finding.name in OF_THE_LEDGER]
    p99_ns, growth = _ns("latency_p99", trial), delay_growth(trial.series)
    if ledger:
        return ledger[0].observation
    if p99_ns is None or p99_ns > bound_ns:
        return f"p99 latency {duration(p99_ns)}"
    if growth is not None and growth > 1.0 - 1.0 / RESOLUTION:
        return f"the delay grew by {duration(round(growth * 1e9))} per second"
    return None


def _server_saturated_first(trial: Trial) -> bool:
    """Whether the server saturated its core while load generator and publisher, however busy, caused OWN_SHARE of the
    delay at most."""
    usage, p99_ns, headroom = trial.usage, _ns("latency_p99", trial), trial.headroom
    if usage is None or not usage.window_ns or p99_ns is None or headroom is None:
        return False
    used_ns = server_side_ns(trial, usage)
    if used_ns is None or used_ns < SATURATED * usage.window_ns:
        return False
    own = [quantile(one, 0.99) for one in (headroom.read_delay, headroom.loop_delay, trial.slip) if one is not None]
    return all(delay_ns is not None and delay_ns <= OWN_SHARE * p99_ns for delay_ns in own)


def delay_growth(series: Series | None) -> float | None:
    """The growth of the median delay from the first interval of the time series to the last, in seconds per second;
    None without two of them. At (1 + x) times the capacity the delay grows by x of the time of sending, which is
    x / (1 + x) of the time of receiving, however short the queue still is.
    """
    medians = [] if series is None else [(at, p50) for at, p50 in enumerate(series.latency_p50_ns) if p50 is not None]
    if series is None or len(medians) < 2:
        return None
    (first, before), (last, after) = medians[0], medians[-1]
    return (after - before) / ((last - first) * series.interval_ns)
