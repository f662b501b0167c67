"""What a scenario may need of a variant beyond the contract that binds all, and why a variant lacks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Served(Protocol):
    """A variant, as far as a need asks about it."""

    @property
    def broker(self) -> Callable[[], str | None] | None:
        """A probe that returns None, or the reason why its broker must not be stopped; no probe: it has none."""


@dataclass(frozen=True, slots=True)
class Need:
    """`words` names the variants that have it; `lacking` says why one does not ("has no broker"); empty: it does."""

    words: str
    lacking: Callable[[Served], str]


def _no_broker(variant: Served) -> str:
    return "has no broker" if variant.broker is None else variant.broker() or ""


BROKER = Need("variants with a broker process of their own", _no_broker)
