"""The faults of a run: which were planned, which trials ran under them, and how long recovery took.

A fault is a scenario and one value of its parameter. Times come from valid trials alone, one per block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS, Metric
from bench.results import Trial
from bench.scenarios import Faults, nearest, of_record

Read = Callable[[Trial], float | None]

BACK_SHARE = 0.95  # of the lost connections, in sentences: `back_p95` is the time until this share was back


back_ns, fresh_ns, served_ns, grown_bytes = (
    METRICS[name].value for name in ("back_p95", "fresh_p50", "recovery", "memory_growth")
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong: a scenario, and the value of its parameter (empty: it has one fault only)."""

    scenario: str
    value: str = ""

    @property
    def name(self) -> str:
        """The name in tables of numbers: `restart KILL`."""
        return f"{self.scenario} {self.value}".strip()


def declared(scenario: str) -> Faults:
    """What a scenario declares of its faults; one fault without control or recovery where it declares none."""
    return of_record(scenario).faults or Faults()


def fault_of(trial: Trial) -> Fault | None:
    """The fault of a trial; None where its scenario has no faults, or another parameter was varied."""
    faults = of_record(trial.planned.scenario).faults
    if faults is None or not trial.planned.changes.keys() <= {faults.varied.name if faults.varied else ""}:
        return None
    return Fault(trial.planned.scenario, faults.value(trial.parameters))


def control_of(fault: Fault) -> Fault | None:
    """The same scenario without the fault; None where it has no control."""
    control = declared(fault.scenario).control
    return Fault(fault.scenario, control) if control else None


def recovery_of(fault: Fault) -> Metric | None:
    """The metric that is the time to recover from a fault; None where there is nothing to recover from. Raises
    LookupError for a metric that does not exist."""
    name = declared(fault.scenario).recovery
    if name and name not in METRICS:
        raise LookupError(f"the recovery of {fault.scenario} is no metric: {name!r}; {nearest(name, METRICS)}")
    return METRICS[name] if name else None


def faults(cells: Cells) -> list[Fault]:
    """The faults that a run was to cause, in the order of its scenarios; without the controls."""
    return [
        Fault(scenario, value)
        for scenario in cells.scenarios
        if of_record(scenario).faults
        for value in _planned_values(cells, scenario, declared(scenario))
        if not value or value != declared(scenario).control
    ]


def _planned_values(cells: Cells, scenario: str, faults: Faults) -> Sequence[str]:
    """The planned values of the varied parameter: the control, the declared ones in their order, then others."""
    if faults.varied is None:
        return [""]
    name = faults.varied.name
    (facts, *_) = [facts for facts in cells.run.scenarios if facts.name == scenario]
    planned = {str(facts.parameters.get(name, ""))}
    planned |= {
        str(one.changes[name]) for one in cells.run.plan if one.scenario == scenario and list(one.changes) == [name]
    }
    in_order = dict.fromkeys(value for value in (faults.control, *faults.varied.choices) if value in planned)
    return [*in_order, *sorted(planned - in_order.keys())]


def trials_under(cells: Cells, fault: Fault, variant: str) -> list[Trial]:
    """The trials of a variant under a fault, valid or not, each twin after the first trial of its cell."""
    trials = [trial for trial in cells.trials if trial.planned.variant == variant and fault_of(trial) == fault]
    return sorted(trials, key=lambda trial: (trial.planned.place, trial.planned.id))


def by_block(trials: Iterable[Trial], read: Read) -> dict[int, float]:
    """In every block, the value of the first valid trial that has one."""
    values: dict[int, float] = {}
    for trial in trials:
        value = read(trial) if trial.valid else None
        if value is not None:
            values.setdefault(trial.planned.block, float(value))
    return dict(sorted(values.items()))
