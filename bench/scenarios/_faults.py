"""What goes wrong in a scenario on purpose, and what its faults are compared with."""

from __future__ import annotations

from dataclasses import dataclass

from bench.scenarios._parameters import Parameter, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of a scenario: one per value of the parameter `varied`; without it, one.

    control: the value that is no fault, with which the others are compared; empty: there is none.
    recovery: the metric that is the time to recover; empty: there is nothing to recover from.
    """

    varied: Parameter[str] | None = None
    control: str = ""
    recovery: str = ""

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
