"""The one place where numbers become text: base units in, three significant digits and a readable unit out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from bench.analysis.numbers.statistics import Estimate

Unit = Literal["ns", "wire bytes", "memory bytes", "share", "count", "ns per s", "per s"]

SPACE = "\N{NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"
DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"

_DURATION = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_DECIMAL = ((1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_BINARY = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
_RATE = tuple((size, f"{name}/s") for size, name in _DURATION)
SCALES: dict[Unit, tuple[tuple[float, str], ...]] = {
    "ns": _DURATION,
    "wire bytes": _DECIMAL,
    "memory bytes": _BINARY,
    "ns per s": _RATE,
    "share": ((0.01, "%"),),
    "count": ((1.0, ""),),
    "per s": ((1.0, "/s"),),
}

# Decimals at most; two for other units. An average of whole bytes is not more exact than a tenth of a byte.
MOST_DECIMALS = {"": 4, "B": 1, "ns": 1}
REACHES = 0.9995  # of a unit: from here on a number is written in it, because three digits round it up to 1


@dataclass(frozen=True, slots=True)
class Scale:
    """A unit for numbers of one magnitude: divide by `size`, write `decimals` places, append `name`."""

    size: float
    name: str
    decimals: int

    def number(self, value: float) -> str:
        """The bare number, with thousands separators and a real minus sign."""
        text = f"{value / self.size:,.{self.decimals}f}"
        return text.replace("-", MINUS) if float(text.replace(",", "")) else text.lstrip("-")

    def quantity(self, value: float) -> str:
        """Number and unit."""
        return f"{self.number(value)}{SPACE}{self.name}" if self.name else self.number(value)


def scale_for(value: float, unit: Unit) -> Scale:
    """The scale for `value`: three significant digits, in the largest unit that leaves a digit before the point."""
    steps = SCALES[unit]
    size, name = next(((size, name) for size, name in steps if abs(value) >= size * REACHES), steps[-1])
    if unit != "share" and value == 0:
        return Scale(size, name, 0)
    digits = math.floor(math.log10(abs(value) / size)) if value else 0
    return Scale(size, name, min(max(2 - digits, 0), MOST_DECIMALS.get(name, 2), 4))


def clock(seconds: float) -> str:
    """A duration in minutes and seconds: `0:42`, `12:05`."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def quantity(value: float | None, unit: Unit) -> str:
    """A number with its unit; an en dash for None."""
    return DASH if value is None else scale_for(value, unit).quantity(value)


def whole(value: float, unit: Unit) -> str:
    """A number with its unit; a count as a whole number."""
    return scale_for(value, unit).quantity(value) if unit != "count" else Scale(1.0, "", 0).number(value)


def duration(ns: float | None) -> str:
    """A duration in ns with its unit."""
    return quantity(ns, "ns")


def interval(estimate: Estimate, unit: Unit) -> str:
    """`low-high` in the scale of the median, without the unit; empty where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    scale = scale_for(estimate.median, unit)
    return f"{scale.number(estimate.low)}{DASH if estimate.low >= 0 else ' to '}{scale.number(estimate.high)}"


def measured(estimate: Estimate | None, unit: Unit) -> str:
    """A median with its unit and, in brackets, its interval."""
    if estimate is None:
        return DASH
    bounds = interval(estimate, unit)
    return quantity(estimate.median, unit) + (f" ({bounds})" if bounds else "")


def span(estimate: Estimate, unit: Unit) -> str:
    """Both ends of an interval, each with its own unit; empty where there is no interval."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{quantity(estimate.low, unit)} to {quantity(estimate.high, unit)}"


def factor(value: float) -> str:
    """A ratio as a factor: `1.56x`, `158x`."""
    digits = math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:,.{max(0, min(2 - digits, 3))}f}{TIMES}"


def ratio(estimate: Estimate) -> str:
    """A ratio with its interval in brackets."""
    if estimate.low is None or estimate.high is None:
        return factor(estimate.median)
    low, high = (factor(bound).removesuffix(TIMES) for bound in (estimate.low, estimate.high))
    return f"{factor(estimate.median)} ({low}{DASH}{high})"


def unit_size(value: float, unit: Unit) -> float:
    """The size of the unit of `value`, for axis ticks that are round numbers of it."""
    return scale_for(value, unit).size


def tick(value: float, unit: Unit) -> str:
    """A round number on an axis: `100 µs`, `1 ms`, `2.5 kB`."""
    scale = scale_for(value, unit)
    size = value / scale.size
    large = unit in ("count", "per s") and 1e3 <= abs(size) < 1e7
    number = (f"{size:,.0f}" if large else f"{size:.4g}").replace("-", MINUS)
    return (f"{number}{SPACE}{scale.name}" if value else "0").strip(SPACE)


def percent(share: float) -> str:
    """A share as a percentage; whole percents only."""
    return f"{share * 100:.0f}{SPACE}%"


def counted(number: int, noun: str) -> str:
    """`1 trial`, `3 trials`, `no trial`."""
    return f"no {noun}" if number == 0 else f"{number:,} {noun}" + ("" if number == 1 else "s")


def column_scale(values: Sequence[float], unit: Unit) -> Scale:
    """One unit for a column of numbers: that of the median of the numbers that are not zero."""
    sizes = sorted(abs(value) for value in values if value)
    return scale_for(sizes[(len(sizes) - 1) // 2] if sizes else 0.0, unit)


def on_scale(value: float, scale: Scale) -> Scale:
    """The same unit with the decimals of three significant digits of `value`, four at most."""
    digits = math.floor(math.log10(abs(value) / scale.size)) if value else 2
    return Scale(scale.size, scale.name, min(max(2 - digits, 0), 4))
