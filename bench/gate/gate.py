"""The gate: checks every variant before it is measured. The run records it as measured, skipped or failed."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

import servers
from bench import scenarios
from bench.gate import conformance
from bench.gate.server_under_test import ServerUnderTest, times_longer
from bench.planning.plan import FLOOR
from bench.results import BrokerFacts, VariantFacts
from servers import Variant

Say = Callable[[str], None]
Status = Literal["measured", "skipped", "failed"]


@dataclass(slots=True)
class Served:
    """What a server reported of itself before its checks."""

    options: dict[str, str] = field(default_factory=dict)
    broker: BrokerFacts | None = None

    def started(self, server: ServerUnderTest) -> None:
        """Keep what this server reports."""
        self.broker = server.process.used_broker
        try:
            self.options = {str(name): str(value) for name, value in server.health()["options"].items()}
        except Exception:  # what /health answers instead is the business of a check
            return


def gate(
    variants: Mapping[str, Variant], say: Say, idle: Mapping[str, str] = MappingProxyType({}), subscribers: int = 0
) -> list[VariantFacts]:
    """The facts of every variant: whether it can run here with this number of subscribers, and whether it passes the
    checks. Those in `idle` are skipped, for the reason there."""
    facts = []
    for name, variant in variants.items():
        served = Served()
        status, reason = _status(name, variant, idle.get(name, ""), subscribers, served)
        say(f"gate  {name:<24} {status if reason else 'conforms'}{': ' + reason if reason else ''}")
        if served.broker:
            times = times_longer(served.broker)
            longer = f"; deadlines are {times:.1f} times as long" if times > 1 else ""
            say(f"gate  {'':<24} its broker: {served.broker.identity}{longer}")
        facts.append(_facts(name, variant, status, reason, served))
    return facts


def _status(name: str, variant: Variant, idle: str, subscribers: int, served: Served) -> tuple[Status, str]:
    """What becomes of a variant, and why; without a reason for one that is measured."""
    if reason := servers.unavailable(variant, subscribers) or idle:
        return "skipped", reason
    failed = [verdict for verdict in conformance.verify(name, variant, served.started) if verdict.refutation]
    if failed:
        return "failed", f"check {failed[0].check.name!r}: {failed[0].refutation}"
    return "measured", ""


def instruments(but: Container[str] = ()) -> list[VariantFacts]:
    """The facts of the hidden variants that measure the harness, except those in `but`. They pass no gate."""
    hidden = (FLOOR, scenarios.instrument().variant)
    return [_facts(name, servers.load(name), "measured", "", Served()) for name in hidden if name not in but]


def _facts(name: str, variant: Variant, status: Status, reason: str, served: Served) -> VariantFacts:
    return VariantFacts(
        name=name,
        label=variant.label,
        description=f"{servers.description(name)} {variant.limits_in_words}".rstrip(),
        technique=variant.technique.value,
        product=variant.product,
        capabilities=sorted(capability.value for capability in variant.capabilities),
        options={**variant.options, **served.options},
        versions=servers.versions(variant),
        status=status,
        reason=reason,
        hidden=variant.hidden,
        origin=servers.origin(name),
        broker=served.broker,
    )
