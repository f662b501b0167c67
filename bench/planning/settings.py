"""NAME=VALUE settings and SCENARIO.NAME=VALUE,VALUE sweeps, as the command line gives them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


def changes(settings: Sequence[str]) -> dict[str, Any]:
    """The settings as a mapping; a value is a Python literal where it reads as one, else text. Raises ValueError."""
    changed: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name:
            raise ValueError(f"--set takes NAME=VALUE, not {setting!r}")
        try:
            changed[name] = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            changed[name] = value
    return changed


@dataclass(frozen=True, slots=True)
class Sweep:
    """One parameter varied over values, in one scenario or (empty) in every one that has it."""

    scenario: str
    name: str
    values: tuple[Any, ...]


def sweeps(settings: Sequence[str]) -> list[Sweep]:
    """The sweeps that were asked for; values are Python literals, or plain words. Raises ValueError for what is not
    `[SCENARIO.]NAME=VALUE,VALUE,...`."""
    found = []
    for setting in settings:
        name, equals, listed = setting.partition("=")
        scenario, _, parameter = name.rpartition(".")
        try:
            values = ast.literal_eval(f"({listed},)")
        except (ValueError, SyntaxError):
            words = tuple(listed.split(","))
            values = words if all(word.isidentifier() for word in words) else ()
        if not equals or not parameter or not values:
            raise ValueError(f"--sweep takes [SCENARIO.]NAME=VALUE,VALUE,..., not {setting!r}")
        found.append(Sweep(scenario, parameter, values))
    return found
