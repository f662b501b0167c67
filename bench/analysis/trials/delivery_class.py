"""Delivery classes: what a variant promises about messages that are due while a subscriber or the server is away.

With resume, a subscriber that reconnects misses no message without a signal: a message lost outside of every signalled
gap is a broken promise. Without resume, delivery is at most once: messages that are due while a subscriber is away are
lost, without a signal. A subscriber that was never cut off must receive every message, whatever the class.
"""

from __future__ import annotations

import enum

from bench.results import Ledger, Trial, VariantFacts

CAPABILITY = "resume"  # as servers declare it


class DeliveryClass(enum.StrEnum):
    """The class of a variant. The value is its name in tables of numbers."""

    RESUME = "resume"
    NONE = "none"

    @property
    def words(self) -> str:
        """Its name in text."""
        return WORDS[self]


WORDS = {DeliveryClass.RESUME: "resume, gaps signalled", DeliveryClass.NONE: "no resume, at most once"}


def delivery_class(variant: VariantFacts) -> DeliveryClass:
    """The class that a variant declares."""
    return DeliveryClass.RESUME if CAPABILITY in variant.capabilities else DeliveryClass.NONE


def class_of(trial: Trial) -> DeliveryClass:
    """The class according to the trial's own record; NONE for a record without reconnects."""
    resumes = trial.reconnects is not None and trial.reconnects.declares_resume
    return DeliveryClass.RESUME if resumes else DeliveryClass.NONE


def unsignalled(ledger: Ledger) -> int:
    """The number of deliveries lost outside of every signalled gap."""
    return ledger.lost - ledger.signalled


def severed(trial: Trial) -> bool:
    """Whether a subscriber in the ledger was cut off, or the server or the broker was away.

    The ledger of a trial with a slow reader has only the other subscribers, which were not disturbed.
    """
    if trial.slow_reader is not None:
        return False
    if trial.outage is not None:
        return True
    return trial.reconnects is not None and (trial.reconnects.disconnects > 0 or trial.restart is not None)


def excused(trial: Trial, delivery: DeliveryClass) -> bool:
    """Whether a variant of this class may lose or repeat messages in the trial without a signal."""
    return delivery is DeliveryClass.NONE and severed(trial)


def broken(trial: Trial, delivery: DeliveryClass) -> bool:
    """Whether a variant of this class lost messages without a signal and was not excused."""
    return trial.ledger is not None and unsignalled(trial.ledger) > 0 and not excused(trial, delivery)
