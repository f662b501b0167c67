"""What is said about push techniques, held against a run: a table of claims, none of them true in advance.

A claim says that one side has less of a metric than another, or more, in one scenario. Its verdict is that of the
paired comparison of the two: the side that is said to have more is divided by the side that is said to have less, so
that a ratio above 1 is as claimed and one below 1 the opposite, whatever the claim. What people say against WebSocket
is asked in the same sentence as what they say for it: a claim that comes out the other way is as much an answer.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bench.analysis.numbers.statistics import Estimate, Verdict
from bench.analysis.runs.cells import Cells, Comparison
from bench.analysis.trials.metrics import METRICS, Metric
from bench.results import VariantFacts

PROTAGONIST = "WebSocket"
"""The technique that the project asks about: does it win, here, on this stack?"""
RIVALS = ("polling", "long polling", "SSE")
WORDS = {"polling": "short polling", "HTTP stream": "an HTTP stream"}
"""Techniques that are called otherwise in a sentence."""
BY_LABEL = ("HTTP stream",)
"""Techniques that are called by the label of the variant that stands for them, where there is one."""
MUCH = 1.25
"""A ratio this far above 1, or below, would matter: where its interval still holds 1, it was too noisy to tell."""


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
        """The number that decides, and where, unless its title says so."""
        return self.title if self.scenario in self.title.split() else f"{self.title}, {self.scenario}"

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

    @property
    def anchor(self) -> str:
        """What it is called in names: the same in every run."""
        return self.label if self.product else WORDS.get(self.technique, self.technique).removeprefix("an ")

    def named(self, cells: Cells) -> Side:
        """Itself, called by the label of its variant in this run where its technique has no name of its own."""
        if self.technique not in BY_LABEL or self.label:
            return self
        labels = [variant.label for variant in cells.shown
                  if (variant.technique, variant.product) == (self.technique, self.product)]  # fmt: skip
        return replace(self, label=labels[0]) if labels else self

    def of(self, cells: Cells, metric: str, scenario: str) -> VariantFacts | None:
        """The variant that stands for it: the run's first with a number there, else the first there is. None where the
        scenario was run over a path that is not direct, of which nothing is claimed."""
        if cells.elsewhere(scenario):
            return None
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
        return f"{self.said} ({self.theme.words})"

    @property
    def said(self) -> str:
        """The claim as one hears it."""
        return f"{self._sentence(self.subject, self.more)} {self._plain}{self.other.words}"

    @property
    def opposite(self) -> str:
        """How it is the other way round."""
        return f"{self._sentence(self.subject, not self.more)} {self._plain}{self.other.words}"

    @property
    def _plain(self) -> str:
        """What a technique is called beside a product that is built on it."""
        return "plain " if self.subject.product else ""

    @property
    def name(self) -> str:
        """A name for anchors, the same in every run."""
        parts = (self.theme.name, self.subject.anchor, self.other.anchor)
        return "-".join(part.replace(" ", "-").lower() for part in parts)

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
    noisy: no difference was shown, yet the ratio is one that would matter, or lies beyond the noise floor.
    """

    claim: Claim
    verdict: ClaimVerdict
    subject: Known | None
    other: Known | None
    comparison: Comparison | None
    noisy: bool = False

    @property
    def larger(self) -> Comparison | None:
        """The comparison, turned where the claim came out the other way, so that a ratio that shows one is above 1."""
        if self.comparison is None or self.verdict is not ClaimVerdict.NOT_SUPPORTED:
            return self.comparison
        return turned(self.comparison)

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


def turned(comparison: Comparison) -> Comparison:
    """The reference against the variant: a ratio is computed on logarithms, so that both ways tell the same story."""
    ratio, apart = comparison.ratio, comparison.difference
    return Comparison(
        comparison.reference,
        comparison.variant,
        ratio and _ends_swapped(ratio, lambda value: 1.0 / value),
        apart and _ends_swapped(apart, lambda value: -value),
        _OPPOSITES.get(comparison.verdict, comparison.verdict),
    )


_OPPOSITES = {Verdict.HIGHER: Verdict.LOWER, Verdict.LOWER: Verdict.HIGHER}


def _ends_swapped(estimate: Estimate, of: Callable[[float], float]) -> Estimate:
    low, high = (None if end is None else of(end) for end in (estimate.high, estimate.low))
    return Estimate(of(estimate.median), low, high, estimate.coverage, tuple(map(of, estimate.values)))


def judge(cells: Cells, claim: Claim) -> Judged:
    """A claim held against a run."""
    metric, scenario = claim.theme.metric, claim.theme.scenario
    subject, other = (_known(cells, metric, scenario, side) for side in (claim.subject, claim.other))
    if subject is None or other is None:
        return Judged(claim, ClaimVerdict.NOT_MEASURED, subject, other, None)
    more, less = (subject, other) if claim.more else (other, subject)
    comparison = cells.compare(metric, scenario, more.variant.name, less.variant.name)
    verdict = _VERDICTS[comparison.verdict]
    noisy = verdict is ClaimVerdict.NO_DIFFERENCE and _much(comparison.ratio, cells.floor(metric, scenario).ratio)
    return Judged(claim, verdict, subject, other, comparison, noisy)


def _much(ratio: Estimate | None, floor: float) -> bool:
    return ratio is not None and max(ratio.median, 1.0 / ratio.median) > min(floor, MUCH)


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
    others = [replace(one, subject=one.subject.named(cells), other=one.other.named(cells)) for one in BETWEEN_OTHERS]
    tables = (ABOUT_PROTAGONIST, others, of_products(cells))
    return Claims(*([judge(cells, claim) for claim in table] for table in tables))
