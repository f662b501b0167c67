"""Who leads the techniques on one metric in one scenario, and who is not shown to differ from the best.

Techniques on neutral ground are compared with the best of them, paired by block. Products are never ranked among them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate, Verdict
from bench.analysis.runs.cells import Cells, Comparison
from bench.analysis.trials.metrics import METRICS
from bench.results import VariantFacts


@dataclass(frozen=True, slots=True)
class Entry:
    """One technique in an answer: its number and, unless it is the one in front, how it compares with that."""

    variant: VariantFacts
    estimate: Estimate
    comparison: Comparison | None

    @property
    def verdict(self) -> Verdict:
        """What is shown between it and the best; nothing between the best and itself."""
        return Verdict.NONE_SHOWN if self.comparison is None else self.comparison.verdict


@dataclass(frozen=True, slots=True)
class Answer:
    """The techniques in the order of their medians, the best first; without entries where nobody has the metric."""

    entries: tuple[Entry, ...]

    @property
    def decided(self) -> bool:
        """Whether the best could be compared with everybody, and there is anybody to compare it with."""
        return len(self.entries) > 1 and all(entry.verdict is not Verdict.TOO_FEW for entry in self.entries)

    @property
    def level(self) -> list[str]:
        """The best, and all from whom no difference to it is shown, by name."""
        return [entry.variant.name for entry in self.entries if entry.verdict is Verdict.NONE_SHOWN]

    @property
    def leaders(self) -> set[str]:
        """Those who may be called the best, by name; nobody where it is undecided or nobody can be told apart."""
        return set(self.level) if self.decided and len(self.level) < len(self.entries) else set()


def answer(cells: Cells, metric: str, scenario: str) -> Answer:
    """The techniques of a run, ranked on a metric in a scenario."""
    measured = [
        (variant, found)
        for variant in cells.measured(scenario)
        if not variant.product and (found := cells.estimate(metric, scenario, variant.name)) is not None
    ]
    best_is_low = METRICS[metric].better == "lower"
    ranked = sorted(measured, key=lambda pair: pair[1].median if best_is_low else -pair[1].median)

    def beside_the_best(variant: VariantFacts) -> Comparison | None:
        best = ranked[0][0]
        return None if best is variant else cells.compare(metric, scenario, variant.name, best.name)

    return Answer(tuple(Entry(variant, found, beside_the_best(variant)) for variant, found in ranked))
