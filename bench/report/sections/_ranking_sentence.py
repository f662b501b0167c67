"""The ranking on one metric as a sentence: techniques beside the best of them, then products.

Techniques are ranked by the interval of the paired ratio and the noise floor. Each product is compared with its own
technique.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Verdict
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claims import Side
from bench.analysis.runs.technique_ranking import Entry, ranking
from bench.report import traced
from bench.report.traced import Number, Phrase
from bench.results import VariantFacts


def standing(cells: Cells, metric: str, scenario: str, head: str, least: Collection[str] = ()) -> Phrase:
    """The ranking: the best technique, those without a shown difference from it, those behind it, and the products.
    `least`: the variants of which only a lower bound is known."""
    ranked = ranking(cells, metric, scenario)
    shown = _Shown(metric, scenario, least)
    products = [part for variant in cells.shown if variant.product for part in shown.product(cells, variant)]
    if not ranked.entries:
        return (head, *products[1:], ".") if products else ()
    first, *others = ranked.entries
    words: list[str | Number] = [head]
    if not ranked.decided and others:
        words += ["too few trials to rank: "]
    words += shown.entry(first)
    if ranked.decided:
        words += shown.rest(others)
    else:
        words += [part for entry in others for part in (", ", *shown.entry(entry))]
    return (*words, *([". Products: ", *products[1:]] if products else []), ".")


@dataclass(frozen=True, slots=True)
class _Shown:
    """How the numbers of one metric in one scenario are written."""

    metric: str
    scenario: str
    least: Collection[str]

    def entry(self, entry: Entry) -> Phrase:
        """A variant with its number."""
        return self.number(
            entry.variant, traced.measured(self.metric, self.scenario, entry.variant.name, entry.estimate)
        )

    def number(self, variant: VariantFacts, number: Phrase) -> Phrase:
        """The same where the number is known."""
        return (f"{variant.label} {'at least ' if variant.name in self.least else ''}", *number)

    def rest(self, others: Sequence[Entry]) -> list[str | Number]:
        """The variants after the first: without a shown difference, worse, and undecided."""
        groups = {
            "level": "; no difference shown from it: ",
            "behind": "; worse: ",
            "open": "; limit not reached: ",
        }
        by_group: dict[str, list[Entry]] = {kind: [] for kind in groups}
        for entry in others:
            behind = entry.verdict is not Verdict.NONE_SHOWN
            by_group["level" if not behind else "open" if entry.variant.name in self.least else "behind"].append(entry)
        parts: list[str | Number] = []
        for kind, words in groups.items():
            for place, entry in enumerate(by_group[kind]):
                ratio = self._ratio(entry) if kind == "behind" else ()
                parts += [", " if place else words, *self.entry(entry), *ratio]
        return parts

    def _ratio(self, entry: Entry) -> Phrase:
        comparison = entry.comparison
        ratio = traced.compared(comparison, self.metric, self.scenario) if comparison else ()
        if not ratio or comparison is None:
            return ()
        return (", at most " if comparison.reference.name in self.least else ", ", *ratio)

    def product(self, cells: Cells, variant: VariantFacts) -> list[str | Number]:
        """A product with its number after a semicolon, and its comparison with its technique."""
        estimate = cells.estimate(self.metric, self.scenario, variant.name)
        if estimate is None:
            return []
        number = self.number(variant, traced.measured(self.metric, self.scenario, variant.name, estimate))
        words: list[str | Number] = ["; ", *number]
        plain = Side(variant.technique).of(cells, self.metric, self.scenario)
        if plain is None or {plain.name, variant.name} & set(self.least):
            return words
        comparison = cells.compare(self.metric, self.scenario, variant.name, plain.name)
        if comparison.verdict is Verdict.NONE_SHOWN:
            words += [f", no difference shown from plain {plain.technique}"]
        elif comparison.verdict is not Verdict.TOO_FEW:
            words += [
                ", ",
                *traced.compared(comparison, self.metric, self.scenario),
                f" beside plain {plain.technique}",
            ]
        return words


def medians(cells: Cells, metric: str, scenario: str, head: str, least: Collection[str] = ()) -> Phrase:
    """The medians of all variants, without a ranking; empty without any. `least`: as for `standing`."""
    estimates = [(one, cells.estimate(metric, scenario, one.name)) for one in cells.measured(scenario)]
    words: list[str | Number] = []
    for variant, estimate in estimates:
        if estimate is not None:
            words += [", " if words else head, f"{variant.label} {'at least ' if variant.name in least else ''}"]
            words += traced.median(metric, scenario, variant.name, estimate)
    return (*words, ".") if words else ()
