"""Whether the load generator measures the server or itself: how full its cores are, how late it is, why."""

from __future__ import annotations

from bench.analysis.trials.findings._check import Check, at, cpu_ns, load_cores, measured_usage, shares_one_core
from bench.results import Distribution, Trial
from bench.units import duration

SATURATED = 0.85
OWN_SHARE = 0.5
"""Of a latency: above it, most of what is called the server's is the generator's own. An idle machine shows 0.05 to 0.4
at the median and at 99 %, a wake-up on a quiet core being some 50 µs; with another process on the generator's core the
99 % shows 0.5 to 0.8."""


def _saturated(trial: Trial) -> str | None:
    usage = measured_usage(trial)
    if usage is None:
        return None
    share = max((load.cpu_ns for load in usage.load), default=0) / usage.window_ns
    return f"the load generator used {share:.0%} of its core" if share > SATURATED else None


def _cores_full(trial: Trial) -> str | None:
    """Nobody shares a core when only one process runs there; that it is busy is then said by 'generator saturated'."""
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
    """Which of the generator's own delays are more than their share of the latency at the same quantile, in words."""
    latency = at(trial.latency, q)
    if latency is None or trial.headroom is None:
        return ""
    named: dict[str, Distribution | None] = {
        "its loop was {} late or later": trial.headroom.loop_delay if loop else None,
        "bytes lay unread for {} or longer": trial.headroom.read_delay,
    }
    delays = [(words, at(distribution, q)) for words, distribution in named.items()]
    seen = [
        words.format(duration(delay)) for words, delay in delays if delay is not None and delay > OWN_SHARE * latency
    ]
    return " and ".join(seen)


def _late(trial: Trial) -> str | None:
    """By unread time where it is known: an alarm can be late when there is nothing to read, and no latency shows it."""
    headroom = trial.headroom
    seen = _own(trial, 0.99, loop=headroom is not None and at(headroom.read_delay, 0.99) is None)
    return f"in 1 % of cases {seen}, beside {duration(at(trial.latency, 0.99))} at 99 %" if seen else None


def _far_too_late(trial: Trial) -> str | None:
    seen = _own(trial, 0.5)
    return f"in half of the cases {seen}, beside a median of {duration(at(trial.latency, 0.5))}" if seen else None


LESS_LOAD = "lower rate_hz or subscribers, or give the load side more cores"
QUIET = "stop other work on this machine, or give the load side a core of its own"

CHECKS = (
    Check("generator saturated", True, f"load CPU above {SATURATED:.0%} of its core",
          "a busy receiver reads late and calls it latency", LESS_LOAD, _saturated),
    Check("load cores saturated", True,
          f"load generator, publisher and proxy together above {SATURATED:.0%} of their cores",
          "they then wait for each other, though neither is saturated", LESS_LOAD, _cores_full),
    Check("generator late", False,
          f"99 % of unread time (where unknown: of loop lag) above {OWN_SHARE:g} of the latency at 99 %",
          "the slowest latencies are then those of the generator; the median need not be", QUIET, _late),
    Check("generator far too late", True,
          f"median of loop lag or of unread time above {OWN_SHARE:g} of the median latency",
          "the latencies are those of the generator more than those of the server", LESS_LOAD, _far_too_late),
)  # fmt: skip
