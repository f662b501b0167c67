"""What can be wrong with a run as a whole: a closed list like that of the trials, for what no trial shows alone.

Every entry is a finding against us, the instrument and its use, before it is one against a variant. None of them
strikes a trial out: they say which of the figures not to lean on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_controls import UNEVEN, uneven_steal
from bench.analysis.runs.faults import POINTS, Fault, faults
from bench.analysis.runs.laws import LawVerdict, Reading, read_laws
from bench.analysis.runs.stability import RULES, TOO_FEW, Rule, unstable
from bench.analysis.trials.findings import STEAL
from bench.units import measured, quantity


@dataclass(frozen=True, slots=True)
class Seen:
    """One sighting: in which cell, what, and how bad; sightings of one kind are ordered by `severity`."""

    scenario: str
    variant: str
    observation: str
    severity: float


@dataclass(frozen=True, slots=True)
class RunCheck:
    """One way in which a run can be doubted. `observe` returns what was seen, nothing when there was nothing."""

    name: str
    threshold: str
    reason: str
    remedy: str
    observe: Callable[[Cells], list[Seen]]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A check that saw something: every sighting, the worst first."""

    check: RunCheck
    seen: tuple[Seen, ...]

    @property
    def name(self) -> str:
        """What it is called."""
        return self.check.name

    @property
    def observation(self) -> str:
        """The worst of what was seen."""
        return self.seen[0].observation

    @property
    def remedy(self) -> str:
        """What to do about it."""
        return self.check.remedy

    @property
    def cells(self) -> list[str]:
        """Where it was seen, the worst first: `scenario variant`, each once."""
        return list(dict.fromkeys(f"{one.scenario} {one.variant}" for one in self.seen))


def doubts(cells: Cells) -> list[Doubt]:
    """All doubts about a run, in the order of the list."""
    found = [(check, sorted(check.observe(cells), key=lambda one: -one.severity)) for check in RUN_CHECKS]
    return [Doubt(check, tuple(seen)) for check, seen in found if seen]


def _unstable(rule: Rule) -> Callable[[Cells], list[Seen]]:
    def observe(cells: Cells) -> list[Seen]:
        return [
            Seen(one.scenario, one.variant, one.observation, one.severity)
            for one in unstable(cells)
            if one.rule is rule
        ]

    return observe


def _missed(cells: Cells) -> list[Seen]:
    return [
        Seen(reading.where, reading.variant.name, _miss(reading), _distance(reading))
        for reading in read_laws(cells.run, cells.trials)
        if reading.verdict is LawVerdict.MISSED
    ]


def _miss(reading: Reading) -> str:
    low, high = (quantity(end, reading.law.unit) for end in (reading.expected.low, reading.expected.high))
    return f"{reading.law.name}: {measured(reading.measured, reading.law.unit)}, where the law says {low} to {high}"


def _distance(reading: Reading) -> float:
    """How far outside the band, in widths of the band."""
    low, high = reading.expected.low, reading.expected.high
    outside = max(low - reading.measured.median, reading.measured.median - high)
    return outside / (high - low) if high > low else float("inf")


def _uneven(cells: Cells) -> list[Seen]:
    return [
        Seen(fault.scenario, variant.name, _stolen(fault, *shares), max(shares) / STEAL)
        for fault in faults(cells)
        for variant in cells.shown
        if (shares := uneven_steal(cells, fault, variant.name))
    ]


def _stolen(fault: Fault, ours: float, theirs: float) -> str:
    taken, without = (quantity(share, "share") for share in (ours, theirs))
    control = POINTS[fault.scenario].control
    return f"the hypervisor took {taken} of the cores with {fault.value}, {without} with {control}"


RUN_CHECKS = (
    RunCheck("law missed", "median over the trials of a cell outside the band of the law",
             "what is known beforehand tests the instrument: a miss is its fault until shown otherwise",
             "look at the findings of those trials and run again on a quiet machine; if it is missed again, report a"
             " fault of the bench, with the run's folder", _missed),
    RunCheck("uneven steal", f"above {STEAL:.0%} of the cores' time under a fault or without it, and {UNEVEN:g} times"
             " the other", "the time that was taken can make a difference between them, or hide one",
             "repeat more often (--repetitions), on a machine that shares its cores with nobody", _uneven),
    *(RunCheck(rule.name, rule.threshold, rule.reason, rule.remedy, _unstable(rule)) for rule in (TOO_FEW, *RULES)),
)  # fmt: skip
