"""A need: what a service asks of its push technique, and between what bounds it may be stated."""

from __future__ import annotations

from dataclasses import dataclass

from bench.messages import LARGEST_BYTES


@dataclass(frozen=True, slots=True)
class Field:
    """One number of a need: what a form calls it, its option of the command (a unit is written behind its value), its
    bounds. A field that is not `required` may be left empty. whole: only whole numbers."""

    name: str
    title: str
    option: str
    low: float
    high: float
    whole: bool = False
    required: bool = True
    unit: str = ""


FIELDS = (
    Field("subscribers", "Subscribers", "subscribers", 1, 100_000_000, whole=True),
    Field("rate", "Messages per second each receives", "rate", 1e-6, 1e6),
    Field("fan_out", "Recipients of one message (empty: all)", "fan-out", 1, 100_000_000, whole=True, required=False),
    Field("payload_bytes", "Bytes per message", "payload", 1, LARGEST_BYTES),
    Field("upstream_rate", "Messages per second each sends", "upstream-rate", 0, 1e6),
    Field("max_staleness_s", "Acceptable p99 delay in seconds", "max-staleness", 0.001, 86_400, unit="s"),
    Field("cores", "Available cores (empty: any)", "cores", 1, 1_000_000, whole=True, required=False),
)


@dataclass(frozen=True, slots=True)
class Need:
    """What is needed. `rate` and `upstream_rate` are messages per second that each subscriber receives and sends;
    `fan_out` is how many subscribers one message goes to; `cores`: None where there is no limit.

    Raises ValueError, in one line, for what cannot be.
    """

    subscribers: int
    rate: float
    payload_bytes: float
    upstream_rate: float
    max_staleness_s: float
    fan_out: int
    cores: int | None = None

    def __post_init__(self) -> None:
        for field in FIELDS:
            value = getattr(self, field.name)
            high = self.subscribers if field.name == "fan_out" else field.high
            if value is not None and not field.low <= value <= high:
                raise ValueError(f"{field.option} takes {field.low:,} to {high:,}, not {value:g}")
