"""Every variant looks the same everywhere, and no two look alike."""

from __future__ import annotations

import itertools

from bench.report.palette import HUES, Look, family_order, looks, mix
from tests._synthetic import synthetic
from tests._trials import variant


def distance(one: str, other: str) -> float:
    """How far apart two colours are, in the plain sense of red, green and blue."""
    parts = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5)]
    return float(sum((a - b) ** 2 for a, b in parts)) ** 0.5


def appearance(look: Look) -> tuple[str, str, tuple[float, ...]]:
    return look.colour, look.hatch, look.dash


def test_no_two_variants_of_a_run_look_alike() -> None:
    run, _ = synthetic()
    found = looks(run.variants)
    assert len({appearance(look) for look in found.values()}) == len(run.variants)
    for one, other in itertools.combinations(found.values(), 2):
        assert distance(one.colour, other.colour) > 25 or one.hatch != other.hatch


def test_a_technique_on_neutral_ground_has_its_hue_whatever_it_is_called() -> None:
    found = looks([variant("anything", technique) for technique in HUES] + [variant("x", "SSE", "Product")])
    assert looks([variant("other", "SSE")])["other"].colour == HUES["SSE"]
    assert found["x"].hatch


def test_a_technique_keeps_its_look_when_products_come_and_go() -> None:
    alone = looks([variant("sse", "SSE")])
    crowded = looks([variant("sse", "SSE"), variant("a", "SSE", "A"), variant("b", "WebSocket", "B")])
    assert appearance(alone["sse"]) == appearance(crowded["sse"])


def test_many_unknown_variants_still_differ_from_each_other() -> None:
    strangers = [variant(f"v{n}", "carrier pigeon", "P" * (n % 2)) for n in range(6)]
    found = looks(strangers)
    assert len({appearance(look) for look in found.values()}) == 6


def test_products_come_after_techniques() -> None:
    run, _ = synthetic()
    ordered = [bool(facts.product) for facts in family_order(run.variants)]
    assert ordered == sorted(ordered)


def test_a_mixture_lies_between_its_colours() -> None:
    assert mix("#000000", "#ffffff", 0.5) == "#808080"
    assert mix("#123456", "#ffffff", 0.0) == "#123456"
