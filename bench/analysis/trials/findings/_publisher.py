"""Whether messages left when they were due. Latency counts from then, so what slips is part of every latency."""

from __future__ import annotations

from bench.analysis.trials.findings._check import Check, at
from bench.results import Trial
from bench.units import duration

LATE_NS = 5_000_000
LATE_SHARE = 0.2
FAR_TOO_LATE_NS = 50_000_000
FAR_TOO_LATE_SHARE = 0.5


def _slip(trial: Trial) -> tuple[float, float, float | None] | None:
    """Median and p99 of the publisher's slip, and the median latency beside which they count."""
    p50, p99 = at(trial.slip, 0.5), at(trial.slip, 0.99)
    return None if p50 is None or p99 is None else (p50, p99, at(trial.latency, 0.5))


def _late(trial: Trial) -> str | None:
    slip = _slip(trial)
    if slip is None:
        return None
    _, p99, latency = slip
    if p99 > LATE_NS or (latency is not None and p99 > LATE_SHARE * latency):
        return f"1 % of messages were published {duration(p99)} late or later" + _beside(latency)
    return None


def _far_too_late(trial: Trial) -> str | None:
    slip = _slip(trial)
    if slip is None:
        return None
    p50, p99, latency = slip
    if p99 > FAR_TOO_LATE_NS or (latency is not None and p50 > FAR_TOO_LATE_SHARE * latency):
        return f"half of the messages were {duration(p50)} late or later, 1 % {duration(p99)}" + _beside(latency)
    return None


def _beside(latency: float | None) -> str:
    return "" if latency is None else f", beside a median latency of {duration(latency)}"


QUIET = "stop other work on this machine, or give the load side a core of its own"

CHECKS = (
    Check("publisher late", False,
          f"99 % of the slip above {duration(LATE_NS)} or {LATE_SHARE:g} of the median latency",
          "slip is part of every latency measured here", QUIET, _late),
    Check("publisher far too late", True,
          f"99 % of the slip above {duration(FAR_TOO_LATE_NS)}, or its median above {FAR_TOO_LATE_SHARE:g} of the"
          " median latency",
          "the latencies are those of the publisher more than those of the server", QUIET, _far_too_late),
)  # fmt: skip
