"""What goes wrong in a scenario on purpose, in which words it is reported, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.scenarios._parameters import Parameter, Values


@dataclass(frozen=True, slots=True)
class FaultName:
    """The words for a fault. name: in a row of the fault matrix. done: what was done, for `{acts}` in `Faults.done`."""

    name: str
    done: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of a scenario: one per value of the parameter `varied`; without it, one, whose value is empty.

    title: the heading of its paragraph in the report. done: the first sentence of the paragraph, in which `{name}`
    stands for a parameter, and `{acts}` for what was done in the faults of the run.
    named: the faults in words, by value; one that is not named is called by its value.
    control: the value that is no fault, with which the others are compared; empty: there is none.
    recovery: the metric that is the time to recover; empty: there is nothing to recover from.
    recovered: from when until when that time runs.
    """

    title: str = ""
    done: str = ""
    named: Mapping[str, FaultName] = field(default_factory=dict)
    varied: Parameter[str] | None = None
    control: str = ""
    recovery: str = ""
    recovered: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError for a control that the parameter does not take."""
        if self.control and (self.varied is None or self.control not in self.varied.choices):
            raise ValueError(f"the control {self.control!r} is no value of the varied parameter")

    def value(self, values: Values) -> str:
        """Which fault a trial with these parameters has, by the value of `varied`; empty where there is only one."""
        return str(values.get(self.varied.name, "")) if self.varied else ""

    def is_control(self, values: Values) -> bool:
        """Whether a trial with these parameters has none of the faults."""
        return bool(self.control) and self.value(values) == self.control
