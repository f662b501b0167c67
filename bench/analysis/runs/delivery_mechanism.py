"""How a technique gets its messages to a subscriber: by push, long poll or poll."""

from __future__ import annotations

import enum

from bench.results import VariantFacts


class Mechanism(enum.StrEnum):
    """How messages get to a subscriber."""

    PUSH = "push"
    LONG_POLL = "long poll"
    POLL = "poll"


_MECHANISMS = {"polling": Mechanism.POLL, "long polling": Mechanism.LONG_POLL}


def mechanism_of(variant: VariantFacts) -> Mechanism:
    """The mechanism of a variant's technique."""
    return _MECHANISMS.get(variant.technique, Mechanism.PUSH)
