"""The faults of a run: which were planned, which trials ran under them, and how long recovery took.

A fault is a scenario and one value of its parameter. Times come from valid trials alone, one per block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from bench.analysis.numbers.distributions import quantile
from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import FAULTS
from bench.results import Trial


@dataclass(frozen=True, slots=True)
class Points:
    """The parameter by which a scenario has several faults, its values in the order of the report, and the control:
    the value that is no fault, with which the others are compared."""

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

BACK_SHARE = 0.95  # of the lost connections: the recovery time of a trial is when this share was back


def back_ns(trial: Trial) -> float | None:
    """From the loss of a connection until BACK_SHARE of all subscribers that lost theirs were subscribed again; None
    where no connection was lost, or a smaller share came back."""
    reconnects = trial.reconnects
    time = None if reconnects is None else reconnects.reconnect_time
    if reconnects is None or time is None or time.count < max(1, BACK_SHARE * reconnects.disconnects):
        return None
    return quantile(time, BACK_SHARE * reconnects.disconnects / time.count)


def fresh_ns(trial: Trial) -> float | None:
    """From the first attempt to reconnect until nothing was missing, the median over returns."""
    return None if trial.reconnects is None else quantile(trial.reconnects.catch_up_time, 0.5)


def served_ns(trial: Trial) -> float | None:
    """From the return of the broker until every subscriber had a message that was due after it."""
    return None if trial.outage is None else trial.outage.recovered_ns


def grown_bytes(trial: Trial) -> float | None:
    """By how much the memory of the server and its children grew at most after a reader became slow."""
    slow = trial.slow_reader
    return None if slow is None else float(slow.memory_peak_bytes - slow.memory_before_bytes)


# How long recovery takes, in ns. A subscriber that drops its connection chooses how long it stays away: that time is
# not part of it. Beside a slow reader there is nothing to recover from.
RECOVERY: Mapping[str, Read] = MappingProxyType(
    {"dropped": fresh_ns, "restart": back_ns, "outage": served_ns, "lossy": back_ns}
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


def fault_of(trial: Trial) -> Fault | None:
    """The fault of a trial; None where its scenario has no faults, or another parameter was varied."""
    points = POINTS.get(trial.planned.scenario)
    if points is None or not trial.planned.changes.keys() <= {points.parameter}:
        return None
    return Fault(trial.planned.scenario, str(trial.parameters.get(points.parameter, "")) if points.parameter else "")


def control_of(fault: Fault) -> Fault:
    """The same scenario without the fault."""
    return Fault(fault.scenario, POINTS[fault.scenario].control)


def faults(cells: Cells) -> list[Fault]:
    """The faults that a run was to cause, in the order of the table; without the controls."""
    return [
        Fault(scenario, value)
        for scenario in FAULTS
        if scenario in cells.scenarios
        for value in _planned_values(cells, scenario)
        if value != POINTS[scenario].control or not value
    ]


def _planned_values(cells: Cells, scenario: str) -> Sequence[str]:
    """The planned values of the scenario's parameter: those of the table in its order, then others."""
    points = POINTS[scenario]
    if not points.parameter:
        return [""]
    (facts, *_) = [facts for facts in cells.run.scenarios if facts.name == scenario]
    planned = {str(facts.parameters.get(points.parameter, ""))}
    planned |= {
        str(one.changes[points.parameter])
        for one in cells.run.plan
        if one.scenario == scenario and list(one.changes) == [points.parameter]
    }
    in_order = [value for value in (points.control, *points.values) if value in planned]
    return [*in_order, *sorted(planned - set(in_order))]


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
