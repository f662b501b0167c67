"""What was delivered: the ledger, how much there was to measure, and whether everybody was there to receive it."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.calibration import misread
from bench.analysis.trials.calibration_floor import plant_of
from bench.analysis.trials.delivery_class import class_of, excused, unsignalled
from bench.analysis.trials.findings._check import Check
from bench.analysis.trials.recount import agree
from bench.results import Ledger, Trial

FEW_MESSAGES = 50
FEW_DELIVERIES = 500


def _ledger(count: Callable[[Ledger], int], what: str) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        ledger = trial.ledger
        if ledger is None or count(ledger) <= 0:
            return None
        return f"{count(ledger):,} {what} of {ledger.expected:,} expected deliveries"

    return observe


def _unforeseen(count: Callable[[Ledger], int], what: str) -> Callable[[Trial], str | None]:
    """The same, but for what is foreseen: faults that calibration plants (how many there must be is checked apart), and
    what the delivery class of the variant allows it to lose or repeat where somebody or something was away."""
    observe = _ledger(count, what)

    def unforeseen(trial: Trial) -> str | None:
        foreseen = plant_of(trial) is not None or excused(trial, class_of(trial))
        return None if foreseen else observe(trial)

    return unforeseen


def _disagreement(trial: Trial) -> str | None:
    if trial.ledger is None or trial.recount is None or agree(trial.ledger, trial.recount):
        return None
    ledger, recount = trial.ledger, trial.recount
    pairs = [(name, getattr(ledger, name), getattr(recount, name)) for name in recount.__struct_fields__]
    return ", ".join(
        f"{name}: ledger {first:,}, recount {second:,}" for name, first, second in pairs if first != second
    )


def _not_caught_up(trial: Trial) -> str | None:
    reconnects = trial.reconnects
    if reconnects is None or reconnects.caught_up == reconnects.disconnects:
        return None
    return f"{reconnects.caught_up:,} of {reconnects.disconnects:,} disconnected subscribers had caught up at the end"


def _torn(trial: Trial) -> str | None:
    """Not what the slow reader lost, which it was made to lose: what it got, but not as it was sent."""
    slow = trial.slow_reader
    return None if slow is None or not slow.corrupted else f"{slow.corrupted:,} torn or altered at the slow reader"


def _lost_by_nobody(trial: Trial) -> str | None:
    """Where nobody reads slowly the subscriber that is counted apart is one like the others."""
    slow = trial.slow_reader
    if slow is None or trial.parameters.get("slow") != "none" or slow.lost <= slow.signalled:
        return None
    return f"{slow.lost - slow.signalled:,} lost at the subscriber counted apart, though it read like the others"


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
    """Where a message goes to many it counts once: its deliveries meet the same moment and are late together."""
    if trial.latency is None or trial.latency.count == 0:
        return None
    if trial.completion is None:
        few = trial.latency.count < FEW_DELIVERIES
        return f"99 % of the latencies rests on {trial.latency.count:,} deliveries" if few else None
    messages = trial.ledger.expected // _receivers(trial) if trial.ledger else trial.completion.count
    if not 0 < messages < FEW_MESSAGES:
        return None
    return f"99 % of the {trial.latency.count:,} latencies rests on {messages:,} messages"


def _receivers(trial: Trial) -> int:
    """How many of those that are measured every message of a trial goes to; 1 where its parameters do not say."""
    everyone = trial.parameters.get("room", trial.parameters.get("subscribers", 1))
    return max(1, (everyone if isinstance(everyone, int) else 1) - (trial.slow_reader is not None))


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


VERIFY = "run `python -m bench verify` for this variant; if it passes, lower rate_hz or subscribers until this is gone"

CHECKS = (
    Check("lost messages", True, "more than 0", "a server that delivers less is not cheaper, it does less", VERIFY,
          _unforeseen(unsignalled, "lost")),
    Check("duplicated messages", True, "more than 0", "exactly once is part of the contract", VERIFY,
          _unforeseen(lambda ledger: ledger.duplicated, "duplicated")),
    Check("reordered messages", True, "more than 0", "publish order is part of the contract", VERIFY,
          _unforeseen(lambda ledger: ledger.reordered, "reordered")),
    Check("calibration missed", True, "any count other than planted", "an instrument that miscounts known faults is"
          " broken", "run `python -m bench calibrate`; if it stays, doubt every ledger of this run", misread),
    Check("corrupted messages", True, "more than 0", "byte for byte is part of the contract", VERIFY,
          _ledger(lambda ledger: ledger.corrupted, "corrupted beside the total")),
    Check("corrupted at the slow reader", True, "more than 0", "a slow reader may fall behind, but what it"
          " receives must be intact", VERIFY, _torn),
    Check("lost without a slow reader", True, "more than 0", "trials to compare with must have nothing to excuse",
          VERIFY, _lost_by_nobody),
    Check("ledger and recount disagree", True, "any count", "both count the same arrivals, independently",
          "report a fault of the bench, with the record of the trial", _disagreement),
    Check("not all caught up", False, "fewer than were cut off",
          "a subscriber that has not caught up has no catch-up time",
          "raise measure_s, or look at the errors", _not_caught_up),
    Check("errors", True, "more than 0", "a failed connection or request is work that was not done", VERIFY, _errors),
    Check("nothing expected", True, "0 deliveries expected", "there is nothing to measure",
          "raise rate_hz or measure_s until messages fall into the measured part", _nothing_expected),
    Check("few messages", False,
          f"fewer than {FEW_MESSAGES} messages to many, or {FEW_DELIVERIES} to one subscriber each",
          "the deliveries of one message are late together, so that a single slow message makes the 99 %",
          "raise measure_s or rate_hz, or compare medians only", _few),
    Check("negative latency", True, "more than 0", "nothing arrives before it was due: a clock is wrong",
          "check that server, publisher and load run on one host with one monotonic clock", _negative),
    Check("not all connected", True, "fewer than planned", "fewer subscribers are an easier task",
          "look at the errors of the connect phase; check the limit on open files", _connected),
)  # fmt: skip
