"""The phrases of advice, as data, and how they are filled: the page's script fills the same ones in the same way.

A phrase has alternatives. The first whose placeholders all have a value is used. `{name}` stands for a fact or for
another phrase, `{name:format}` for a number in one of FORMATS. `{name?}` adds no text: it only requires a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from bench.units import DASH, SPACE, TIMES, Unit, factor, percent, quantity, scale_for

Facts = Mapping[str, Any]
Alternatives = tuple[str, ...]

# The columns of the table of options: the title, and the phrase or fact below it.
COLUMNS: tuple[tuple[str, str], ...] = (
    ("rank, variant", "variant"), ("server cores", "cores"), ("median delay", "p50"), ("p99 delay", "p99"),
    ("memory", "memory"), ("bytes/s", "bytes"), ("requests/s", "requests"), ("processes", "processes"),
    ("poll interval", "interval"), ("after a reconnect", "reconnect"), ("in Flask", "flask"),
)  # fmt: skip
NUMBERS = 9  # this many of COLUMNS are short; the others hold sentences

# What is to be known about an option, beside what of it lies outside the measured loads: the kind, and its phrase.
NOTES = ("several", "files", "pings", "basis", "memory_from", "delays_from")
EACH = frozenset({"in Flask", "files", "pings"})  # kinds of notes that stand in every row that they concern

PHRASES: Mapping[str, Alternatives] = MappingProxyType(
    {
        "tied": ("{tie?}=", ""),
        "rank": ("{place:whole}{tied}",),
        "variant": ("{product?}{rank} {label} (product)", "{rank} {label}"),
        "cores": ("{far?}about {core_count:two}", "{core_count:number}"),
        "bare_cores": ("{far?}{core_count:two}", "{core_count:number}"),
        "p50": ("{far?}{where?}about {p50_ns:two ns}", "{p50_ns:ns}"),
        "p99": ("{far?}{where?}about {p99_ns:two ns}", "{p99_ns:ns}"),
        "held": ("{far?}about {memory_bytes:two memory bytes}", "{memory_bytes:memory bytes}", ""),
        "memory": ("{memory_bytes?}{held}", DASH),
        "bytes": ("{far?}about {wire_bytes:two wire bytes}", "{wire_bytes:wire bytes}"),
        "requests": ("{far?}{asks?}about {request_count:two}", "{request_count:number}"),
        "processes": ("{process_count:whole}",),
        "interval": ("{interval_ns:ns}", DASH),
        "outside": (
            f"{{value:number}}{SPACE}{{dimension}}, at most {{most:number}} measured ({{times:number}}{TIMES})",
            f"{{value:number}}{SPACE}{{dimension}}, at least {{least:number}} measured (1/{{times:number}})",
            f"{{value:number}}{SPACE}{{dimension}}, none measured",
        ),
        "several": ("{several_processes?}several processes, one was measured",),
        "files": (
            "needs {connections:number} open files per process; the machine measured allows {open_files:whole}"
            " (ulimit -n)",
        ),
        "pings": ("without {ping_count:number} pings per second",),
        "basis": ("{measured_loads}",),
        "memory_from": ("memory from {memory_scenario} at {fewest:whole} to {most:whole} subscribers",),
        "delays_from": (
            "delays from the nearest load, {where} and {waited_ns:ns} of waiting in a larger fan-out, by law",
            "delays from the nearest load, {where}",
            "delays from the law of polling",
        ),
        "common": ("True of every row that does not say otherwise: {notes}.",),
        "nothing": ("Nothing that was measured meets this need.",),
        "conclusion": (
            "{labels:listed} cannot be distinguished by cores ({fewest_cores} to {most_cores}){lightest}{after}.",
            "{label} comes first with {fewest_cores} cores{after}.",
        ),
        "lightest": ("; {lightest_label} holds the least memory of them", ""),
        "after": ("; {next_best}", ""),
        "next_best": ("next best: {next_label}, {times:factor} the cores{than}{next_held}",),
        "than": (" of {than_label}", ""),
        "next_held": (", {next_memory}", ""),
        "off_the_shelf": (
            "Best off the shelf: {product_label} with {product_cores} cores{pinged}.",
            "Best off the shelf: none of those measured meets this need.",
        ),
        "pinged": ("{ping_count?}, its pings not counted", ""),
        "refusal": ("{label}: {because}",),
        "refused": ("Not advised: {refusal}.",),
        "upstream": ("what is sent upstream was not measured",),
        "slow poll": ("a poll takes too long to be answered: {late_ns:ns}{nearest}",),
        "short interval": (
            "would have to poll every {interval_ns:ns}; the shortest interval measured is {shortest_ns:ns}",
        ),
        "too many processes": ("more than {most_processes:whole} server processes",),
        "too few cores": (
            "needs {core_count:number} cores in {process_count:whole} processes busy {full:percent} at most; there"
            " {is} {available:whole}",
            "needs {core_count:number} cores; there {is} {available:whole}",
        ),
        "is": ("{one?}is", "are"),
        "no latency": ("its latency was not measured",),
        "late": ("1 % of its messages come later: {late_ns:ns}{nearest}",),
        "nearest": (" (nearest: {where})", ""),
        "fan-out": ("A message goes to {subscribers} subscribers at most.",),
    }
)

UP = 1 + 1e-12  # a half is rounded up, as the script of the page does
SEPARATOR = "; "  # between the notes on an option
BETWEEN = (", ", " and ")  # what stands between the items of a list: between most, and before the last


def number(value: float) -> str:
    """Three significant digits, with thousands separators."""
    value *= UP
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def two(value: float) -> str:
    """Two significant digits, with thousands separators."""
    rounded = float(f"{value * UP:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    most, last = BETWEEN
    return words[0] if len(words) == 1 else f"{most.join(words[:-1])}{last}{words[-1]}"


FORMATS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {"number": number, "two": two, "whole": "{:,}".format, "factor": factor, "percent": percent, "listed": listed}
)
UNITS: Mapping[str, Unit] = MappingProxyType({"ns": "ns", "memory bytes": "memory bytes", "wire bytes": "wire bytes"})
_PLACEHOLDER = re.compile(r"\{([\w ]+?)(\?)?(?::([\w ]+))?\}")


def phrased(phrase: str, facts: Facts) -> str | None:
    """A phrase with its facts; None where none of its alternatives has all."""
    for alternative in PHRASES[phrase]:
        words = filled(alternative, facts)
        if words is not None:
            return words
    return None


def filled(alternative: str, facts: Facts) -> str | None:
    """One alternative with its facts; None where one of them has no value."""
    values: dict[str, Any] = {}
    for name, _, _ in _PLACEHOLDER.findall(alternative):
        value = facts.get(name)
        values[name] = phrased(name, facts) if value is None and name in PHRASES else value
        if values[name] is None:
            return None
    return _PLACEHOLDER.sub(lambda match: "" if match[2] else formatted(values[match[1]], match[3]), alternative)


def formatted(value: Any, how: str | None) -> str:
    """A value as text: in one of FORMATS, as a quantity of one of UNITS, the same with two digits, or as it is."""
    if how is None:
        return str(value)
    if how in FORMATS:
        return FORMATS[how](value)
    if how in UNITS:
        return quantity(value, UNITS[how])
    unit = UNITS[how.removeprefix("two ")]
    scale = scale_for(value, unit)
    return f"{two(value / scale.size)}{SPACE}{scale.name}"
