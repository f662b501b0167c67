"""Where a metric has a meaning, by what a scenario declares."""

from __future__ import annotations

from collections.abc import Callable

from bench.scenarios import Kind, Messages, Publishes, Scenario

Applies = Callable[[Scenario], bool]


def complete(scenario: Scenario) -> bool:
    """Not where subscribers reconnect: a variant that loses messages would seem faster than one that delivers them."""
    return not scenario.reconnects


def one_way(scenario: Scenario) -> bool:
    """Where subscribers do not receive their own messages only, and all variants deliver the same ones."""
    return complete(scenario) and not scenario.audience.alone


def there_and_back(scenario: Scenario) -> bool:
    """Where a subscriber receives its own messages."""
    return scenario.audience.alone


def for_all_alike(scenario: Scenario) -> bool:
    """Not where one subscriber is counted separately: the server works for it too."""
    return scenario.apart is None


def one_apart(scenario: Scenario) -> bool:
    """Where one subscriber is counted separately."""
    return scenario.apart is not None


def of_kind(kind: type[Kind]) -> Applies:
    """Where the scenario is of this kind."""
    return lambda scenario: isinstance(scenario.kind, kind)


def fan_out(scenario: Scenario) -> bool:
    """One publisher, and nothing that goes wrong or is injected."""
    plain = isinstance(scenario.kind, Messages) and scenario.publishes is Publishes.PUBLISHER
    return plain and not (scenario.faults or scenario.injects)


def in_bursts(scenario: Scenario) -> bool:
    """Where many messages are due at once."""
    return scenario.burst is not None


def disconnecting(scenario: Scenario) -> bool:
    """Where every connection ends in the measured part."""
    return scenario.cuts is not None or scenario.replaces_server


def replacing(scenario: Scenario) -> bool:
    """Where the server is replaced in the measured part."""
    return scenario.replaces_server


def taking_away(scenario: Scenario) -> bool:
    """Where the broker is taken away for a while."""
    return scenario.takes_away


def faulty(scenario: Scenario) -> bool:
    """Where faults are injected."""
    return scenario.faults is not None
