"""What is said about push techniques, held against a run: a table of claims, none of them true in advance.

A claim says that one side has less of a metric than another, or more, in one scenario. Its verdict is that of the
paired comparison of the two: the side that is said to have more is divided by the side that is said to have less, so
that a ratio above 1 is as claimed and one below 1 the opposite, whatever the claim. What people say against WebSocket
is asked in the same sentence as what they say for it: a claim that comes out the other way is as much an answer.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass

from bench.analysis.cells import Cells, Comparison
from bench.analysis.metrics import METRICS, Metric
from bench.analysis.statistics import Estimate, Verdict
from bench.results import VariantFacts

PROTAGONIST = "WebSocket"
"""The technique that the project asks about: does it win, here, on this stack?"""
RIVALS = ("polling", "long polling", "SSE")
WORDS = {"polling": "short polling", "HTTP stream": "an HTTP stream"}
"""Techniques that are called otherwise in a sentence."""


@dataclass(frozen=True, slots=True)
class Theme:
    """What claims are about. `less` is the verb of the side that has less; `figure` is the kind of figure that shows it
    (empty: none does); a `lead` stands in the opening of the report."""

    name: str
    title: str
    less: str
    more: str
    metric: str
    scenario: str
    figure: str
    lead: bool = True

    @property
    def words(self) -> str:
        """The number that decides, and where."""
        return f"{self.title}, {self.scenario}"

    @property
    def short(self) -> str:
        """The number alone where it is asked in one scenario, with its scenario where in several."""
        several = sum(theme.title == self.title for theme in _THEMES) > 1
        return f"{self.title} in {self.scenario}" if several else self.title


_THEMES = (
    Theme("freshness", "median delivery latency", "delivers fresher data than", "delivers staler data than",
          "latency_p50", "broadcast", "latency"),
    Theme("late", "delivery latency at 99\u00a0%", "delivers even its late messages sooner than",
          "delivers its late messages later than", "latency_p99", "broadcast", "latency", lead=False),
    Theme("round-trip", "median echo round trip", "answers in shorter round trips than",
          "answers in longer round trips than", "round_trip_p50", "echo", "round-trip"),
    Theme("cpu", "server CPU per message", "costs the server less CPU per message than",
          "costs the server more CPU per message than", "cpu", "broadcast", "cpu"),
    Theme("cpu-echo", "server CPU per message", "costs the server less CPU per echoed message than",
          "costs the server more CPU per echoed message than", "cpu", "echo", "cpu"),
    Theme("bytes", "bytes on the wire per message", "puts fewer bytes on the wire than",
          "puts more bytes on the wire than", "wire", "broadcast", "wire"),
    Theme("bytes-echo", "bytes on the wire per message", "puts fewer bytes on the wire per echo than",
          "puts more bytes on the wire per echo than", "wire", "echo", "wire"),
    Theme("requests", "HTTP requests per message", "needs fewer requests than", "needs more requests than",
          "requests", "broadcast", "requests", lead=False),
    Theme("memory", "memory per connection", "takes less memory than", "takes more memory than",
          "connection_memory", "idle", "memory"),
    Theme("idle-cpu", "idle CPU per connection", "costs an idle server less CPU than",
          "costs an idle server more CPU than", "connection_cpu", "idle", "", lead=False),
    Theme("connect", "median time to connect", "connects faster than", "connects more slowly than",
          "connect_p50", "idle", "connect"),
)  # fmt: skip
THEMES = {theme.name: theme for theme in _THEMES}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a claim: a technique on neutral ground, or a product, which is called by its `label`."""

    technique: str
    product: str = ""
    label: str = ""

    @property
    def words(self) -> str:
        """What it is called in a sentence."""
        return self.label or WORDS.get(self.technique, self.technique)

    def of(self, cells: Cells, metric: str, scenario: str) -> VariantFacts | None:
        """The variant that stands for it: the run's first with a number there, else the first there is."""
        known = [
            variant
            for variant in cells.shown
            if (variant.technique, variant.product) == (self.technique, self.product)
            and (not self.label or variant.label == self.label)
        ]
        measured = [variant for variant in known if cells.values(metric, scenario, variant.name)]
        return next(iter([*measured, *known]), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """`subject` has less of the theme's metric than `other`; with `more`, more."""

    theme: Theme
    subject: Side
    other: Side
    more: bool = False

    @property
    def words(self) -> str:
        """The claim as one hears it, and the number that decides it."""
        plain = "plain " if self.subject.product else ""
        return f"{self._sentence(self.subject, self.more)} {plain}{self.other.words} ({self.theme.words})"

    @property
    def opposite(self) -> str:
        """How it is the other way round."""
        return f"{self._sentence(self.subject, not self.more)} {self.other.words}"

    @property
    def name(self) -> str:
        """A name for anchors, the same in every run."""
        parts = (self.theme.name, self.subject.words, self.other.words)
        return "-".join(part.removeprefix("an ").replace(" ", "-").lower() for part in parts)

    def _sentence(self, side: Side, more: bool) -> str:
        return f"{side.words} {self.theme.more if more else self.theme.less}"


class ClaimVerdict(enum.StrEnum):
    """What a run shows of a claim."""

    SUPPORTED = "supported"
    NOT_SUPPORTED = "not supported"
    NO_DIFFERENCE = "no difference beyond noise"
    TOO_FEW = "too few trials"
    NOT_MEASURED = "not measured here"


_VERDICTS = {
    Verdict.HIGHER: ClaimVerdict.SUPPORTED,
    Verdict.LOWER: ClaimVerdict.NOT_SUPPORTED,
    Verdict.NONE_SHOWN: ClaimVerdict.NO_DIFFERENCE,
    Verdict.TOO_FEW: ClaimVerdict.TOO_FEW,
}


@dataclass(frozen=True, slots=True)
class Known:
    """What was measured of one side of a claim."""

    variant: VariantFacts
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Judged:
    """A claim with its verdict.

    subject, other: None for a side without a number.
    comparison: the side that is said to have more against the other; None unless both have numbers.
    """

    claim: Claim
    verdict: ClaimVerdict
    subject: Known | None
    other: Known | None
    comparison: Comparison | None

    @property
    def metric(self) -> Metric:
        """What the claim is about."""
        return METRICS[self.claim.theme.metric]


def _between(pairs: Iterable[tuple[str, str, tuple[str, ...]]]) -> list[Claim]:
    return [Claim(THEMES[theme], Side(one), Side(other)) for one, other, themes in pairs for theme in themes]


ABOUT_PROTAGONIST = tuple(Claim(theme, Side(PROTAGONIST), Side(rival)) for theme in THEMES.values() for rival in RIVALS)
BETWEEN_OTHERS = tuple(
    _between(
        (
            ("SSE", "long polling", ("freshness", "round-trip", "cpu", "bytes", "memory", "connect")),
            ("SSE", "polling", ("freshness", "cpu", "bytes", "memory")),
            ("long polling", "polling", ("freshness", "round-trip", "cpu", "bytes", "requests", "memory")),
            ("HTTP stream", "SSE", ("freshness", "cpu", "bytes", "memory")),
        )
    )
)
OF_PRODUCTS = ("freshness", "round-trip", "cpu", "cpu-echo", "bytes", "memory", "connect")
"""What a product is asked about: whether it has more of it than its technique on neutral ground."""


def of_products(cells: Cells) -> list[Claim]:
    """What may be said of every product of a run: that it costs more than its technique."""
    return [
        Claim(
            THEMES[theme], Side(variant.technique, variant.product, variant.label), Side(variant.technique), more=True
        )
        for variant in cells.shown
        if variant.product
        for theme in OF_PRODUCTS
    ]


def judge(cells: Cells, claim: Claim) -> Judged:
    """A claim held against a run."""
    metric, scenario = claim.theme.metric, claim.theme.scenario
    subject, other = (_known(cells, metric, scenario, side) for side in (claim.subject, claim.other))
    if subject is None or other is None:
        return Judged(claim, ClaimVerdict.NOT_MEASURED, subject, other, None)
    more, less = (subject, other) if claim.more else (other, subject)
    comparison = cells.compare(metric, scenario, more.variant.name, less.variant.name)
    return Judged(claim, _VERDICTS[comparison.verdict], subject, other, comparison)


def _known(cells: Cells, metric: str, scenario: str, side: Side) -> Known | None:
    variant = side.of(cells, metric, scenario)
    found = cells.estimate(metric, scenario, variant.name) if variant else None
    return Known(variant, found) if variant and found else None


@dataclass(frozen=True, slots=True)
class Claims:
    """Every claim of a run with its verdict: about the protagonist, between other techniques, about products."""

    protagonist: list[Judged]
    others: list[Judged]
    products: list[Judged]

    @property
    def every(self) -> list[Judged]:
        """All of them."""
        return [*self.protagonist, *self.others, *self.products]


def claims(cells: Cells) -> Claims:
    """All claims held against a run."""
    tables = (ABOUT_PROTAGONIST, BETWEEN_OTHERS, of_products(cells))
    return Claims(*([judge(cells, claim) for claim in table] for table in tables))
