"""The gate: checks every variant before it is measured. The run records it as measured, skipped or failed."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Literal

import servers
from bench import scenarios
from bench.gate import conformance
from bench.planning.plan import FLOOR
from bench.results import VariantFacts
from servers import Variant

Say = Callable[[str], None]
Status = Literal["measured", "skipped", "failed"]


def gate(
    variants: Mapping[str, Variant], say: Say, idle: Mapping[str, str] = MappingProxyType({})
) -> list[VariantFacts]:
    """The facts of every variant: whether it can run here, and whether it passes the checks. Those in `idle` are
    skipped, for the reason there."""
    facts = []
    for name, variant in variants.items():
        status, reason = _status(name, variant, idle.get(name, ""))
        say(f"gate  {name:<24} {status if reason else 'conforms'}{': ' + reason if reason else ''}")
        facts.append(_facts(name, variant, status, reason))
    return facts


def _status(name: str, variant: Variant, idle: str) -> tuple[Status, str]:
    """What becomes of a variant, and why; without a reason for one that is measured."""
    if reason := servers.unavailable(variant) or idle:
        return "skipped", reason
    failed = [verdict for verdict in conformance.verify(name, variant) if verdict.refutation]
    if failed:
        return "failed", f"check {failed[0].check.name!r}: {failed[0].refutation}"
    return "measured", ""


def instruments(but: Container[str] = ()) -> list[VariantFacts]:
    """The facts of the hidden variants that measure the harness, except those in `but`. They pass no gate."""
    hidden = (FLOOR, scenarios.instrument().variant)
    return [_facts(name, servers.load(name), "measured", "") for name in hidden if name not in but]


def _facts(name: str, variant: Variant, status: Status, reason: str) -> VariantFacts:
    return VariantFacts(
        name=name,
        label=variant.label,
        description=f"{servers.description(name)} {variant.limits_in_words}".rstrip(),
        technique=variant.technique.value,
        product=variant.product,
        capabilities=sorted(capability.value for capability in variant.capabilities),
        options=dict(variant.options),
        versions=servers.versions(variant),
        status=status,
        reason=reason,
        hidden=variant.hidden,
        origin=servers.origin(name),
    )
