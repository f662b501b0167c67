"""How a technique comes by its messages: pushed, waited for or polled."""

from __future__ import annotations

import enum

from bench.results import VariantFacts


class Way(enum.StrEnum):
    """How a technique comes by its messages."""

    PUSHES = "pushes"
    WAITS = "waits"
    POLLS = "polls"


_WAYS = {"polling": Way.POLLS, "long polling": Way.WAITS}


def way_of(variant: VariantFacts) -> Way:
    """How the technique of a variant comes by its messages."""
    return _WAYS.get(variant.technique, Way.PUSHES)
