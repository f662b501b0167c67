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
    held = ranking(cells, metric, scenario)
    shown = _Shown(metric, scenario, least)
    products = [part for variant in cells.shown if variant.product for part in shown.product(cells, variant)]
    if not held.entries:
        return (head, *products[1:], ".") if products else ()
    first, *others = held.entries
    told: list[str | Number] = [head]
    if not held.decided and others:
        told += ["too few trials to rank: "]
    told += shown.entry(first)
    if held.decided:
        told += shown.rest(others)
    else:
        told += [part for entry in others for part in (", ", *shown.entry(entry))]
    return (*told, *([". Products: ", *products[1:]] if products else []), ".")


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
        held: dict[str, list[Entry]] = {kind: [] for kind in groups}
        for entry in others:
            behind = entry.verdict is not Verdict.NONE_SHOWN
            held["level" if not behind else "open" if entry.variant.name in self.least else "behind"].append(entry)
        told: list[str | Number] = []
        for kind, words in groups.items():
            for place, entry in enumerate(held[kind]):
                apart = self._apart(entry) if kind == "behind" else ()
                told += [", " if place else words, *self.entry(entry), *apart]
        return told

    def _apart(self, entry: Entry) -> Phrase:
        comparison = entry.comparison
        found = traced.compared(comparison, self.metric, self.scenario) if comparison else ()
        if not found or comparison is None:
            return ()
        return (", at most " if comparison.reference.name in self.least else ", ", *found)

    def product(self, cells: Cells, variant: VariantFacts) -> list[str | Number]:
        """A product with its number after a semicolon, and its comparison with its technique."""
        found = cells.estimate(self.metric, self.scenario, variant.name)
        if found is None:
            return []
        number = self.number(variant, traced.measured(self.metric, self.scenario, variant.name, found))
        told: list[str | Number] = ["; ", *number]
        plain = Side(variant.technique).of(cells, self.metric, self.scenario)
        if plain is None or {plain.name, variant.name} & set(self.least):
            return told
        comparison = cells.compare(self.metric, self.scenario, variant.name, plain.name)
        if comparison.verdict is Verdict.NONE_SHOWN:
            told += [f", no difference shown from plain {plain.technique}"]
        elif comparison.verdict is not Verdict.TOO_FEW:
            told += [", ", *traced.compared(comparison, self.metric, self.scenario), f" beside plain {plain.technique}"]
        return told


def medians(cells: Cells, metric: str, scenario: str, head: str, least: Collection[str] = ()) -> Phrase:
    """The medians of all variants, without a ranking; empty without any. `least`: as for `standing`."""
    known = [(one, cells.estimate(metric, scenario, one.name)) for one in cells.measured(scenario)]
    told: list[str | Number] = []
    for variant, found in known:
        if found is not None:
            told += [", " if told else head, f"{variant.label} {'at least ' if variant.name in least else ''}"]
            told += traced.median(metric, scenario, variant.name, found)
    return (*told, ".") if told else ()
