"""Whether one core was enough for the server."""

from __future__ import annotations

from bench.analysis.trials.findings._check import Check, cpu_ns, measured_usage
from bench.results import Trial

SATURATED = 0.90


def _saturated(trial: Trial) -> str | None:
    """A broker of our own runs on the server's core, where each of them waits for the other."""
    usage = measured_usage(trial)
    if usage is None:
        return None
    share = cpu_ns(usage.server, usage.broker) / usage.window_ns
    who = "the server and its broker" if usage.broker else "the server"
    return f"{who} used {share:.0%} of a core" if share > SATURATED else None


CHECKS = (
    Check("server saturated", False, f"CPU of the server and its broker above {SATURATED:.0%} of a core",
          "latency is then mostly queueing: a result, but one about this rate alone",
          "read it as the rate this variant cannot sustain; lower rate_hz to compare latencies", _saturated),
)  # fmt: skip
