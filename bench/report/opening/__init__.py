"""The opening of a report: judged claims as sentences. Every sentence is computed from the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claim_verdicts import Claims, ClaimVerdict, JudgedClaim
from bench.analysis.runs.claims import MAIN_TECHNIQUE, Side, Theme
from bench.report.load_and_ground import ground, loads
from bench.report.opening.cautions import Alarm, alarms, cautions, reading
from bench.report.opening.headline import DECIDED, sentence
from bench.report.sections.claims import beside, own_number
from bench.report.traced import Number, Phrase

# The themes on which the opening compares products; the table of claims has all.
OF_PRODUCTS = ("freshness", "cpu", "memory")
# The fewest messages per request that the line on bytes mentions.
CARRIES = 2.0


@dataclass(frozen=True, slots=True)
class Group:
    """A few lines of the opening under one heading."""

    title: str
    lines: list[Phrase]


@dataclass(frozen=True, slots=True)
class Opening:
    """The beginning of a report: one sentence, its load and ground, a few short groups of numbers, and their limits.

    `alarms` can invalidate all other numbers: too few trials, missed laws, a missed calibration, twins that differ.
    """

    sentence: Phrase
    loads: list[Phrase]
    ground: str
    reading: str
    groups: list[Group]
    alarms: list[Alarm]
    cautions: list[str]


def opening(cells: Cells, judged: Claims) -> Opening:
    """The opening of a run's report."""
    return Opening(
        sentence(judged.main) if cells.scenarios else (INSTRUMENT_ALONE,),
        loads(cells),
        ground(cells),
        reading(cells),
        [*_groups(cells, judged.main), *_products(judged.products)],
        alarms(cells),
        cautions(cells),
    )


INSTRUMENT_ALONE = "This run calibrates the instrument; it compares no variants."


def _leads(judged: Iterable[JudgedClaim], verdict: ClaimVerdict, noisy: bool) -> list[JudgedClaim]:
    return [one for one in judged if one.claim.theme.lead and one.verdict is verdict and one.noisy is noisy]


# The headings of the opening, in order: heading, verdict, and whether noise alone caused it. Claims without a
# measurement are only in the table.
GROUPS = (
    (f"{MAIN_TECHNIQUE} wins", ClaimVerdict.SUPPORTED, False),
    (f"{MAIN_TECHNIQUE} loses", ClaimVerdict.NOT_SUPPORTED, False),
    ("No difference shown", ClaimVerdict.NO_DIFFERENCE, False),
    ("Too noisy to decide", ClaimVerdict.NO_DIFFERENCE, True),
    ("Too few trials to compare", ClaimVerdict.TOO_FEW, False),
)


def _groups(cells: Cells, judged: Sequence[JudgedClaim]) -> list[Group]:
    """A line per theme under every verdict: the number of the main technique, then those of the others."""
    groups = []
    for title, verdict, noisy in GROUPS:
        leads = _leads(judged, verdict, noisy)
        themes = dict.fromkeys(one.claim.theme for one in leads)
        lines = [_line(cells, theme, [one for one in leads if one.claim.theme is theme]) for theme in themes]
        if lines:
            groups.append(Group(title, lines))
    return groups


def _line(cells: Cells, theme: Theme, judged: Sequence[JudgedClaim]) -> Phrase:
    """`server CPU per message, echo: WebSocket 332 µs (306-367); SSE 2.79x (2.40-3.09)`; a loss:
    `memory per connection, idle: WebSocket 28.2 KiB (27.6-30.0), 1.51x that of SSE (1.43-1.66)`."""
    line: list[str | Number] = [
        f"{theme.words}: {judged[0].claim.subject.words} ",
        *own_number(judged[0].subject, theme),
    ]
    for place, one in enumerate(judged):
        if one.verdict is ClaimVerdict.NOT_SUPPORTED:
            line += [", ", *_that_of(one)]
        else:
            line += [
                ", " if place else "; ",
                f"{one.claim.other.words} ",
                *(beside(one) or own_number(one.other, theme)),
            ]
        line += _carried(cells, one)
    return tuple(line)


def _that_of(judged: JudgedClaim) -> Phrase:
    """`1.51x that of SSE (1.43-1.66)`."""
    difference, other = beside(judged), judged.claim.other.words
    if difference and isinstance(difference[0], Number):
        return (difference[0], f" that of {other}", *difference[1:])
    return (*difference, f" to {other}")


def _carried(cells: Cells, judged: JudgedClaim) -> Phrase:
    """Why polling can need fewer bytes: one request carries several messages; empty elsewhere."""
    theme, other = judged.claim.theme, judged.other
    if judged.verdict is not ClaimVerdict.NOT_SUPPORTED or theme.metric != "wire" or other is None:
        return ()
    requests = cells.estimate("requests", theme.scenario, other.variant.name)
    if requests is None or requests.median <= 0 or 1.0 / requests.median < CARRIES:
        return ()
    messages = 1.0 / requests.median
    shown = Number(f"{messages:.3g}", messages, "messages-per-request", "requests", theme.scenario, other.variant.name)
    return (" (one poll carries ", shown, " messages here)")


def _products(judged: Sequence[JudgedClaim]) -> list[Group]:
    """A line per product: where it differs from its technique beyond noise."""
    sides = dict.fromkeys((one.claim.subject, one.claim.other) for one in judged)
    lines = []
    for side, technique in sides:
        of_side = [one for one in judged if one.claim.subject == side]
        if any(one.comparison for one in of_side):
            lines.append(_product(side, technique, of_side))
    return [Group("Differences of products from their technique", lines)] if lines else []


def _product(side: Side, technique: Side, judged: Sequence[JudgedClaim]) -> Phrase:
    head = f"{side.words} beside plain {technique.words}: "
    shown = [one for one in judged if one.claim.theme.name in OF_PRODUCTS]
    differing = [one for one in shown if one.verdict in (ClaimVerdict.SUPPORTED, ClaimVerdict.NOT_SUPPORTED)]
    if not differing:
        decided = any(one.verdict in DECIDED for one in shown)
        return (f"{head}no difference shown" if decided else f"{head}too few trials",)
    parts = [("; " if place else head, *_more_or_less(one)) for place, one in enumerate(differing)]
    return tuple(part for phrase in parts for part in phrase)


def _more_or_less(judged: JudgedClaim) -> Phrase:
    """How much larger the value of the product is, or that of its technique."""
    theme, difference = judged.claim.theme.short, beside(judged)
    if judged.verdict is ClaimVerdict.SUPPORTED:
        return (f"{theme} ", *difference)
    if difference and isinstance(difference[0], Number):
        return (f"{theme} lower; ratio of plain to product ", *difference)
    return (f"{theme} lower by ", *difference)
