"""Whether the server saturated its core, and whether all of the server side was measured."""

from __future__ import annotations

from bench.analysis.trials.findings._check import Cause, Check, cpu_ns, measured_usage
from bench.results import Trial

SATURATED = 0.90


def _saturated(trial: Trial) -> str | None:
    """A broker started by the bench runs on the server's core, where each waits for the other."""
    usage = measured_usage(trial)
    if usage is None:
        return None
    share = cpu_ns(usage.server, usage.broker) / usage.window_ns
    who = "the server and its broker" if usage.broker else "the server"
    return f"{who} used {share:.0%} of a core" if share > SATURATED else None


def _broker_unmeasured(trial: Trial) -> str | None:
    return f"the broker is {trial.broker.identity}" if trial.broker is not None and trial.broker_not_measured else None


ORDER, CAUSE = 50, Cause.SERVER

CHECKS = (
    Check("server saturated", False, f"CPU of the server and its broker above {SATURATED:.0%} of a core",
          "latency is then mostly queueing: a result about this rate only",
          "this variant does not sustain the rate: lower rate_hz to compare latencies", _saturated),
    Check("broker not measured", False, "the process of its broker is not known",
          "CPU and memory of the server side have no value: those of the broker are missing",
          "leave REDIS_URL unset to use a Redis that the bench starts, or use one whose process this user may see",
          _broker_unmeasured),
)  # fmt: skip
