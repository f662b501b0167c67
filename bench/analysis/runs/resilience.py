"""The fault matrix: what every variant did under every fault, beside what its delivery class promises.

Counts are sums over all trials whose ledger can be believed, valid or not: a trial is struck out *because* of what it
lost, and must not vanish for that. One that only the machine disturbed, and that was taken again, lost nothing that it
should not have: its last retake counts in its place. Times rest on valid trials alone, one per block.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from types import MappingProxyType

from bench.analysis.numbers.distributions import quantile
from bench.analysis.numbers.statistics import Compared, Estimate, compare, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.delivery import DeliveryClass, broken, delivery_class, unsignalled
from bench.analysis.trials.findings import STEAL
from bench.analysis.trials.metrics import FAULTS, METRICS
from bench.analysis.trials.recount import agree
from bench.results import Trial, VariantFacts


@dataclass(frozen=True, slots=True)
class Points:
    """The parameter by which a scenario has several faults, its values in the order in which they are told, and the
    one that is no fault but what the others stand beside."""

    parameter: str = ""
    values: tuple[str, ...] = ()
    control: str = ""


POINTS: Mapping[str, Points] = MappingProxyType(
    {
        "dropped": Points(),
        "restart": Points("signal", ("TERM", "KILL")),
        "slow_reader": Points("slow", ("trickle then stop",), "none"),
        "outage": Points("outage", ("STOP", "KILL")),
        "lossy": Points("path", ("far", "narrow", "fragments", "resets", "stalls"), "direct"),
    }
)
assert tuple(POINTS) == FAULTS

Read = Callable[[Trial], float | None]

BACK = 0.95
"""The share of those who lost their connection by whom it is told when they were back."""
UNEVEN = 2.0
"""How many times what it took from one side a hypervisor has to take from the other to be named beside a comparison."""


def back_ns(trial: Trial) -> float | None:
    """From the loss of a connection until so many of all who lost theirs were subscribed again; None where fewer ever
    were, or nobody lost any."""
    back = trial.reconnects.reconnect_time if trial.reconnects is not None else None
    if trial.reconnects is None or back is None or not back.count or back.count < BACK * trial.reconnects.disconnects:
        return None
    return quantile(back, BACK * trial.reconnects.disconnects / back.count)


def fresh_ns(trial: Trial) -> float | None:
    """From the first attempt to come back until nothing was missing, the median over returns."""
    return None if trial.reconnects is None else quantile(trial.reconnects.catch_up_time, 0.5)


def served_ns(trial: Trial) -> float | None:
    """From the return of the broker until everybody had a message that was due after it."""
    return None if trial.outage is None else trial.outage.recovered_ns


def grown_bytes(trial: Trial) -> float | None:
    """How much memory the server, and what it starts, took at most since a reader was slow."""
    return (
        None
        if trial.slow_reader is None
        else float(trial.slow_reader.memory_peak_bytes - trial.slow_reader.memory_before_bytes)
    )


RECOVERY: Mapping[str, Read] = MappingProxyType(
    {"dropped": fresh_ns, "restart": back_ns, "outage": served_ns, "lossy": back_ns}
)
"""How long recovery takes, in ns. Who drops a connection stays away for a time of its own choice, which is no part of
it. Beside a slow reader nobody has anything to recover from."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: a scenario, and the value of its parameter (empty: it has but one fault)."""

    scenario: str
    value: str = ""

    @property
    def name(self) -> str:
        """What tables of numbers call it: `restart KILL`."""
        return f"{self.scenario} {self.value}".strip()


class Outcome(enum.StrEnum):
    """What one variant did under one fault."""

    WHOLE = "nothing lost"
    SIGNALLED = "all losses signalled"
    UNSAID = "lost unsaid, as its class allows"
    BROKEN = "broken promise"
    ABSENT = "not measured"


@dataclass(frozen=True, slots=True)
class Harm:
    """One cell of the matrix. Counts are sums over `trials`, of which `invalid` were not valid.

    recovery: time to recover in ns, a median over blocks; None where nothing was to be recovered from, or nobody did.
    never: in how many trials somebody had not recovered by the end. reason: why nothing was measured.
    """

    fault: Fault
    variant: VariantFacts
    delivery: DeliveryClass
    outcome: Outcome
    trials: int = 0
    invalid: int = 0
    expected: int = 0
    lost: int = 0
    signalled: int = 0
    duplicated: int = 0
    reordered: int = 0
    recovered: int = 0
    recovery: Estimate | None = None
    never: int = 0
    reason: str = ""

    @property
    def unsignalled(self) -> int:
        """What was lost in no gap that the server told of."""
        return self.lost - self.signalled


def fault_of(trial: Trial) -> Fault | None:
    """The fault of a trial; None where its scenario is none, or something else was varied."""
    points = POINTS.get(trial.planned.scenario)
    if points is None or not trial.planned.changes.keys() <= {points.parameter}:
        return None
    return Fault(trial.planned.scenario, str(trial.parameters.get(points.parameter, "")) if points.parameter else "")


def faults(cells: Cells) -> list[Fault]:
    """The faults that a run was to cause, in the order of the table; without the controls."""
    return [
        Fault(scenario, value)
        for scenario in FAULTS
        if scenario in cells.scenarios
        for value in _values(cells, scenario)
        if value != POINTS[scenario].control or not value
    ]


def _values(cells: Cells, scenario: str) -> Sequence[str]:
    """The values of the scenario's parameter that were planned: the known ones in their order, then others."""
    points = POINTS[scenario]
    if not points.parameter:
        return [""]
    (facts, *_) = [facts for facts in cells.run.scenarios if facts.name == scenario]
    seen = {str(facts.parameters.get(points.parameter, ""))}
    seen |= {
        str(one.changes[points.parameter])
        for one in cells.run.plan
        if one.scenario == scenario and list(one.changes) == [points.parameter]
    }
    known = [value for value in (points.control, *points.values) if value in seen]
    return [*known, *sorted(seen - set(known))]


