"""The answer: claims put into words. No sentence is true in advance; each states what was found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.cells import Cells
from bench.analysis.claims import PROTAGONIST, THEMES, Claims, ClaimVerdict, Judged, Side, Theme
from bench.report.sections.cautions import alarms, cautions
from bench.report.sections.claimed import beside, known
from bench.report.traced import Phrase
from bench.units import TIMES

OF_PRODUCTS = ("freshness", "cpu", "memory")
"""What the opening says of products; the table of claims says more."""
LEADING = ("freshness", "round-trip")
"""What the first sentence names the rivals of; of the rest it only names what is lost."""


@dataclass(frozen=True, slots=True)
class Group:
    """A few lines of the opening under one heading."""

    title: str
    lines: list[Phrase]


@dataclass(frozen=True, slots=True)
class Opening:
    """What a report says first: one sentence, a few short groups of numbers, and what to know before believing them.

    `alarms` are what would overturn the rest: too few trials, missed laws, a missed calibration, twins that differ.
    """

    sentence: str
    reading: str
    groups: list[Group]
    alarms: list[str]
    cautions: list[str]


def opening(cells: Cells, held: Claims) -> Opening:
    """The opening of a run's report."""
    return Opening(
        _sentence(held.protagonist) if cells.scenarios else INSTRUMENT_ALONE,
        READING,
        [*_groups(held.protagonist), *_products(held.products)],
        alarms(cells),
        cautions(cells),
    )


READING = f"{TIMES}: so many times as much as {PROTAGONIST}, or as the technique of a product. In brackets: intervals."
INSTRUMENT_ALONE = "This run calibrates the instrument and compares nothing."


def _sentence(judged: Sequence[Judged]) -> str:
    """How the protagonist stands, in one sentence without a number."""
    measured = [one for one in judged if one.subject is not None]
    if not measured:
        return f"This run has no valid trial of {PROTAGONIST} on neutral ground, so nothing is said about it."
    if not [one for one in measured if one.verdict in DECIDED]:
        return f"{PROTAGONIST} on neutral ground was measured, but this run cannot rank it."
    parts = [_leading(THEMES[name], [one for one in measured if one.claim.theme.name == name]) for name in LEADING]
    parts.append(_lost([one for one in measured if one.claim.theme.name not in LEADING]))
    return f"{PROTAGONIST} {'; it '.join(part for part in parts if part)}."


DECIDED = (ClaimVerdict.SUPPORTED, ClaimVerdict.NOT_SUPPORTED, ClaimVerdict.NO_DIFFERENCE)


def _leading(theme: Theme, judged: Sequence[Judged]) -> str:
    """How the protagonist stands on one theme: whom it beats, to whom it loses, from whom it is not told apart."""
    ways = (
        (ClaimVerdict.SUPPORTED, f"{theme.less} "),
        (ClaimVerdict.NOT_SUPPORTED, f"loses in {theme.title} to "),
        (ClaimVerdict.NO_DIFFERENCE, f"shows no difference in {theme.title} to "),
    )
    held = {words: [one.claim.other.words for one in judged if one.verdict is verdict] for verdict, words in ways}
    return " and ".join(f"{words}{_listed(others)}" for words, others in held.items() if others)


def _lost(judged: Sequence[Judged]) -> str:
    """What else the protagonist loses on, and to whom; themes that are lost to the same are named together."""
    to_whom: dict[str, list[str]] = {}
    for one in _leads(judged, ClaimVerdict.NOT_SUPPORTED):
        to_whom.setdefault(one.claim.theme.short, []).append(one.claim.other.words)
    on_what: dict[tuple[str, ...], list[str]] = {}
    for theme, others in to_whom.items():
        on_what.setdefault(tuple(others), []).append(theme)
    said = [f"to {_listed(others)} on {_listed(themes)}" for others, themes in on_what.items()]
    return f"loses {', '.join(said)}" if said else "loses on nothing else"


def _leads(judged: Iterable[Judged], verdict: ClaimVerdict) -> list[Judged]:
    return [one for one in judged if one.claim.theme.lead and one.verdict is verdict]


GROUPS = (
    (f"{PROTAGONIST} wins", ClaimVerdict.SUPPORTED),
    (f"{PROTAGONIST} loses", ClaimVerdict.NOT_SUPPORTED),
    ("No difference shown", ClaimVerdict.NO_DIFFERENCE),
    ("Too few trials to compare", ClaimVerdict.TOO_FEW),
)
"""The headings of the opening, in order; a claim that was not measured is in the table alone."""


def _groups(judged: Sequence[Judged]) -> list[Group]:
    """A line per theme under every verdict: the protagonist's number, and what the others have of it."""
    found = []
    for title, verdict in GROUPS:
        leads = _leads(judged, verdict)
        themes = dict.fromkeys(one.claim.theme for one in leads)
        lines = [_line(theme, [one for one in leads if one.claim.theme is theme]) for theme in themes]
        if lines:
            found.append(Group(title, lines))
    return found


def _line(theme: Theme, judged: Sequence[Judged]) -> Phrase:
    """`server CPU per message, echo: WebSocket 332 µs (306-367); SSE 2.79x (2.40-3.09)`."""
    line: list[Phrase] = [(f"{theme.words}: {judged[0].claim.subject.words} ", *known(judged[0].subject, theme))]
    for one in judged:
        apart = beside(one) or known(one.other, theme)
        line.append((", " if len(line) > 1 else "; ", f"{one.claim.other.words} ", *apart))
    return tuple(part for phrase in line for part in phrase)


def _products(judged: Sequence[Judged]) -> list[Group]:
    """A line per product: what it has more, or less, of than its technique beyond noise."""
    sides = dict.fromkeys((one.claim.subject, one.claim.other) for one in judged)
    lines = []
    for side, technique in sides:
        of_side = [one for one in judged if one.claim.subject == side]
        if any(one.comparison for one in of_side):
            lines.append(_product(side, technique, of_side))
    return [Group("What belongs to a product, not to its technique", lines)] if lines else []


def _product(side: Side, technique: Side, judged: Sequence[Judged]) -> Phrase:
    head = f"{side.words} beside plain {technique.words}: "
    asked = [one for one in judged if one.claim.theme.name in OF_PRODUCTS]
    apart = [one for one in asked if one.verdict in (ClaimVerdict.SUPPORTED, ClaimVerdict.NOT_SUPPORTED)]
    if not apart:
        decided = any(one.verdict in DECIDED for one in asked)
        return (f"{head}no difference shown" if decided else f"{head}too few trials",)
    parts = [(f"{'; ' if place else head}{one.claim.theme.short} ", *beside(one)) for place, one in enumerate(apart)]
    return tuple(part for phrase in parts for part in phrase)


def _listed(names: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    held = list(names)
    return " and ".join(part for part in (", ".join(held[:-1]), held[-1]) if part)
