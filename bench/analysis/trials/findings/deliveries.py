"""What was delivered: the ledger, the number of messages, and whether all subscribers were connected."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.calibration import misread
from bench.analysis.trials.calibration_floor import injection_of
from bench.analysis.trials.delivery_class import class_of, excused, unsignalled
from bench.analysis.trials.findings._check import Cause, Check
from bench.analysis.trials.recount import agree
from bench.results import Ledger, Trial
from bench.scenarios import SUBSCRIBERS, of_record

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
    """The same without expected faults: those that calibration injects (another check compares their number), and
    losses or repeats that the delivery class of the variant allows after a disconnect."""
    observe = _ledger(count, what)

    def unforeseen(trial: Trial) -> str | None:
        foreseen = injection_of(trial) is not None or excused(trial, class_of(trial))
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


def _corrupted_at_slow_reader(trial: Trial) -> str | None:
    """Messages that the slow reader received in another form than they were sent. Its losses are intended."""
    slow = trial.slow_reader
    return None if slow is None or not slow.corrupted else f"{slow.corrupted:,} corrupted at the slow reader"


def _lost_without_slow_reader(trial: Trial) -> str | None:
    """In the trials of the control, the separately counted subscriber reads like the others."""
    slow, control = trial.slow_reader, of_record(trial.planned.scenario).is_control(trial.parameters)
    if slow is None or not control or slow.lost <= slow.signalled:
        return None
    return f"{slow.lost - slow.signalled:,} lost at the separately counted subscriber, which read like the others"


def _errors(trial: Trial) -> str | None:
    if trial.ledger is None or not any(trial.ledger.errors.values()):
        return None
    most_frequent = sorted(trial.ledger.errors.items(), key=lambda error: (-error[1], error[0]))
    shown = ", ".join(f"{count:,} x {name}" for name, count in most_frequent[:3])
    return f"{sum(trial.ledger.errors.values()):,} errors: {shown}" + (", ..." if len(most_frequent) > 3 else "")


def _nothing_expected(trial: Trial) -> str | None:
    if trial.ledger is None or trial.ledger.expected > 0:
        return None
    return "no delivery was expected in the measured part"


def _few(trial: Trial) -> str | None:
    """A message to many subscribers counts once: its deliveries are late together."""
    if trial.latency is None or trial.latency.count == 0:
        return None
    if trial.completion is None:
        few = trial.latency.count < FEW_DELIVERIES
        return f"the p99 latency comes from {trial.latency.count:,} deliveries" if few else None
    messages = trial.ledger.expected // _receivers(trial) if trial.ledger else trial.completion.count
    if not 0 < messages < FEW_MESSAGES:
        return None
    return f"the p99 of {trial.latency.count:,} latencies comes from {messages:,} messages"


def _receivers(trial: Trial) -> int:
    """The number of measured subscribers that receive each message; 1 where the parameters do not have it."""
    if SUBSCRIBERS.name not in trial.parameters:
        return 1
    return max(1, of_record(trial.planned.scenario).receivers(trial.parameters))


def _negative(trial: Trial) -> str | None:
    named = {"latency": trial.latency, "completion": trial.completion, "connect": trial.connect}
    below = {name: values.negative for name, values in named.items() if values is not None and values.negative}
    return ", ".join(f"{count:,} {name} values below zero" for name, count in below.items()) or None


def _connected(trial: Trial) -> str | None:
    """By confirmed connects. Where a protocol confirms none, the barrier before the trial is the only check."""
    planned = max((step.subscribers for step in trial.idle), default=trial.parameters.get(SUBSCRIBERS.name))
    if not isinstance(planned, int) or trial.connect is None or trial.connect.count == 0:
        return None
    connected = trial.connect.count + trial.connect.negative
    return f"{connected:,} of {planned:,} subscribers connected" if connected < planned else None


VERIFY = "run `python -m bench verify` for this variant; if it passes, lower rate_hz or subscribers and run again"

ORDER, CAUSE = 20, Cause.SERVER

CHECKS = (
    Check("lost messages", True, "more than 0", "a server that delivers less does less work", VERIFY,
          _unforeseen(unsignalled, "lost")),
    Check("duplicated messages", True, "more than 0", "exactly once is part of the contract", VERIFY,
          _unforeseen(lambda ledger: ledger.duplicated, "duplicated")),
    Check("reordered messages", True, "more than 0", "publish order is part of the contract", VERIFY,
          _unforeseen(lambda ledger: ledger.reordered, "reordered")),
    Check("calibration missed", True, "any count other than injected", "an instrument that miscounts known faults is"
          " broken", "run `python -m bench calibrate`; if missed again, no ledger of this run is reliable", misread),
    Check("corrupted messages", True, "more than 0", "byte for byte is part of the contract", VERIFY,
          _ledger(lambda ledger: ledger.corrupted, "corrupted, in addition to the total")),
    Check("corrupted at the slow reader", True, "more than 0", "a slow reader may fall behind, but what it"
          " receives must be intact", VERIFY, _corrupted_at_slow_reader),
    Check("lost without a slow reader", True, "more than 0", "the control must not lose messages",
          VERIFY, _lost_without_slow_reader),
    Check("ledger and recount disagree", True, "any count", "both count the same arrivals, independently",
          "report a fault of the bench, with the record of the trial", _disagreement),
    Check("not all caught up", False, "fewer than were cut off",
          "a subscriber that has not caught up has no catch-up time",
          "raise measure_s, or check the errors", _not_caught_up),
    Check("errors", True, "more than 0", "a failed connection or request is work that the server did not do", VERIFY,
          _errors),
    Check("nothing expected", True, "0 deliveries expected", "there is nothing to measure",
          "raise rate_hz or measure_s until the measured part contains messages", _nothing_expected),
    Check("few messages", False,
          f"fewer than {FEW_MESSAGES} messages to many, or {FEW_DELIVERIES} to one subscriber each",
          "the deliveries of one message are late together, so a single slow message can be the p99",
          "raise measure_s or rate_hz, or compare medians only", _few),
    Check("negative latency", True, "more than 0", "no message arrives before its publish time: a clock is wrong",
          "check that server, publisher and load run on one host with one monotonic clock", _negative),
    Check("not all connected", True, "fewer than planned", "fewer subscribers are less work",
          "check the errors of the connect phase and the limit on open files", _connected),
)  # fmt: skip
