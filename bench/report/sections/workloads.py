"""The workloads with a paragraph of their own, and batching: what a run shows of them. Every sentence is computed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.analysis.runs import batching
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.rate_search import median_is_lower_bound
from bench.report.parameters import filled
from bench.report.sections import _batching_sentences
from bench.report.sections._ranking_sentence import medians, standing
from bench.report.sections._section import Section
from bench.report.sections._workload_details import details
from bench.report.text import listed
from bench.report.traced import Phrase, plain
from bench.results import ScenarioFacts
from bench.scenarios import Ranking, load, names, of_record

BATCHING = "batching"


@dataclass(frozen=True, slots=True)
class Workload:
    """One workload: its name, the scenario that it is measured with, its question, and the answers of the run."""

    name: str
    scenario: str
    question: str
    answers: list[Phrase]


@dataclass(frozen=True, slots=True)
class Workloads:
    """The workloads that were measured, the names and commands of the others, and those without a valid trial."""

    workloads: list[Workload]
    unmeasured: list[tuple[str, str]]
    invalid: list[str]

    @property
    def missing(self) -> str:
        """The names of those that were not measured, in words."""
        return listed(name for name, _ in self.unmeasured)


def reported() -> list[str]:
    """Names of the scenarios that have a paragraph of their own."""
    return [name for name in names() if load(name).reports]


def workloads(cells: Cells) -> Workloads:
    """The section of a run."""
    measured = []
    if answers := _batching_sentences.answers(cells):
        measured.append(Workload(BATCHING, batching.SCENARIO, _batching_sentences.QUESTION, answers))
    unmeasured = [] if measured else [(BATCHING, _batching_sentences.COMMAND)]
    invalid = []
    by_name = {scenario.name: scenario for scenario in cells.run.scenarios}
    for name in dict.fromkeys([*reported(), *(name for name in cells.scenarios if of_record(name).reports)]):
        answers = list(_answers(cells, by_name[name])) if name in by_name else []
        if answers:
            measured.append(Workload(name, name, by_name[name].description, answers))
        elif name in cells.scenarios:
            invalid.append(name)
        else:
            unmeasured.append((name, f"python -m bench run -s {name}"))
    return Workloads(measured, unmeasured, invalid)


def _answers(cells: Cells, scenario: ScenarioFacts) -> Iterator[Phrase]:
    """A sentence per row that the scenario declares, then those of its kind; none without a valid trial."""
    for row in of_record(scenario.name).reports:
        sentence = standing if isinstance(row, Ranking) else medians
        opening = plain(filled(row.opening, scenario))
        if answer := sentence(cells, row.metric, scenario.name, opening, _lower_bounds(cells, row.metric, scenario)):
            yield answer
    if any(cells.valid(scenario.name, variant.name) for variant in cells.measured(scenario.name)):
        yield from details(cells, scenario)


def _lower_bounds(cells: Cells, metric: str, scenario: ScenarioFacts) -> set[str]:
    """The variants whose result of a search is only a lower bound."""
    bounded = set()
    for variant in cells.measured(scenario.name):
        searches = [trial.capacity for trial in cells.valid(scenario.name, variant.name) if trial.capacity]
        estimate = cells.estimate("capacity", scenario.name, variant.name) if searches else None
        if estimate and median_is_lower_bound(searches, estimate.median):
            bounded.add(variant.name)
    return bounded


SECTION = Section("Workloads", "Workloads", 50, lambda sources: workloads(sources.cells))
