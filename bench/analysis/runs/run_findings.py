"""Findings about a run as a whole: a closed list like that of the trials, for faults that no single trial shows.

Every entry is first a finding against the instrument and its use, and only then one against a variant. No entry makes a
trial invalid: it names the figures that are not reliable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_controls import UNEVEN, uneven_steal
from bench.analysis.runs.faults import Fault, declared, faults
from bench.analysis.runs.laws import LawVerdict, Reading, read_laws
from bench.analysis.runs.stability import RULES, TOO_FEW, Rule, unstable
from bench.analysis.trials.findings import STEAL
from bench.units import measured, quantity


@dataclass(frozen=True, slots=True)
class Observation:
    """One observation in one cell. Those of one check are ordered by `severity`."""

    scenario: str
    variant: str
    words: str
    severity: float


@dataclass(frozen=True, slots=True)
class RunCheck:
    """One check of a run. `observe` returns its observations, none where there is nothing to report."""

    name: str
    threshold: str
    reason: str
    remedy: str
    observe: Callable[[Cells], list[Observation]]


@dataclass(frozen=True, slots=True)
class RunFinding:
    """A check with its observations, the most severe first."""

    check: RunCheck
    observations: tuple[Observation, ...]

    @property
    def name(self) -> str:
        """The name of the check."""
        return self.check.name

    @property
    def observation(self) -> str:
        """The most severe observation."""
        return self.observations[0].words

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.check.remedy

    @property
    def cells(self) -> list[str]:
        """The cells, the most severe first: `scenario variant`, each once."""
        return list(dict.fromkeys(f"{one.scenario} {one.variant}" for one in self.observations))


def run_findings(cells: Cells) -> list[RunFinding]:
    """All findings about a run, in the order of the list."""
    pairs = [(check, sorted(check.observe(cells), key=lambda one: -one.severity)) for check in RUN_CHECKS]
    return [RunFinding(check, tuple(observations)) for check, observations in pairs if observations]


def _unstable(rule: Rule) -> Callable[[Cells], list[Observation]]:
    def observe(cells: Cells) -> list[Observation]:
        return [
            Observation(one.scenario, one.variant, one.observation, one.severity)
            for one in unstable(cells)
            if one.rule is rule
        ]

    return observe


def _law_missed(cells: Cells) -> list[Observation]:
    return [
        Observation(reading.where, reading.variant.name, _miss(reading), _distance(reading))
        for reading in read_laws(cells.run, cells.trials)
        if reading.verdict is LawVerdict.MISSED
    ]


def _miss(reading: Reading) -> str:
    low, high = (quantity(end, reading.law.unit) for end in (reading.expected.low, reading.expected.high))
    return f"{reading.law.name}: {measured(reading.measured, reading.law.unit)}; the law predicts {low} to {high}"


def _distance(reading: Reading) -> float:
    """How far outside the band, in widths of the band."""
    low, high = reading.expected.low, reading.expected.high
    outside = max(low - reading.measured.median, reading.measured.median - high)
    return outside / (high - low) if high > low else float("inf")


def _uneven_steal(cells: Cells) -> list[Observation]:
    return [
        Observation(fault.scenario, variant.name, _steal_words(fault, *shares), max(shares) / STEAL)
        for fault in faults(cells)
        for variant in cells.shown
        if (shares := uneven_steal(cells, fault, variant.name))
    ]


def _steal_words(fault: Fault, faulty: float, plain: float) -> str:
    with_fault, without = (quantity(share, "share") for share in (faulty, plain))
    control = declared(fault.scenario).control
    return f"the hypervisor took {with_fault} of the cores with {fault.value}, {without} with {control}"


RUN_CHECKS = (
    RunCheck("law missed", "median over the trials of a cell outside the band of the law",
             "a law tests the instrument: a miss is the instrument's fault until shown otherwise",
             "check the findings of those trials and run again on a quiet machine; if the law is missed again, report a"
             " fault of the bench, with the run's folder", _law_missed),
    RunCheck("uneven steal", f"above {STEAL:.0%} of the cores' time under a fault or without it, and {UNEVEN:g} times"
             " the other", "the stolen time can cause a difference between them, or hide one",
             "repeat more often (--repetitions), on a machine that does not share its cores", _uneven_steal),
    *(RunCheck(rule.name, rule.threshold, rule.reason, rule.remedy, _unstable(rule)) for rule in (TOO_FEW, *RULES)),
)  # fmt: skip
