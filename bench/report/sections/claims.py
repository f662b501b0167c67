"""The table of claims: each with its verdict, the ratio that decided it, and what both sides measured."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.analysis.runs.claim_verdicts import Claims, ClaimVerdict, JudgedClaim, MeasuredSide
from bench.analysis.runs.claims import MAIN_TECHNIQUE, Theme
from bench.report import traced
from bench.report.sections._section import Section
from bench.report.text import slug
from bench.report.traced import Phrase


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table of claims.

    words: the whole claim; said: the claim without the metric that decides it; about: that metric and its scenario.
    opposite: the opposite result, if that was measured; else empty. noisy: the noise is too large to decide.
    rank: sort key of the verdict; ratio: sort key, below 1 if the result is the opposite; None without a ratio.
    beside: the ratio of the larger side to the smaller, where a difference is shown.
    figure: the name of the figure that shows it, empty if this run has none.
    """

    anchor: str
    words: str
    said: str
    about: str
    verdict: str
    opposite: str
    noisy: bool
    kind: str
    rank: int
    ratio: float | None
    beside: Phrase
    ours: Phrase
    theirs: Phrase
    figure: str


@dataclass(frozen=True, slots=True)
class Table:
    """The claims that this run could judge, in groups, and the words of those it could not."""

    groups: list[tuple[str, list[Row]]]
    unmeasured: list[str]

    @property
    def rows(self) -> list[Row]:
        """All lines."""
        return [row for _, rows in self.groups for row in rows]


def table(judged_claims: Claims, figures: Iterable[str] = ()) -> Table:
    """The table of claims; `figures` are the names of those that were drawn."""
    drawn = set(figures)
    groups = [
        (words, [_row(one, drawn) for one in judged if one.verdict is not ClaimVerdict.NOT_MEASURED])
        for words, judged in (
            (f"{MAIN_TECHNIQUE} and its rivals, on neutral ground", judged_claims.main),
            ("Between the other techniques", judged_claims.others),
            ("Products compared with their technique", judged_claims.products),
        )
    ]
    unmeasured = [one.claim.words for one in judged_claims.every if one.verdict is ClaimVerdict.NOT_MEASURED]
    return Table([(words, rows) for words, rows in groups if rows], unmeasured)


def _row(judged: JudgedClaim, drawn: set[str]) -> Row:
    claim, verdict = judged.claim, judged.verdict
    figure = f"{claim.theme.figure}-{slug(claim.theme.scenario)}"
    ratio = judged.comparison.ratio if judged.comparison else None
    return Row(
        slug(f"claim-{claim.name}"),
        claim.words,
        claim.sentence,
        claim.theme.words,
        str(verdict),
        claim.opposite if verdict is ClaimVerdict.NOT_SUPPORTED else "",
        judged.noisy,
        verdict.name.lower().replace("_", "-"),
        list(ClaimVerdict).index(verdict),
        ratio.median if ratio and not ratio.too_few else None,
        beside(judged),
        _named(judged.subject, claim.theme),
        _named(judged.other, claim.theme),
        figure if figure in drawn else "",
    )


def _named(side: MeasuredSide | None, theme: Theme) -> Phrase:
    return () if side is None else (f"{side.variant.label} ", *own_number(side, theme))


def own_number(side: MeasuredSide | None, theme: Theme) -> Phrase:
    """A side's own number; empty where it has none."""
    if side is None:
        return ()
    return traced.measured(theme.metric, theme.scenario, side.variant.name, side.estimate)


def beside(judged: JudgedClaim) -> Phrase:
    """How the two sides compare, the larger to the smaller where one is shown; empty where they cannot be."""
    theme, comparison = judged.claim.theme, judged.larger
    return traced.compared(comparison, theme.metric, theme.scenario) if comparison else ()


SECTION = Section(
    "Claims and verdicts", "Claims", 30,
    lambda sources: table(sources.claims, [figure.name for figure in sources.figures]),
)  # fmt: skip
