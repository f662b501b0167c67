"""The settings (NAME=VALUE) and the sweeps ([SCENARIO.]NAME=VALUE,VALUE) of the command line."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

NO_LITERAL = (ValueError, SyntaxError, TypeError, MemoryError, RecursionError)  # what `ast.literal_eval` raises


def changes(settings: Sequence[str]) -> dict[str, Any]:
    """The settings as a mapping. A value that is no Python literal is a text. Raises ValueError."""
    values: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ValueError(f"--set takes NAME=VALUE, not {setting!r}")
        try:
            values[name] = ast.literal_eval(value)
        except NO_LITERAL:
            values[name] = value
    return values


@dataclass(frozen=True, slots=True)
class Sweep:
    """One parameter varied over values, in one scenario or (empty) in every scenario that has it."""

    scenario: str
    name: str
    values: tuple[Any, ...]


def sweeps(settings: Sequence[str]) -> list[Sweep]:
    """The sweeps of these settings. Their values are Python literals or plain words. Raises ValueError for a setting
    that is not `[SCENARIO.]NAME=VALUE,VALUE,...`."""
    parsed = []
    for setting in settings:
        name, equals, listed = setting.partition("=")
        scenario, _, parameter = name.rpartition(".")
        try:
            values = ast.literal_eval(f"({listed},)")
        except NO_LITERAL:
            words = tuple(listed.split(","))
            values = words if all(word.isidentifier() for word in words) else ()
        if not equals or not parameter or not values:
            raise ValueError(f"--sweep takes [SCENARIO.]NAME=VALUE,VALUE,..., not {setting!r}")
        parsed.append(Sweep(scenario, parameter, values))
    return parsed
