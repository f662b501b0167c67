"""What goes wrong: the fault matrix, and what it says of every scenario in words. No sentence is true in advance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import FaultResult, Outcome, matrix
from bench.analysis.runs.faults import Fault
from bench.analysis.trials.delivery_class import DeliveryClass, delivery_class
from bench.report.palette import family_order
from bench.report.sections._fault_names import NAMES, fault_words
from bench.report.sections._fault_sentences import paragraph, share
from bench.report.sections._section import Section
from bench.results import VariantFacts
from bench.scenarios import with_faults
from bench.units import DASH, counted, interval, quantity


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the matrix in words: `lines`, the first the weightiest; whether a promise was broken in it, and
    whether anything was measured."""

    harm: FaultResult
    lines: list[str]
    broken: bool
    absent: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One fault of the matrix: what it is called, and a cell per variant in the order of the columns."""

    fault: Fault
    name: str
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Part:
    """One scenario: its heading, what was done and seen in sentences."""

    scenario: str
    title: str
    sentences: list[str]


@dataclass(frozen=True, slots=True)
class Line:
    """One cell of the matrix with every number of it."""

    harm: FaultResult
    numbers: list[str]
    outcome: str


@dataclass(frozen=True, slots=True)
class Faults:
    """The section. `columns`: the variants and the words of their classes; `rows`: the matrix; `table`: the same at
    length, by fault; `broken`: a sentence per broken promise; `left_out`: one per variant that was not measured at
    all; `unmeasured`: which scenarios the run does not hold, and
    `options`: what the command to measure them takes; both empty: it holds all."""

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
        """The columns of numbers of the table at length."""
        return HEADS


HEADS = ("valid trials", "lost", "signalled", "unsaid", "repeated", "out of order", "time to recover")
"""The columns of numbers of the long table."""


def faults(cells: Cells) -> Faults:
    """What goes wrong in a run, as far as it was measured."""
    order = family_order(cells.shown)
    found = [[by_name[variant.name] for variant in order]
             for by_name in ({cell.variant.name: cell for cell in held} for held in matrix(cells))]  # fmt: skip
    rows = [Row(held[0].fault, fault_words(held[0].fault), [_cell(one) for one in held]) for held in found if held]
    scenarios = list(dict.fromkeys(row.fault.scenario for row in rows))
    absent = [name for name in with_faults() if name not in scenarios]
    of = {name: [cell.harm for row in rows if row.fault.scenario == name for cell in row.cells] for name in scenarios}
    return Faults(
        [(variant, delivery_class(variant).words) for variant in order] if rows else [],
        rows,
        [Part(name, NAMES[name].title, paragraph(cells, name, of[name])) for name in scenarios],
        [(row.name, [_line(cell.harm) for cell in row.cells]) for row in rows],
        [_broken(cell.harm) for row in rows for cell in row.cells if cell.broken],
        [
            f"{variant.label}: {variant.status}{': ' if variant.reason else ''}{variant.reason}."
            for variant in order
            if rows and variant.status != "measured"
        ],
        _unmeasured(absent),
        " ".join(f"-s {name}" for name in absent),
    )


def _cell(harm: FaultResult) -> Cell:
    if harm.outcome is Outcome.ABSENT:
        reason = harm.reason if harm.variant.status == "measured" else harm.variant.status
        return Cell(harm, [reason], False, True)
    lines = [f"{share(harm.lost, harm.expected)} lost" if harm.lost else "nothing lost"]
    lines += [_said(harm)] if harm.lost else []
    lines += [f"{number:,} {words}" for number, words in _disorder(harm) if number]
    lines += [words for words in (_recovery(harm), _invalid(harm)) if words]
    return Cell(harm, lines, harm.outcome is Outcome.BROKEN, False)


def _said(harm: FaultResult) -> str:
    if not harm.unsignalled:
        return "all signalled"
    return f"{share(harm.unsignalled, harm.expected)} unsaid" if harm.signalled else "all unsaid"


def _disorder(harm: FaultResult) -> tuple[tuple[int, str], ...]:
    return ((harm.duplicated, "repeated"), (harm.reordered, "out of order"))


def _recovery(harm: FaultResult) -> str:
    some = f"not everybody in {harm.unrecovered} of {counted(harm.trials, 'trial')}" if harm.unrecovered else ""
    back = f"back {quantity(harm.recovery.median, 'ns')}" if harm.recovery is not None else ""
    return ", ".join(filter(None, [back, some]))


def _invalid(harm: FaultResult) -> str:
    return f"{harm.invalid} of {counted(harm.trials, 'trial')} struck out" if harm.invalid else ""


def _line(harm: FaultResult) -> Line:
    if harm.outcome is Outcome.ABSENT:
        return Line(harm, [DASH] * len(HEADS), harm.reason)
    counts = (harm.lost, harm.signalled, harm.unsignalled, harm.duplicated, harm.reordered)
    trials = f"{harm.trials - harm.invalid} of {harm.trials}"
    return Line(harm, [trials, *(f"{number:,}" for number in counts), _time(harm)], str(harm.outcome))


def _time(harm: FaultResult) -> str:
    if harm.recovery is None:
        return "not everybody" if harm.unrecovered else DASH
    ends = interval(harm.recovery, "ns")
    return quantity(harm.recovery.median, "ns") + (f" ({ends})" if ends else "")


def _broken(harm: FaultResult) -> str:
    promise = (
        "declares resume"
        if harm.delivery is DeliveryClass.RESUME
        else "owed every message to subscribers who were never cut off"
    )
    return (
        f"{harm.variant.label}, {fault_words(harm.fault)}: {harm.unsignalled:,} of {harm.expected:,} deliveries lost"
        f" without a word, though it {promise}."
    )


def _unmeasured(names: Sequence[str]) -> str:
    return f"Not measured in this run: {', '.join(NAMES[name].title.lower() for name in names)}." if names else ""


SECTION = Section("What goes wrong", "Faults", 60, lambda sources: faults(sources.cells))
