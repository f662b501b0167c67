"""The one place where base units become words for people."""

from __future__ import annotations


def duration(ns: float) -> str:
    """A duration in ns with three significant digits in the unit that suits it: 950 ns, 12.3 µs, 1.25 ms, 2.00 s."""
    for size, unit in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")):
        if abs(ns) >= size * 0.9995:
            return f"{_three_digits(ns / size)} {unit}"
    return f"{ns:.0f} ns"


def span(seconds: float) -> str:
    """How long something takes, as minutes and seconds: 0:42, 12:05."""
    whole = max(0, round(seconds))
    return f"{whole // 60}:{whole % 60:02d}"


def _three_digits(value: float) -> str:
    for digits, limit in ((2, 9.995), (1, 99.95)):
        if abs(value) < limit:
            return f"{value:.{digits}f}"
    return f"{value:.0f}"
