"""The look of every variant in all figures: a hue by technique, a shade and a hatch by its place within the family.

The hues are those of M. Okabe and K. Ito ("Color universal design", 2008), which readers with any of the common colour
vision deficiencies can distinguish; two are darkened for contrast on white. Products are lighter, hatched and dashed,
so that they differ from their technique without colour too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.results import VariantFacts

INK = "#1f2328"
MUTED = "#5f6771"
GRID = "#e2e5e9"
PAPER = "#ffffff"
NEUTRAL = "#b6bcc4"
# Colours that the page replaces by its own, so that a figure follows light and dark.
THEME = {INK: "--ink", MUTED: "--muted", GRID: "--grid", PAPER: "--paper", NEUTRAL: "--neutral"}

HUES = {
    "polling": "#d55e00",
    "long polling": "#d08a00",
    "SSE": "#009e73",
    "WebSocket": "#0072b2",
    "HTTP stream": "#b65f94",
}
SPARE_HUES = ("#3f9fd4", "#7a6a4f", "#7b68c8", "#6b7280")
ORDER = tuple(HUES)

_DARKEN = (0.0, 0.35, 0.55)
_LIGHTEN = (0.4, 0.58, 0.7)
_HATCHES = ("////", "\\\\\\\\", "....", "xxxx")
_DASHES: tuple[tuple[float, ...], ...] = ((4, 1.6), (1.2, 1.4), (6, 1.5, 1.2, 1.5), (2.5, 1))


@dataclass(frozen=True, slots=True)
class Look:
    """The style of a variant. `css` names its colour in the page; `dash` is empty for a solid line."""

    colour: str
    dark: str
    css: str
    hatch: str
    dash: tuple[float, ...]


# The harness is not a variant, so it has no hue.
HARNESS = Look(NEUTRAL, NEUTRAL, "--neutral", "", ())


def family_order(variants: Iterable[VariantFacts]) -> list[VariantFacts]:
    """Techniques in the order of the palette, then products in the same order; names decide among equals."""
    return sorted(variants, key=lambda variant: (bool(variant.product), _rank(variant.technique), variant.name))


def looks(variants: Iterable[VariantFacts]) -> dict[str, Look]:
    """The look of every variant by name. A technique that is not in the palette gets a spare hue."""
    ordered = family_order(variants)
    strangers = sorted({variant.technique for variant in ordered} - HUES.keys())
    hues = HUES | {name: SPARE_HUES[place % len(SPARE_HUES)] for place, name in enumerate(strangers)}
    places: dict[tuple[str, bool], int] = {}
    by_variant = {}
    for number, variant in enumerate(ordered):
        family = (variant.technique, bool(variant.product))
        places[family] = places.get(family, -1) + 1
        by_variant[variant.name] = _look(hues[variant.technique], bool(variant.product), places[family], number)
    return by_variant


def _look(hue: str, product: bool, place: int, number: int) -> Look:
    css = f"--v{number}"
    if product:
        colour = mix(hue, PAPER, _LIGHTEN[place % len(_LIGHTEN)])
        dark = mix(hue, PAPER, 0.25 + 0.15 * (place % 3))
        return Look(colour, dark, css, _HATCHES[place % len(_HATCHES)], _DASHES[place % len(_DASHES)])
    shade = mix(hue, "#000000", _DARKEN[place % len(_DARKEN)])
    return Look(shade, mix(hue, PAPER, 0.15 + 0.2 * (place % 3)), css, "", () if place == 0 else _DASHES[place % 4])


def mix(colour: str, other: str, share: float) -> str:
    """`colour` with `share` of `other` in it, both as #rrggbb."""
    pairs = ((int(colour[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def _rank(technique: str) -> tuple[int, str]:
    return (ORDER.index(technique) if technique in ORDER else len(ORDER), technique)
