"""Whether the load generator measures the server or itself: how busy its cores are, how late it is, and why."""

from __future__ import annotations

from bench.analysis.trials.core_shares import load_cores
from bench.analysis.trials.findings._check import Cause, Check, at, cpu_ns, measured_usage, shares_one_core
from bench.results import Distribution, Trial
from bench.units import duration

SATURATED = 0.85
# Of a latency: above it, the generator causes most of what is reported as the server's. On an idle machine the share is
# 0.05 to 0.4 at p50 and p99, because a wake-up on an idle core takes about 50 µs. With another process on the
# generator's core it is 0.5 to 0.8 at p99.
OWN_SHARE = 0.5


def _saturated(trial: Trial) -> str | None:
    usage = measured_usage(trial)
    if usage is None:
        return None
    share = max((load.cpu_ns for load in usage.load), default=0) / usage.window_ns
    return f"the load generator used {share:.0%} of its core" if share > SATURATED else None


def _cores_full(trial: Trial) -> str | None:
    """Only where processes share a core; a single busy process is reported by 'generator saturated'."""
    usage = measured_usage(trial)
    if usage is None:
        return None
    processes = [*usage.load, *(one for one in (usage.publisher, usage.proxy) if one)]
    if shares_one_core(trial):
        processes += [usage.server, *([usage.broker] if usage.broker else [])]
    cores = load_cores(trial)
    share = cpu_ns(*processes) / (usage.window_ns * cores)
    if len(processes) <= cores or share <= SATURATED:
        return None
    return (
        f"{len(processes)} processes used {share:.0%} of the load side's {'core' if cores == 1 else f'{cores} cores'}"
    )


def _own(trial: Trial, q: float, loop: bool = True) -> str:
    """The generator's own delays above OWN_SHARE of the latency at the same quantile, in words."""
    latency = at(trial.latency, q)
    if latency is None or trial.headroom is None:
        return ""
    named: dict[str, Distribution | None] = {
        "loop delay {}": trial.headroom.loop_delay if loop else None,
        "read delay {}": trial.headroom.read_delay,
    }
    delays = [(words, at(distribution, q)) for words, distribution in named.items()]
    return " and ".join(
        words.format(duration(delay)) for words, delay in delays if delay is not None and delay > OWN_SHARE * latency
    )


def _late(trial: Trial) -> str | None:
    """By read delay where it is known: loop delay without anything to read affects no latency."""
    headroom = trial.headroom
    delays = _own(trial, 0.99, loop=headroom is not None and at(headroom.read_delay, 0.99) is None)
    return f"p99: {delays}, latency {duration(at(trial.latency, 0.99))}" if delays else None


def _far_too_late(trial: Trial) -> str | None:
    delays = _own(trial, 0.5)
    return f"p50: {delays}, latency {duration(at(trial.latency, 0.5))}" if delays else None


LESS_LOAD = "lower rate_hz or subscribers, or give the load side more cores"
QUIET = "stop other work on this machine, or give the load side a core of its own"

ORDER, CAUSE = 40, Cause.LOAD_GENERATOR

CHECKS = (
    Check("generator saturated", True, f"load CPU above {SATURATED:.0%} of its core",
          "a busy receiver reads late, and its delay counts as latency", LESS_LOAD, _saturated),
    Check("load cores saturated", True,
          f"load generator, publisher and proxy together above {SATURATED:.0%} of their cores",
          "they then wait for each other, although none is saturated alone", LESS_LOAD, _cores_full),
    Check("generator late", False,
          f"p99 read delay (where unknown: loop delay) above {OWN_SHARE:g} of the p99 latency",
          "the generator then causes the slowest latencies, but maybe not the median", QUIET, _late),
    Check("generator far too late", True,
          f"p50 loop delay or read delay above {OWN_SHARE:g} of the median latency",
          "the generator causes more of the latency than the server", LESS_LOAD, _far_too_late),
)  # fmt: skip
