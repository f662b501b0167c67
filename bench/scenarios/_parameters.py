"""Parameters: what each is worth in every profile, what it may be, and which other values a sweep has.

Those that several scenarios have are defined here once and get their value by a call: `SUBSCRIBERS(100, quick=50)`.
"""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from bench.messages import LARGEST_BYTES, SMALLEST_BYTES
from bench.paths import PATHS

PROFILES = ("quick", "standard", "full")
"""How much is measured, the smallest first."""

Values = Mapping[str, Any]
"""The parameters of a trial, by name."""

V = TypeVar("V")


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for an unknown name: the closest known one, or all of them."""
    there = sorted(known)
    close = difflib.get_close_matches(name, there, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(there)}"


@dataclass(frozen=True, slots=True)
class Parameter(Generic[V]):
    """One parameter. Of a list, `low` and `high` bound every element; a text is one of `choices`, where there are any.

    profiles: its value in profiles that have another; sweep: the values beside its own at which the profile `full`
    measures too. Raises ValueError for a value that it may not have.
    """

    name: str
    value: V | None = None
    low: float = float("-inf")
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    profiles: Mapping[str, V] = field(default_factory=dict)
    sweep: tuple[V, ...] = ()

    def __post_init__(self) -> None:
        if unknown := self.profiles.keys() - set(PROFILES):
            raise ValueError(f"{self.name}: no profile {min(unknown)!r}; {nearest(min(unknown), PROFILES)}")
        for value in (self.value, *self.profiles.values(), *self.sweep):
            if value is not None:
                self.checked(value)

    def __call__(self, value: V, *, sweep: tuple[V, ...] = (), **profiles: V) -> Parameter[V]:
        """The same parameter with a value, and with others in a sweep and in profiles."""
        return replace(self, value=value, sweep=sweep, profiles=profiles)

    def of(self, values: Values) -> V:
        """Its value among those of a trial."""
        value: V = values[self.name]
        return value

    def within(self, profile: str) -> V:
        """Its value in a profile. Raises ValueError where it was declared without one."""
        value = self.profiles.get(profile, self.value)
        if value is None:
            raise ValueError(f"{self.name} has no value")
        return value

    def checked(self, value: Any) -> V:
        """`value` as this parameter takes it. Raises ValueError for one of another type or out of bounds."""
        typed: Any
        if isinstance(self.value, list):
            typed = [self._typed(one, type(self.value[0])) for one in self._typed(value, list)]
        else:
            typed = self._typed(value, type(self.value))
        if self.choices and typed not in self.choices:
            raise ValueError(f"{self.name} takes no {value!r}; {nearest(str(value), self.choices)}")
        if not isinstance(typed, str):
            self._check_bounds(typed)
        checked: V = typed
        return checked

    def _typed(self, value: Any, wanted: type[Any]) -> Any:
        """`value` if it is of this type. A whole number is also a float; True and False are no numbers."""
        if wanted is float and type(value) is int and abs(value) <= sys.float_info.max:
            return float(value)
        if type(value) is not wanted:
            raise ValueError(f"{self.name} takes {wanted.__name__}, not {value!r}")
        return value

    def _check_bounds(self, value: Any) -> None:
        elements = value if isinstance(value, list) else [value]
        if not elements or not all(self.low <= one <= self.high for one in elements):
            raise ValueError(f"{self.name} takes {self.low} to {self.high}, not {value!r}")
        if isinstance(value, list) and (value != sorted(set(value)) or value[-1] < 1):
            raise ValueError(f"{self.name} takes ascending numbers, the last at least 1, not {value!r}")


SUBSCRIBERS: Parameter[int] = Parameter("subscribers", low=1, high=100_000)
RATE_HZ: Parameter[float] = Parameter("rate_hz", low=0.001, high=100_000.0)
PAYLOAD_BYTES: Parameter[int] = Parameter("payload_bytes", low=SMALLEST_BYTES, high=LARGEST_BYTES)
PATH: Parameter[str] = Parameter("path", choices=tuple(PATHS))
POLL_INTERVAL_S: Parameter[float] = Parameter("poll_interval_s", low=0.001, high=60.0)
HOLD_S: Parameter[float] = Parameter("hold_s", low=0.0, high=60.0)
WARM_UP_S: Parameter[float] = Parameter("warm_up_s", low=0.0, high=600.0)
MEASURE_S: Parameter[float] = Parameter("measure_s", low=0.05, high=3600.0)
DRAIN_S: Parameter[float] = Parameter("drain_s", low=0.0, high=60.0)
