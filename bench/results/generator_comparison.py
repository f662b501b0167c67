"""The schema of a comparison's raw facts, stored as one JSON file. Costs, ratios and verdicts are computed from it."""

from __future__ import annotations

from pathlib import Path

from bench.results import Environment, Fact, read, write_new

SCHEMA = 1


class Pass(Fact, frozen=True, kw_only=True):
    """One measurement: `subscribers` were sent `rate_hz` messages a second each by `server`.

    CPU times and `received` are of the window, and so is how long threads waited for a core (None: not visible here).
    Of the `expected` deliveries, `delivered` had come when we stopped waiting. `lag_ns`: how long after the last
    message was due everybody had it (of ours: the longest over all messages); None if somebody never did.
    `allowed_lag_ns`: what of that is no sign of a generator that falls behind.
    """

    server: str
    subscribers: int
    rate_hz: float
    window_ns: int
    received: int
    generator_cpu_ns: int
    generator_wait_ns: int | None
    server_cpu_ns: int
    server_wait_ns: int | None
    expected: int
    delivered: int
    lag_ns: int | None
    allowed_lag_ns: int


class Row(Fact, frozen=True, kw_only=True):
    """One generator on one variant: a pass at the common rate for every repetition, and for every search its passes.

    `reason` says what is missing and why; it is empty where nothing is.
    """

    generator: str
    variant: str
    costs: list[Pass]
    searches: list[list[Pass]]
    reason: str


class Comparison(Fact, frozen=True, kw_only=True):
    """Everything that one `python -m bench generator` has measured, and where. `versions` are those of the peers and of
    the C compiler, as far as they are there.
    """

    schema: int
    command: list[str]
    started_at: str
    environment: Environment
    versions: dict[str, str]
    payload_bytes: int
    rows: list[Row]


def save(path: Path, comparison: Comparison) -> None:
    """Write a comparison; nothing is written over. Raises ResultsError."""
    write_new(path, comparison)


def load(path: Path) -> Comparison:
    """A stored comparison. Raises ResultsError, naming the file, for one that is missing, malformed or of another
    schema."""
    return read(path, Comparison, SCHEMA)
