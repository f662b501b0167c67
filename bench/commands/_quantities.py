"""Quantities as a person types them: durations, bytes, counts, rates. Every reader raises ValueError."""

from __future__ import annotations

import re
from collections.abc import Mapping

_QUANTITY = re.compile(r"(\d+(?:\.\d*)?|\.\d+) *([a-zA-Z]*)", re.ASCII)
_SECONDS = {"": 1.0, "s": 1.0, "ms": 0.001, "min": 60.0}
_BYTES = {"": 1.0, "b": 1.0, "kb": 1000.0, "mb": 1e6, "kib": 1024.0, "mib": 2.0**20}


def seconds(text: str) -> float:
    """A duration such as `2s`, `500ms`, `1.5`."""
    return _scaled(text, _SECONDS, "a duration such as 2s or 500ms")


def size(text: str) -> float:
    """A number of bytes such as `300`, `2kB`."""
    return _scaled(text, _BYTES, "bytes such as 300 or 2kB")


def rate(text: str) -> float:
    """Messages per second, such as `0.2`."""
    return _scaled(text, {"": 1.0}, "a number of messages per second such as 0.2")


def count(text: str) -> int:
    """A whole number such as `5000` or `5,000`."""
    digits = text.strip().replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 16):
        raise ValueError(f"takes a whole number, not {text!r}")
    return int(digits)


def _scaled(text: str, units: Mapping[str, float], what: str) -> float:
    match = _QUANTITY.fullmatch(text.strip())
    if not match or match[2].lower() not in units:
        raise ValueError(f"takes {what}, not {text!r}")
    return float(match[1]) * units[match[2].lower()]
