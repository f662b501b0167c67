"""Whether messages were published on time. Latency counts from the intended time, so slip is a part of it."""

from __future__ import annotations

from bench.analysis.trials.findings._check import Cause, Check, at
from bench.results import Trial
from bench.units import duration

LATE_NS = 5_000_000
LATE_SHARE = 0.2
FAR_TOO_LATE_NS = 50_000_000
FAR_TOO_LATE_SHARE = 0.5


def _slip(trial: Trial) -> tuple[float, float, float | None] | None:
    """p50 and p99 of the publisher's slip, and the median latency to which they are compared."""
    p50, p99 = at(trial.slip, 0.5), at(trial.slip, 0.99)
    return None if p50 is None or p99 is None else (p50, p99, at(trial.latency, 0.5))


def _late(trial: Trial) -> str | None:
    slip = _slip(trial)
    if slip is None:
        return None
    _, p99, latency = slip
    if p99 > LATE_NS or (latency is not None and p99 > LATE_SHARE * latency):
        return f"p99 slip {duration(p99)}" + _beside(latency)
    return None


def _far_too_late(trial: Trial) -> str | None:
    slip = _slip(trial)
    if slip is None:
        return None
    p50, p99, latency = slip
    if p99 > FAR_TOO_LATE_NS or (latency is not None and p50 > FAR_TOO_LATE_SHARE * latency):
        return f"p50 slip {duration(p50)}, p99 slip {duration(p99)}" + _beside(latency)
    return None


def _beside(latency: float | None) -> str:
    return "" if latency is None else f", beside a median latency of {duration(latency)}"


QUIET = "stop other work on this machine, or give the load side a core of its own"

ORDER, CAUSE = 30, Cause.PUBLISHER

CHECKS = (
    Check("publisher late", False,
          f"p99 slip above {duration(LATE_NS)} or {LATE_SHARE:g} of the median latency",
          "slip is a part of every latency", QUIET, _late),
    Check("publisher far too late", True,
          f"p99 slip above {duration(FAR_TOO_LATE_NS)}, or p50 slip above {FAR_TOO_LATE_SHARE:g} of the median latency",
          "the publisher causes more of the latency than the server", QUIET, _far_too_late),
)  # fmt: skip
