"""The raw facts of a comparison of load generators, one JSON file. Costs and ratios are computed from them."""

from __future__ import annotations

import os
from pathlib import Path

from bench import files
from bench.results import _upgrades
from bench.results._fact import Count, Fact, Ns, Rate
from bench.results._run import Environment
from bench.results._stored_file import Kind, ResultsError, read, write_new

GENERATOR_SCHEMA = 2


class GeneratorPass(Fact, frozen=True, kw_only=True):
    """One measurement: `subscribers` were sent `rate_hz` messages a second each by `server`.

    CPU times, `received` and the time that threads waited for a core are of the window (None: not visible here).
    Of the `expected` deliveries, `delivered` had arrived when the wait ended. delay_ns: from when the last message was
    due until every subscriber had it (of ours: the longest over all messages); None if a subscriber did not get it.
    allowed_delay_ns: the delay up to which the generator counts as keeping pace.
    """

    server: str
    subscribers: Count
    rate_hz: Rate
    window_ns: Ns
    received: Count
    generator_cpu_ns: Ns
    generator_wait_ns: Ns | None
    server_cpu_ns: Ns
    server_wait_ns: Ns | None
    expected: Count
    delivered: Count
    delay_ns: Ns | None
    allowed_delay_ns: Ns


class GeneratorRow(Fact, frozen=True, kw_only=True):
    """One generator on one variant: a pass at the common rate for every repetition, and for every search its passes.

    reason: what is missing and why; empty where nothing is.
    """

    generator: str
    variant: str
    costs: list[GeneratorPass]
    searches: list[list[GeneratorPass]]
    reason: str


class GeneratorComparison(Fact, frozen=True, kw_only=True):
    """Everything that one `python -m bench generator` measured, and where. versions: of the other load generators and
    of the C compiler, as far as they are installed.
    """

    schema: int
    command: list[str]
    started_at: str
    environment: Environment
    versions: dict[str, str]
    payload_bytes: Count
    rows: list[GeneratorRow]


COMPARISON = Kind(GeneratorComparison, GENERATOR_SCHEMA, _upgrades.COMPARISON)


def save_comparison(path: Path, comparison: GeneratorComparison) -> None:
    """Write a comparison; a file that exists is never overwritten. Raises ResultsError."""
    write_new(path, comparison)


def rehearse_comparison(path: Path) -> None:
    """Write a file beside the place of a comparison, and remove it. Raises ResultsError if a comparison could not be
    saved there."""
    if path.exists():
        raise ResultsError(f"{path} exists already; results are never overwritten")
    probe = path.with_name(f".{path.name}.rehearsal.{os.getpid()}")
    try:
        files.write_new(probe, b"")
        probe.unlink()
    except OSError as error:
        raise ResultsError(f"cannot write {path}: {error.strerror}") from error


def load_comparison(path: Path) -> GeneratorComparison:
    """A stored comparison. Raises ResultsError, naming the file, for one that is missing, malformed or of another
    schema."""
    return read(path, COMPARISON)
