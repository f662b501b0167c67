"""A fault beside its control: one variant with the fault and without it, paired by block."""

from __future__ import annotations

from statistics import median

from bench.analysis.numbers.statistics import Compared, compare
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import Fault, by_block, control_of, trials_under
from bench.analysis.trials.findings import STEAL
from bench.analysis.trials.metrics import METRICS
from bench.results import Trial

UNEVEN = 2.0  # steal of one side, in units of the other's: from here on it is reported beside the comparison


def beside_control(cells: Cells, metric: str, fault: Fault, variant: str) -> Compared:
    """A metric of a variant under a fault compared with the same without it, paired by block."""
    read = METRICS[metric].of
    faulty, control = (by_block(trials_under(cells, one, variant), read) for one in (fault, control_of(fault)))
    return compare(faulty, control, cells.floor(metric, fault.scenario))


def steal_share(trial: Trial) -> float | None:
    """The share of the trial's cores that a hypervisor took; None where the kernel does not report it."""
    machine = trial.machine
    if machine is None or machine.steal_ns is None or not machine.cores or machine.window_ns <= 0:
        return None
    return machine.steal_ns / (machine.window_ns * len(machine.cores))


def uneven_steal(cells: Cells, fault: Fault, variant: str) -> tuple[float, float] | None:
    """The median steal share of a variant's trials with the fault and without it, over the blocks that have both; None
    where neither is enough for a finding, or neither is UNEVEN times the other."""
    control = control_of(fault)
    sides = [by_block(trials_under(cells, one, variant), steal_share) for one in (fault, control)]
    shared = sides[0].keys() & sides[1].keys()
    if fault == control or not shared:
        return None
    faulty, plain = (median(side[block] for block in shared) for side in sides)
    more, less = max(faulty, plain), min(faulty, plain)
    return (faulty, plain) if more > STEAL and more >= UNEVEN * less else None
