"""When the messages of an open-loop schedule are due, and which of them are measured. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def due_ns(start_ns: int, rate_hz: float, index: int, burst: int = 1) -> int:
    """When message `index` of an open-loop schedule is due: by the clock alone, whatever became of the others.

    `burst` messages are due at once, as many a second in all as `rate_hz` says.
    """
    return start_ns + round(index // burst * burst * 1e9 / rate_hz)


def sequences(parameters: Mapping[str, Any]) -> tuple[int, int]:
    """The messages of the measured part, `first` <= n < `last`, of a trial with these parameters; counted from 0.
    Bursts are whole."""
    burst = parameters.get("burst", 1)
    first = math.ceil(parameters["warm_up_s"] * parameters["rate_hz"] / burst)
    return burst * first, burst * (first + max(1, round(parameters["measure_s"] * parameters["rate_hz"] / burst)))
