"""What can be wrong with a trial: a closed list, each entry with its threshold, its reason and what to do about it.

`judge` looks at a trial's own raw facts and nothing else, so a stored trial can be judged again. A disqualifying
finding strikes the trial out of every comparison; the others are shown beside the numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.calibration import misread, plant_of
from bench.analysis.distributions import quantile
from bench.results import Distribution, Finding, Ledger, Trial
from bench.units import duration

LATE_NS = 5_000_000
LATE_SHARE = 0.2
FAR_TOO_LATE_NS = 50_000_000
FAR_TOO_LATE_SHARE = 0.5
LOAD_SATURATED = 0.85
SERVER_SATURATED = 0.90
FEW_DELIVERIES = 500


@dataclass(frozen=True, slots=True)
class Check:
    """One way in which a trial can be doubted. `observe` returns what was seen, or None when nothing was."""

    name: str
    disqualifying: bool
    threshold: str
    reason: str
    remedy: str
    observe: Callable[[Trial], str | None]


def judge(trial: Trial) -> list[Finding]:
    """All findings about a trial, in the order of the list."""
    seen = [(check, check.observe(trial)) for check in CHECKS]
    return [
        Finding(name=check.name, disqualifying=check.disqualifying, observation=observation, remedy=check.remedy)
        for check, observation in seen
        if observation is not None
    ]


def _ledger(count: Callable[[Ledger], int], what: str) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        ledger = trial.ledger
        if ledger is None or count(ledger) <= 0 or plant_of(trial) is not None:  # planted ones are checked below
            return None
        return f"{count(ledger):,} {what} of {ledger.expected:,} expected deliveries"

    return observe


def _errors(trial: Trial) -> str | None:
    if trial.ledger is None or not any(trial.ledger.errors.values()):
        return None
    often = sorted(trial.ledger.errors.items(), key=lambda error: (-error[1], error[0]))
    shown = ", ".join(f"{count:,} x {name}" for name, count in often[:3])
    return f"{sum(trial.ledger.errors.values()):,} errors: {shown}" + (", ..." if len(often) > 3 else "")


def _nothing_expected(trial: Trial) -> str | None:
    if trial.ledger is None or trial.ledger.expected > 0:
        return None
    return "not a single delivery was expected in the measured part"


def _few(trial: Trial) -> str | None:
    if trial.latency is None or not 0 < trial.latency.count < FEW_DELIVERIES:
        return None
    return f"{trial.latency.count:,} deliveries"


def _negative(trial: Trial) -> str | None:
    named = {"latency": trial.latency, "completion": trial.completion, "connect": trial.connect}
    below = {name: found.negative for name, found in named.items() if found is not None and found.negative}
    return ", ".join(f"{count:,} {name} values below zero" for name, count in below.items()) or None


def _connected(trial: Trial) -> str | None:
    """Counted by the confirmed connects; where a protocol confirms nothing, the barrier before the trial has to do."""
    steps = trial.parameters.get("steps")
    wanted = max(steps, default=0) if isinstance(steps, list) else trial.parameters.get("subscribers")
    if not isinstance(wanted, int) or trial.connect is None or trial.connect.count == 0:
        return None
    stood = trial.connect.count + trial.connect.negative
    return f"{stood:,} of {wanted:,} subscribers connected" if stood < wanted else None


def _slip(trial: Trial) -> tuple[float, float, float | None] | None:
    """Median and p99 of the publisher's slip, and the median latency beside which they count."""
    if trial.slip is None or trial.slip.count == 0:
        return None
    return _at(trial.slip, 0.5), _at(trial.slip, 0.99), quantile(trial.latency, 0.5) if trial.latency else None


def _at(distribution: Distribution, q: float) -> float:
    return float(quantile(distribution, q) or 0)


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


def _load_saturated(trial: Trial) -> str | None:
    if trial.usage is None or trial.usage.window_ns <= 0:
        return None
    share = max(load.cpu_ns for load in trial.usage.load) / trial.usage.window_ns
    return f"the load generator used {share:.0%} of its core" if share > LOAD_SATURATED else None


def _server_saturated(trial: Trial) -> str | None:
    if trial.usage is None or trial.usage.window_ns <= 0:
        return None
    share = trial.usage.server.cpu_ns / trial.usage.window_ns
    return f"the server used {share:.0%} of a core" if share > SERVER_SATURATED else None


VERIFY = "run `python -m bench verify` for this variant; if it passes, lower rate_hz or subscribers until this is gone"
LESS_LOAD = "lower rate_hz or subscribers, or give the load side more cores"
QUIET = "stop other work on this machine, or give the load side a core of its own"

CHECKS = (
    Check("lost messages", True, "more than 0", "a server that delivers less is not cheaper, it does less", VERIFY,
          _ledger(lambda ledger: ledger.lost, "lost")),
    Check("duplicated messages", True, "more than 0", "exactly once is part of the contract", VERIFY,
          _ledger(lambda ledger: ledger.duplicated, "duplicated")),
    Check("reordered messages", True, "more than 0", "publish order is part of the contract", VERIFY,
          _ledger(lambda ledger: ledger.reordered, "reordered")),
    Check("calibration missed", True, "any count other than planted", "an instrument that miscounts known faults is"
          " broken", "run `python -m bench calibrate`; if it stays, doubt every ledger of this run", misread),
    Check("corrupted messages", True, "more than 0", "byte for byte is part of the contract", VERIFY,
          _ledger(lambda ledger: ledger.corrupted, "corrupted beside the total")),
    Check("errors", True, "more than 0", "a failed connection or request is work that was not done", VERIFY, _errors),
    Check("nothing expected", True, "0 deliveries expected", "there is nothing to measure",
          "raise rate_hz or measure_s until messages fall into the measured part", _nothing_expected),
    Check("few deliveries", False, f"fewer than {FEW_DELIVERIES}",
          f"99 % of the latencies is then told by the slowest {FEW_DELIVERIES // 100} or fewer",
          "raise measure_s, rate_hz or subscribers, and read the maximum in place of 99 %", _few),
    Check("negative latency", True, "more than 0", "nothing arrives before it was due: a clock is wrong",
          "check that server, publisher and load run on one host with one monotonic clock", _negative),
    Check("not all connected", True, "fewer than planned", "fewer subscribers are an easier task",
          "look at the errors of the connect phase; check the limit on open files", _connected),
    Check("publisher late", False,
          f"p99 of the slip above {duration(LATE_NS)} or {LATE_SHARE:g} of the median latency",
          "slip is part of every latency measured here", QUIET, _late),
    Check("publisher far too late", True,
          f"p99 of the slip above {duration(FAR_TOO_LATE_NS)}, or its median above {FAR_TOO_LATE_SHARE:g} of the"
          " median latency",
          "the latencies are those of the publisher more than those of the server", QUIET, _far_too_late),
    Check("generator saturated", True, f"load CPU above {LOAD_SATURATED:.0%} of its core",
          "a busy receiver reads late and calls it latency", LESS_LOAD, _load_saturated),
    Check("server saturated", False, f"server CPU above {SERVER_SATURATED:.0%} of a core",
          "latency is then mostly queueing: a result, but one about this rate alone",
          "read it as the rate this variant cannot sustain; lower rate_hz to compare latencies", _server_saturated),
)  # fmt: skip