def trials_under(cells: Cells, fault: Fault, variant: str) -> list[Trial]:
    """The trials of a variant under a fault, valid or not, twins after their firsts."""
    held = [trial for trial in cells.trials if trial.planned.variant == variant and fault_of(trial) == fault]
    return sorted(held, key=lambda trial: (trial.planned.place, trial.planned.id))


def by_block(trials: Iterable[Trial], read: Read) -> dict[int, float]:
    """What is read off the first valid trial of every block that has it."""
    found: dict[int, float] = {}
    for trial in trials:
        value = read(trial) if trial.valid else None
        if value is not None:
            found.setdefault(trial.planned.block, float(value))
    return dict(sorted(found.items()))


def beside_control(cells: Cells, metric: str, fault: Fault, variant: str) -> Compared:
    """A metric of a variant under a fault against the same without it, paired by block."""
    control = Fault(fault.scenario, POINTS[fault.scenario].control)
    read = METRICS[metric].of
    ours, theirs = (by_block(trials_under(cells, one, variant), read) for one in (fault, control))
    return compare(ours, theirs, cells.floor(metric, fault.scenario))


def stolen(trial: Trial) -> float | None:
    """The share of the trial's cores that a hypervisor took; None where that is not known."""
    machine = trial.machine
    if machine is None or machine.steal_ns is None or not machine.cores or machine.window_ns <= 0:
        return None
    return machine.steal_ns / (machine.window_ns * len(machine.cores))


def stolen_unevenly(cells: Cells, fault: Fault, variant: str) -> tuple[float, float] | None:
    """What a hypervisor took of a variant's trials under a fault and without it, in the middle of the blocks that have
    both; None where neither share is enough for a finding, or neither is UNEVEN times the other."""
    control = Fault(fault.scenario, POINTS[fault.scenario].control)
    sides = [by_block(trials_under(cells, one, variant), stolen) for one in (fault, control)]
    shared = sides[0].keys() & sides[1].keys()
    if fault == control or not shared:
        return None
    ours, theirs = (median(side[block] for block in shared) for side in sides)
    more, less = max(ours, theirs), min(ours, theirs)
    return (ours, theirs) if more > STEAL and more >= UNEVEN * less else None


def matrix(cells: Cells) -> list[list[Harm]]:
    """A row per fault with a cell per variant that reports compare, in the order of the run."""
    return [[harm(cells, fault, variant) for variant in cells.shown] for fault in faults(cells)]


def harm(cells: Cells, fault: Fault, variant: VariantFacts) -> Harm:
    """What a fault did to a variant."""
    delivery, trials = delivery_class(variant), trials_under(cells, fault, variant.name)
    counted = [trial for trial in trials if believed(trial)]
    counted = list({trial.planned.place: trial for trial in counted}.values())  # the last of those at one place
    if not counted:
        return Harm(fault, variant, delivery, Outcome.ABSENT, reason=_why_absent(cells, fault, variant, trials))
    ledgers = [trial.ledger for trial in counted if trial.ledger is not None]
    read = RECOVERY.get(fault.scenario)
    return Harm(
        fault,
        variant,
        delivery,
        outcome(counted, delivery),
        trials=len(counted),
        invalid=sum(not trial.valid for trial in counted),
        expected=sum(ledger.expected for ledger in ledgers),
        lost=sum(ledger.lost for ledger in ledgers),
        signalled=sum(ledger.signalled for ledger in ledgers),
        duplicated=sum(ledger.duplicated for ledger in ledgers),
        reordered=sum(ledger.reordered for ledger in ledgers),
        recovered=sum(trial.reconnects.recovered_deliveries for trial in counted if trial.reconnects is not None),
        recovery=estimate(list(by_block(trials, read).values())) if read else None,
        never=sum(_never(trial) for trial in counted),
    )


def believed(trial: Trial) -> bool:
    """Whether the ledger of a trial, valid or not, says what was delivered."""
    if trial.failure is not None or trial.ledger is None:
        return False
    return trial.recount is None or agree(trial.ledger, trial.recount)


def outcome(trials: Sequence[Trial], delivery: DeliveryClass) -> Outcome:
    """The worst that any of the trials shows."""
    if any(broken(trial, delivery) for trial in trials):
        return Outcome.BROKEN
    ledgers = [trial.ledger for trial in trials if trial.ledger is not None]
    if any(unsignalled(ledger) > 0 for ledger in ledgers):
        return Outcome.UNSAID
    return Outcome.SIGNALLED if any(ledger.lost for ledger in ledgers) else Outcome.WHOLE


def _never(trial: Trial) -> bool:
    """Whether somebody had not recovered by the end."""
    if trial.outage is not None:
        return trial.outage.recovered_ns is None
    return trial.reconnects is not None and trial.reconnects.caught_up < trial.reconnects.disconnects


def _why_absent(cells: Cells, fault: Fault, variant: VariantFacts, trials: Sequence[Trial]) -> str:
    if variant.status != "measured":
        return f"{variant.status}: {variant.reason}" if variant.reason else variant.status
    failures = [trial.failure for trial in trials if trial.failure is not None]
    if failures:
        return f"failed in phase {failures[0].phase}"
    if trials:
        return "ledger and recount disagree"
    (facts, *_) = [facts for facts in cells.run.scenarios if facts.name == fault.scenario]
    if variant.name in facts.excluded:
        return facts.excluded[variant.name]
    asked = any((one.scenario, one.variant) == (fault.scenario, variant.name) for one in cells.run.plan)
    return "not run" if asked else "not asked for"
