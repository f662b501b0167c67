"""The gate: every variant is examined before it is measured, and stands in the run as measured, skipped or failed."""

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


def gate(
    variants: Mapping[str, Variant], say: Say, idle: Mapping[str, str] = MappingProxyType({})
) -> list[VariantFacts]:
    """Examine every variant before it is measured: what can run here, and what conforms. Those in `idle` are not to be
    measured, for the reason there."""
    facts = []
    for name, variant in variants.items():
        status: Literal["measured", "skipped", "failed"] = "measured"
        reason = servers.unavailable(variant) or idle.get(name, "")
        if reason:
            status = "skipped"
        else:
            verdicts = list(conformance.verify(name, variant))
            refuted = [verdict for verdict in verdicts if verdict.refutation]
            if refuted:
                status, reason = "failed", f"check {refuted[0].check.name!r}: {refuted[0].refutation}"
        say(f"gate  {name:<24} {status if reason else 'conforms'}{': ' + reason if reason else ''}")
        facts.append(_facts(name, variant, status, reason))
    return facts


def instruments(but: Container[str] = ()) -> list[VariantFacts]:
    """The hidden variants that a run measures itself with, without a gate; those in `but` are there already."""
    hidden = (FLOOR, scenarios.instrument().variant)
    return [_facts(name, servers.load(name), "measured", "") for name in hidden if name not in but]


def _facts(name: str, variant: Variant, status: Literal["measured", "skipped", "failed"], reason: str) -> VariantFacts:
    return VariantFacts(
        name=name,
        label=variant.label,
        description=servers.description(name),
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
