"""A fault beside its control: one variant with the fault and without it, paired by block."""

from __future__ import annotations

from statistics import median

from bench.analysis.numbers.statistics import Compared, compare
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import Fault, Read, by_block, control_of, trials_under
from bench.analysis.trials.core_shares import Taken, load_processes, share
from bench.analysis.trials.findings import STEAL
from bench.analysis.trials.metrics import METRICS
from bench.results import Trial

UNEVEN = 2.0  # steal of one side, in units of the other's: from here on it is reported beside the comparison


def beside_control(cells: Cells, metric: str, fault: Fault, variant: str) -> Compared:
    """A metric of a variant under a fault compared with the same without it, paired by block."""
    faulty, plain = _sides(cells, fault, variant, METRICS[metric].of)
    return compare(faulty, plain, cells.floor(metric, fault.scenario))


def _sides(cells: Cells, fault: Fault, variant: str, read: Read) -> tuple[dict[int, float], dict[int, float]]:
    """Values with the fault and without it, by block; nothing without it where it has no control."""
    control = control_of(fault)
    without = trials_under(cells, control, variant) if control else []
    return by_block(trials_under(cells, fault, variant), read), by_block(without, read)


def steal_share(trial: Trial) -> float | None:
    """The share of the time of the trial's cores that a hypervisor took; None where the kernel does not report it."""
    machine = trial.machine
    if machine is None or machine.steal_ns is None or not machine.cores or machine.window_ns <= 0:
        return None
    taken = Taken(machine.steal_ns, machine.first_steal_ns)
    return share(taken, machine.window_ns, len(machine.cores), load_processes(trial), avoidable=False)


def uneven_steal(cells: Cells, fault: Fault, variant: str) -> tuple[float, float] | None:
    """The median steal share of a variant's trials with the fault and without it, over the blocks that have both; None
    where neither is enough for a finding, or neither is UNEVEN times the other."""
    sides = _sides(cells, fault, variant, steal_share)
    shared = sides[0].keys() & sides[1].keys()
    if not shared:
        return None
    faulty, plain = (median(side[block] for block in shared) for side in sides)
    more, less = max(faulty, plain), min(faulty, plain)
    return (faulty, plain) if more > STEAL and more >= UNEVEN * less else None
