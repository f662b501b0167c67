"""The fault matrix: what every variant did under every fault, beside what its delivery class promises.

Counts are sums over all trials whose ledger is trustworthy, valid or not: a trial may be invalid *because* of what it
lost, and that loss must be counted. A trial that only the machine disturbed, and that was retried, lost nothing by
fault of the variant: the last retry counts in its place. Times come from valid trials alone, one per block.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import Fault, by_block, faults, recovery_of, trials_under
from bench.analysis.trials.delivery_class import DeliveryClass, broken, delivery_class, unsignalled
from bench.analysis.trials.recount import agree
from bench.results import Trial, VariantFacts


class Outcome(enum.StrEnum):
    """What one variant did under one fault."""

    WHOLE = "nothing lost"
    SIGNALLED = "all losses signalled"
    UNSIGNALLED = "losses not signalled, as its class allows"
    BROKEN = "broken promise"
    ABSENT = "not measured"


@dataclass(frozen=True, slots=True)
class FaultResult:
    """One cell of the matrix. Counts are sums over `trials`, of which `invalid` were not valid.

    recovery: time to recover in ns, a median over blocks; None where there was nothing to recover from, or no recovery.
    unrecovered: in how many trials a subscriber had not recovered by the end. reason: why nothing was measured.
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
    unrecovered: int = 0
    reason: str = ""

    @property
    def unsignalled(self) -> int:
        """Deliveries lost outside of every gap that the server signalled."""
        return self.lost - self.signalled


def matrix(cells: Cells) -> list[list[FaultResult]]:
    """A row per fault with a cell per variant that reports compare, in the order of the run."""
    return [[fault_result(cells, fault, variant) for variant in cells.shown] for fault in faults(cells)]


def fault_result(cells: Cells, fault: Fault, variant: VariantFacts) -> FaultResult:
    """What a fault did to a variant."""
    delivery, trials = delivery_class(variant), trials_under(cells, fault, variant.name)
    counted = _last_of_each_place(trial for trial in trials if trustworthy(trial))
    if not counted:
        return FaultResult(fault, variant, delivery, Outcome.ABSENT, reason=_why_absent(cells, fault, variant, trials))
    ledgers = [trial.ledger for trial in counted if trial.ledger is not None]
    recovery = recovery_of(fault)
    return FaultResult(
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
        recovery=estimate(list(by_block(trials, recovery.value).values())) if recovery else None,
        unrecovered=sum(_unrecovered(trial) for trial in counted),
    )


def _last_of_each_place(trials: Iterable[Trial]) -> list[Trial]:
    """A trial and its retries stand at one place of the plan: the last of them."""
    return list({trial.planned.place: trial for trial in trials}.values())


def trustworthy(trial: Trial) -> bool:
    """Whether the ledger of a trial, valid or not, is reliable."""
    if trial.failure is not None or trial.ledger is None:
        return False
    return trial.recount is None or agree(trial.ledger, trial.recount)


def outcome(trials: Sequence[Trial], delivery: DeliveryClass) -> Outcome:
    """The worst that any of the trials shows."""
    if any(broken(trial, delivery) for trial in trials):
        return Outcome.BROKEN
    ledgers = [trial.ledger for trial in trials if trial.ledger is not None]
    if any(unsignalled(ledger) > 0 for ledger in ledgers):
        return Outcome.UNSIGNALLED
    return Outcome.SIGNALLED if any(ledger.lost for ledger in ledgers) else Outcome.WHOLE


def _unrecovered(trial: Trial) -> bool:
    """Whether a subscriber had not recovered by the end."""
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
    planned = any((one.scenario, one.variant) == (fault.scenario, variant.name) for one in cells.run.plan)
    return "not run" if planned else "not requested"
