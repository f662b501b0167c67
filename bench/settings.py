"""NAME=VALUE settings, as the command line gives them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
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
