"""Delivery classes: what a variant promises of messages that are due while somebody, or something, is away.

With resume, whoever comes back misses nothing, or is told that there is a gap: what is lost and lies in no signalled
gap is a broken promise. Without, delivery is at most once: what is due while a subscriber is away is lost, and nobody
says so. Whoever was never cut off is owed every message, whatever the class.
"""

from __future__ import annotations

import enum

from bench.results import Ledger, Trial, VariantFacts

CAPABILITY = "resume"
"""What servers call it when they declare it."""


class DeliveryClass(enum.StrEnum):
    """The class of a variant. The value is what tables of numbers call it."""

    RESUME = "resume"
    NONE = "none"

    @property
    def words(self) -> str:
        """What readers call it."""
        return WORDS[self]


WORDS = {DeliveryClass.RESUME: "resume, gaps signalled", DeliveryClass.NONE: "no resume, at most once"}


def delivery_class(variant: VariantFacts) -> DeliveryClass:
    """The class that a variant declares."""
    return DeliveryClass.RESUME if CAPABILITY in variant.capabilities else DeliveryClass.NONE


def class_of(trial: Trial) -> DeliveryClass:
    """The class by the trial's own record; one without reconnects says nothing of it, which promises nothing."""
    resumes = trial.reconnects is not None and trial.reconnects.declares_resume
    return DeliveryClass.RESUME if resumes else DeliveryClass.NONE


def unsignalled(ledger: Ledger) -> int:
    """How many deliveries were lost in no gap that the server told of."""
    return ledger.lost - ledger.signalled


def severed(trial: Trial) -> bool:
    """Whether anybody whom the ledger counts was cut off, or server or broker were taken away.

    The ledger of a trial with a slow reader is that of the others, whom nothing was done to.
    """
    if trial.slow_reader is not None:
        return False
    if trial.outage is not None:
        return True
    return trial.reconnects is not None and (trial.reconnects.disconnects > 0 or "restart_after_s" in trial.parameters)


def excused(trial: Trial, delivery: DeliveryClass) -> bool:
    """Whether a variant of this class may have lost or repeated messages in the trial, and need not have said so."""
    return delivery is DeliveryClass.NONE and severed(trial)


def broken(trial: Trial, delivery: DeliveryClass) -> bool:
    """Whether a variant of this class lost messages that it owed, and did not say so."""
    return trial.ledger is not None and unsignalled(trial.ledger) > 0 and not excused(trial, delivery)
