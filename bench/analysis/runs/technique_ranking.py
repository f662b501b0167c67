"""The ranking of the techniques on one metric in one scenario, and which of them are not shown to differ from the best.

Techniques on neutral ground are compared with the best of them, paired by block. Products are never ranked with them.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate, Verdict
from bench.analysis.runs.cells import Cells, Comparison
from bench.analysis.trials.metrics import METRICS
from bench.results import VariantFacts


@dataclass(frozen=True, slots=True)
class Entry:
    """One technique in a ranking: its estimate and, unless it is the best, its comparison with the best."""

    variant: VariantFacts
    estimate: Estimate
    comparison: Comparison | None

    @property
    def verdict(self) -> Verdict:
        """The verdict of the comparison with the best; no difference for the best itself."""
        return Verdict.NONE_SHOWN if self.comparison is None else self.comparison.verdict


@dataclass(frozen=True, slots=True)
class Ranking:
    """The techniques in the order of their medians, the best first; without entries where no technique has a value."""

    entries: tuple[Entry, ...]

    @property
    def decided(self) -> bool:
        """Whether the best could be compared with all others, and there are others."""
        return len(self.entries) > 1 and all(entry.verdict is not Verdict.TOO_FEW for entry in self.entries)

    @property
    def tied(self) -> list[str]:
        """The names of the best and of all that are not shown to differ from it."""
        return [entry.variant.name for entry in self.entries if entry.verdict is Verdict.NONE_SHOWN]

    @property
    def leaders(self) -> set[str]:
        """The names of those that may be called the best; empty where that is undecided or no difference is shown."""
        return set(self.tied) if self.decided and len(self.tied) < len(self.entries) else set()


def ranking(cells: Cells, metric: str, scenario: str) -> Ranking:
    """The techniques of a run, ranked on a metric in a scenario."""
    measured = [
        (variant, estimate)
        for variant in cells.measured(scenario)
        if not variant.product and (estimate := cells.estimate(metric, scenario, variant.name)) is not None
    ]
    best_is_low = METRICS[metric].better == "lower"
    ranked = sorted(measured, key=lambda pair: pair[1].median if best_is_low else -pair[1].median)

    def beside_the_best(variant: VariantFacts) -> Comparison | None:
        best = ranked[0][0]
        return None if best is variant else cells.compare(metric, scenario, variant.name, best.name)

    return Ranking(tuple(Entry(variant, estimate, beside_the_best(variant)) for variant, estimate in ranked))
