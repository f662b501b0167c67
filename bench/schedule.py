"""When the messages of an open-loop schedule are due, and which messages are measured. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec


class Schedule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An open-loop schedule: message 0 is due at `start_ns` of the monotonic clock, then `rate_hz` messages a second.

    `burst` messages are due at once; the mean rate is still `rate_hz`.
    """

    start_ns: int
    rate_hz: Annotated[float, msgspec.Meta(gt=0)]
    burst: Annotated[int, msgspec.Meta(ge=1)] = 1

    def due_ns(self, index: int) -> int:
        """When message `index` is due. It depends on the clock alone, not on whether other messages were late."""
        burst = self.burst
        return self.start_ns + round(index // burst * burst * 1e9 / self.rate_hz)


def sequences(parameters: Mapping[str, Any], burst: int = 1) -> tuple[int, int]:
    """The messages `first` <= n < `last` of the measured part of a trial with these parameters, counted from 0. Both
    are multiples of `burst`."""
    first = math.ceil(parameters["warm_up_s"] * parameters["rate_hz"] / burst)
    return burst * first, burst * (first + max(1, round(parameters["measure_s"] * parameters["rate_hz"] / burst)))


def lasts_s(parameters: Mapping[str, Any], burst: int = 1) -> float:
    """How long a trial publishes, warm-up included, in seconds. Where messages are rare it is longer than its
    parameters say: it begins with a message, and measures at least one (or one burst)."""
    rate_hz: float = parameters["rate_hz"]
    return sequences(parameters, burst)[1] / rate_hz
