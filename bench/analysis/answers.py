"""The answer of a run in claims that are computed from it: who leads on what, by how much, and where nobody does.

A question names a metric and a scenario. Techniques on neutral ground are compared with the best of them, paired by
block; products are compared with their technique on neutral ground, and never ranked among techniques.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from bench.analysis.cells import Cells, Comparison
from bench.analysis.metrics import METRICS, Metric
from bench.analysis.statistics import Estimate, Verdict
from bench.results import VariantFacts


@dataclass(frozen=True, slots=True)
class Question:
    """What the report opens with. Questions whose metric no trial has are not asked."""

    metric: str
    scenario: str
    words: str


QUESTIONS = (
    Question("latency_p50", "broadcast", "median delivery latency"),
    Question("latency_p99", "broadcast", "delivery latency at 99\u00a0%"),
    Question("round_trip_p50", "echo", "median echo round trip"),
    Question("round_trip_p99", "echo", "echo round trip at 99\u00a0%"),
    Question("cpu", "broadcast", "server CPU per message of a broadcast"),
    Question("cpu", "echo", "server CPU per echoed message"),
    Question("wire", "broadcast", "bytes on the wire per message of a broadcast"),
    Question("wire", "echo", "bytes on the wire per echoed message"),
    Question("requests", "broadcast", "HTTP requests per message of a broadcast"),
    Question("connection_memory", "idle", "memory per connection"),
)


class Standing(enum.StrEnum):
    """How a variant stands among those it may be ranked with."""

    ALONE = "alone in front"
    LEVEL = "level with the best"
    BEHIND = "behind"
    OPEN = "not decided"


@dataclass(frozen=True, slots=True)
class Entry:
    """One variant in an answer: its number and, unless it is the one in front, how it compares with that."""

    variant: VariantFacts
    estimate: Estimate
    comparison: Comparison | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The techniques in order of their medians, and every product beside its technique. `entries[0]` is the best."""

    question: Question
    metric: Metric
    entries: tuple[Entry, ...]
    products: tuple[Entry, ...]

    @property
    def decided(self) -> bool:
        """Whether the best could be compared with everybody, and there is anybody to compare it with."""
        return len(self.entries) > 1 and all(_verdict(entry) is not Verdict.TOO_FEW for entry in self.entries)

    @property
    def leaders(self) -> list[VariantFacts]:
        """The best, and all from whom no difference to it is shown."""
        return [entry.variant for entry in self.entries if _verdict(entry) is Verdict.NONE_SHOWN]

    def standing(self, variant: str) -> Standing:
        """How a variant on neutral ground stands. Raises LookupError for one that this answer does not hold."""
        entry = next((entry for entry in self.entries if entry.variant.name == variant), None)
        if entry is None:
            raise LookupError(f"{variant} is not among the techniques of this answer")
        if _verdict(entry) is not Verdict.NONE_SHOWN:
            return Standing.OPEN if _verdict(entry) is Verdict.TOO_FEW else Standing.BEHIND
        if not self.decided:
            return Standing.OPEN
        return Standing.LEVEL if len(self.leaders) > 1 else Standing.ALONE


def _verdict(entry: Entry) -> Verdict:
    """What is shown between an entry and the best; nothing between the best and itself."""
    return Verdict.NONE_SHOWN if entry.comparison is None else entry.comparison.verdict


def answers(cells: Cells) -> list[Answer]:
    """An answer to every question that the run has numbers for."""
    given = [answer(cells, question) for question in QUESTIONS if question.scenario in cells.scenarios]
    return [found for found in given if found.entries or found.products]


def answer(cells: Cells, question: Question) -> Answer:
    """The answer to one question; without entries where no technique has the metric."""
    metric = METRICS[question.metric]
    measured = [
        (variant, found)
        for variant in cells.measured(question.scenario)
        if (found := cells.estimate(question.metric, question.scenario, variant.name)) is not None
    ]
    ranked = sorted(
        ((variant, found) for variant, found in measured if not variant.product),
        key=lambda pair: pair[1].median if metric.better == "lower" else -pair[1].median,
    )

    def beside(variant: VariantFacts, reference: VariantFacts | None) -> Comparison | None:
        if reference is None or reference.name == variant.name:
            return None
        return cells.compare(question.metric, question.scenario, variant.name, reference.name)

    best = ranked[0][0] if ranked else None
    neutral: dict[str, VariantFacts] = {}
    for variant, _ in ranked:
        neutral.setdefault(variant.technique, variant)
    return Answer(
        question,
        metric,
        tuple(Entry(variant, found, beside(variant, best)) for variant, found in ranked),
        tuple(
            Entry(variant, found, beside(variant, neutral.get(variant.technique)))
            for variant, found in measured
            if variant.product
        ),
    )
