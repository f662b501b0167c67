"""Common claims about push techniques, as tables. None of them is assumed to be true.

A claim is that one side has less of a metric than another, or more, in one scenario. Claims against WebSocket have
the same form as claims for it: a claim that a run contradicts is an answer too. `claim_verdicts` judges them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.analysis.runs.cells import Cells
from bench.results import VariantFacts
from bench.scenarios import Question, reference

FRESHNESS, ROUND_TRIP, CONNECTION = map(reference, Question)

MAIN_TECHNIQUE = "WebSocket"  # the project asks: does it win, here, on this stack?
OTHER_TECHNIQUES = ("polling", "long polling", "SSE")
WORDS = {"polling": "short polling", "HTTP stream": "an HTTP stream"}  # techniques with another name in a sentence
BY_LABEL = ("HTTP stream",)  # techniques that sentences call by the label of their variant, where a run has one


@dataclass(frozen=True, slots=True)
class Theme:
    """What claims are about. `less` is the verb of the side that has less. `figure` is the kind of figure that shows
    the metric (empty: none). Claims with `lead` are in the opening of the report."""

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
        """The metric that decides, with its scenario unless the title names it."""
        return self.title if self.scenario in self.title.split() else f"{self.title}, {self.scenario}"

    @property
    def short(self) -> str:
        """The title, with its scenario where several themes have the same title."""
        several = sum(theme.title == self.title for theme in _THEMES) > 1
        return f"{self.title} in {self.scenario}" if several else self.title


_THEMES = (
    Theme("freshness", "median delivery latency", "delivers fresher data than", "delivers staler data than",
          "latency_p50", FRESHNESS, "latency"),
    Theme("late", "p99 delivery latency", "has a lower p99 latency than", "has a higher p99 latency than",
          "latency_p99", FRESHNESS, "latency", lead=False),
    Theme("round-trip", "median echo round trip", "has shorter round trips than",
          "has longer round trips than", "round_trip_p50", ROUND_TRIP, "round-trip"),
    Theme("cpu", "server CPU per message", "costs the server less CPU per message than",
          "costs the server more CPU per message than", "cpu", FRESHNESS, "cpu"),
    Theme("cpu-echo", "server CPU per message", "costs the server less CPU per echoed message than",
          "costs the server more CPU per echoed message than", "cpu", ROUND_TRIP, "cpu"),
    Theme("bytes", "bytes on the wire per message", "puts fewer bytes on the wire than",
          "puts more bytes on the wire than", "wire", FRESHNESS, "wire"),
    Theme("bytes-echo", "bytes on the wire per message", "puts fewer bytes on the wire per echo than",
          "puts more bytes on the wire per echo than", "wire", ROUND_TRIP, "wire"),
    Theme("requests", "HTTP requests per message", "needs fewer requests than", "needs more requests than",
          "requests", FRESHNESS, "requests", lead=False),
    Theme("memory", "memory per connection", "takes less memory than", "takes more memory than",
          "connection_memory", CONNECTION, "memory"),
    Theme("idle-cpu", "idle CPU per connection", "costs an idle server less CPU than",
          "costs an idle server more CPU than", "connection_cpu", CONNECTION, "", lead=False),
    Theme("connect", "median time to connect", "connects faster than", "connects more slowly than",
          "connect_p50", CONNECTION, "connect"),
)  # fmt: skip
THEMES = {theme.name: theme for theme in _THEMES}


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a claim: a technique on neutral ground, or a product, named by its `label`."""

    technique: str
    product: str = ""
    label: str = ""

    @property
    def words(self) -> str:
        """Its name in a sentence."""
        return self.label or WORDS.get(self.technique, self.technique)

    @property
    def anchor(self) -> str:
        """Its name in the names of claims: the same in every run."""
        return self.label if self.product else WORDS.get(self.technique, self.technique).removeprefix("an ")

    def named(self, cells: Cells) -> Side:
        """The same side, with the label of its variant in this run where sentences use labels for its technique."""
        if self.technique not in BY_LABEL or self.label:
            return self
        labels = [variant.label for variant in cells.shown
                  if (variant.technique, variant.product) == (self.technique, self.product)]  # fmt: skip
        return replace(self, label=labels[0]) if labels else self

    def of(self, cells: Cells, metric: str, scenario: str) -> VariantFacts | None:
        """The variant that represents it: the run's first with a value, else the first of the run. None where the
        scenario was run over a path that is not direct: claims do not cover that."""
        if cells.off_loopback(scenario):
            return None
        candidates = [
            variant
            for variant in cells.shown
            if (variant.technique, variant.product) == (self.technique, self.product)
            and (not self.label or variant.label == self.label)
        ]
        measured = [variant for variant in candidates if cells.values(metric, scenario, variant.name)]
        return next(iter([*measured, *candidates]), None)


@dataclass(frozen=True, slots=True)
class Claim:
    """`subject` has less of the theme's metric than `other`; with `more`, more."""

    theme: Theme
    subject: Side
    other: Side
    more: bool = False

    @property
    def words(self) -> str:
        """The claim and the metric that decides it."""
        return f"{self.sentence} ({self.theme.words})"

    @property
    def sentence(self) -> str:
        """The claim."""
        return self._with_verb(self.more)

    @property
    def opposite(self) -> str:
        """The contrary of the claim."""
        return self._with_verb(not self.more)

    @property
    def name(self) -> str:
        """A name for anchors, the same in every run."""
        parts = (self.theme.name, self.subject.anchor, self.other.anchor)
        return "-".join(part.replace(" ", "-").lower() for part in parts)

    def _with_verb(self, more: bool) -> str:
        plain = "plain " if self.subject.product else ""  # a product is compared with the technique it is built on
        return f"{self.subject.words} {self.theme.more if more else self.theme.less} {plain}{self.other.words}"


def _between(pairs: Iterable[tuple[str, str, tuple[str, ...]]]) -> list[Claim]:
    return [Claim(THEMES[theme], Side(one), Side(other)) for one, other, themes in pairs for theme in themes]


ABOUT_MAIN_TECHNIQUE = tuple(
    Claim(theme, Side(MAIN_TECHNIQUE), Side(other)) for theme in THEMES.values() for other in OTHER_TECHNIQUES
)
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
# Of every product: has it more of this than its technique on neutral ground?
PRODUCT_THEMES = ("freshness", "round-trip", "cpu", "cpu-echo", "bytes", "memory", "connect")


def about_products(cells: Cells) -> list[Claim]:
    """The claims that every product of a run costs more than its technique."""
    return [
        Claim(
            THEMES[theme], Side(variant.technique, variant.product, variant.label), Side(variant.technique), more=True
        )
        for variant in cells.shown
        if variant.product
        for theme in PRODUCT_THEMES
    ]


def between_others(cells: Cells) -> list[Claim]:
    """The claims about two other techniques, with the names that this run has for them."""
    return [replace(one, subject=one.subject.named(cells), other=one.other.named(cells)) for one in BETWEEN_OTHERS]
