"""What goes wrong: the fault matrix, and a paragraph per scenario with faults. Every sentence is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import FaultResult, Outcome, matrix
from bench.analysis.runs.faults import Fault
from bench.analysis.trials.delivery_class import DeliveryClass, delivery_class
from bench.report.palette import family_order
from bench.report.sections._fault_sentences import disorder, fault_words, paragraph, share, title
from bench.report.sections._section import Section
from bench.results import VariantFacts
from bench.scenarios import with_faults
from bench.units import DASH, counted, interval, quantity


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix in words: `lines`, the most important first; whether a promise was broken, and whether
    nothing was measured."""

    result: FaultResult
    lines: list[str]
    broken: bool
    absent: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One fault of the matrix: its name, and a cell per variant in the order of the columns."""

    fault: Fault
    name: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Part:
    """One scenario: its heading, then what was done and measured, in sentences."""

    scenario: str
    title: str
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Line:
    """One cell of the matrix with all its numbers."""

    result: FaultResult
    numbers: list[str]
    outcome: str


@dataclass(frozen=True, slots=True)
class Faults:
    """The section.

    columns: the variants with the words of their delivery classes. rows: the matrix. table: the same with all numbers,
    by fault. broken: a sentence per broken promise. left_out: one per variant that was not measured at all.
    unmeasured: a sentence with the scenarios that the run does not contain, and options: those of the command that
    measures them; both empty if it contains all.
    """

    columns: list[tuple[VariantFacts, str]]
    rows: list[Row]
    parts: list[Part]
    table: list[tuple[str, list[Line]]]
    broken: list[str]
    left_out: list[str]
    unmeasured: str
    options: str

    @property
    def heads(self) -> tuple[str, ...]:
        """The columns of numbers of the long table."""
        return HEADS


HEADS = ("valid trials", "lost", "signalled", "not signalled", "repeated", "out of order", "time to recover")


def faults(cells: Cells) -> Faults:
    """The section of a run, as far as its faults were measured."""
    order = family_order(cells.shown)
    by_names = [{one.variant.name: one for one in results} for results in matrix(cells) if results]
    results = [[by_name[variant.name] for variant in order] for by_name in by_names]
    rows = [Row(row[0].fault, fault_words(row[0].fault), [_cell(one) for one in row]) for row in results]
    scenarios = list(dict.fromkeys(row.fault.scenario for row in rows))
    absent = [name for name in with_faults() if name not in scenarios]
    of = {name: [cell.result for row in rows if row.fault.scenario == name for cell in row.cells] for name in scenarios}
    return Faults(
        [(variant, delivery_class(variant).words) for variant in order] if rows else [],
        rows,
        [Part(name, title(name), paragraph(cells, name, of[name])) for name in scenarios],
        [(row.name, [_line(cell.result) for cell in row.cells]) for row in rows],
        [_broken(cell.result) for row in rows for cell in row.cells if cell.broken],
        [
            f"{variant.label}: {variant.status}{': ' if variant.reason else ''}{variant.reason}."
            for variant in order
            if rows and variant.status != "measured"
        ],
        _unmeasured(absent),
        " ".join(f"-s {name}" for name in absent),
    )


def _cell(result: FaultResult) -> Cell:
    if result.outcome is Outcome.ABSENT:
        reason = result.reason if result.variant.status == "measured" else result.variant.status
        return Cell(result, [reason], False, True)
    lines = [f"{share(result.lost, result.expected)} lost" if result.lost else "nothing lost"]
    lines += [_signalled(result)] if result.lost else []
    lines += [f"{number:,} {words}" for number, words in disorder(result) if number]
    lines += [words for words in (_recovery(result), _invalid(result)) if words]
    return Cell(result, lines, result.outcome is Outcome.BROKEN, False)


def _signalled(result: FaultResult) -> str:
    if not result.unsignalled:
        return "all signalled"
    return f"{share(result.unsignalled, result.expected)} not signalled" if result.signalled else "none signalled"


def _recovery(result: FaultResult) -> str:
    some = (
        f"not all subscribers in {result.unrecovered} of {counted(result.trials, 'trial')}"
        if result.unrecovered
        else ""
    )
    time = f"recovered in {quantity(result.recovery.median, 'ns')}" if result.recovery is not None else ""
    return ", ".join(filter(None, [time, some]))


def _invalid(result: FaultResult) -> str:
    return f"{result.invalid} of {counted(result.trials, 'trial')} invalid" if result.invalid else ""


def _line(result: FaultResult) -> Line:
    if result.outcome is Outcome.ABSENT:
        return Line(result, [DASH] * len(HEADS), result.reason)
    counts = (result.lost, result.signalled, result.unsignalled, result.duplicated, result.reordered)
    trials = f"{result.trials - result.invalid} of {result.trials}"
    return Line(result, [trials, *(f"{number:,}" for number in counts), _time(result)], str(result.outcome))


def _time(result: FaultResult) -> str:
    if result.recovery is None:
        return "not all subscribers" if result.unrecovered else DASH
    ends = interval(result.recovery, "ns")
    return quantity(result.recovery.median, "ns") + (f" ({ends})" if ends else "")


def _broken(result: FaultResult) -> str:
    promise = (
        "declares resume"
        if result.delivery is DeliveryClass.RESUME
        else "owed every message to subscribers that were never disconnected"
    )
    who = f"{result.variant.label}, {fault_words(result.fault)}"
    lost = f"{result.unsignalled:,} of {result.expected:,} deliveries lost and not signalled"
    return f"{who}: {lost}, though it {promise}."


def _unmeasured(names: Sequence[str]) -> str:
    return f"Not measured in this run: {', '.join(title(name).lower() for name in names)}." if names else ""


SECTION = Section("What goes wrong", "Faults", 60, lambda sources: faults(sources.cells))
