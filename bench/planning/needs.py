"""What a scenario may need of a variant beyond the contract that binds all, and why a variant lacks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.scenarios import Scenario
from servers._variant import Variant


@dataclass(frozen=True, slots=True)
class Need:
    """`words` says who has it; `lacking` why a variant does not ("has no broker"), or nothing."""

    words: str
    lacking: Callable[[Variant], str]


def _no_broker(variant: Variant) -> str:
    return "has no broker" if variant.broker is None else variant.broker() or ""


NEEDS: Mapping[str, Need] = {"broker": Need("variants with a broker process of their own", _no_broker)}
"""By the name under which a scenario declares it."""


def lacking(scenario: Scenario, variant: Variant) -> str:
    """Why a variant has no part in a scenario; empty where it has."""
    return NEEDS[scenario.needs].lacking(variant) if scenario.needs else ""
