"""The store: every file of a run is written whole or not at all, never over another, and is checked when read."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import msgspec

from bench.results import _upgrades
from bench.results._fact import SCHEMA, Fact
from bench.results._run import Run
from bench.results._trial import Trial

LARGEST_FILE_BYTES = 64 << 20  # a record has kilobytes
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class ResultsError(Exception):
    """A results folder cannot be read or written; the message names the file and what is wrong with it."""


F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Kind(Generic[F]):
    """One kind of stored file: its fact, the current schema version, and the steps from older versions."""

    fact: type[F]
    version: int
    steps: _upgrades.Steps


RUN = Kind(Run, SCHEMA, _upgrades.RUN)
TRIAL = Kind(Trial, SCHEMA, _upgrades.TRIAL)


class _Version(msgspec.Struct):
    schema: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Store:
    """The folder of one run. Every file is written whole or not at all, and never overwritten."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def trials_folder(self) -> Path:
        """The folder of the trial records."""
        return self.folder / "trials"

    def begin(self, run: Run) -> None:
        """Write the head of a new run. Raises ResultsError if the folder already has one."""
        self.trials_folder.mkdir(parents=True, exist_ok=True)
        write_new(self.folder / "run.json", run)

    def add(self, trial: Trial) -> None:
        """Write the record of a trial. Raises ResultsError if it was written before."""
        write_new(self.trials_folder / f"{trial.planned.id}.json", trial)

    def run(self) -> Run:
        """The head of the run. Raises ResultsError."""
        return read(self.folder / "run.json", RUN)

    def trials(self) -> list[Trial]:
        """All records, in the order of the plan. Raises ResultsError for a malformed one."""
        records = [read(path, TRIAL) for path in self.trials_folder.glob("*.json")]
        return sorted(records, key=lambda trial: (trial.planned.position, trial.planned.id))


def load(folder: Path) -> tuple[Run, list[Trial]]:
    """A run and its records so far. Raises ResultsError, naming the file, for anything missing or malformed."""
    store = Store(folder)
    return store.run(), store.trials()


def check_name(name: str) -> str:
    """`name` if it can be the name of a run; raises ResultsError otherwise."""
    if name == "latest":
        raise ResultsError("'latest' cannot be the name of a run: reports/latest points to the newest report")
    if not _NAME.fullmatch(name):
        raise ResultsError(f"{name!r} cannot be the name of a run: letters, digits, '_', '.' and '-', 128 at most")
    return name


def text_of(fact: Fact) -> bytes:
    """The content of the file that holds a fact: the keys of its own class come first, those it inherits follow."""
    inherited = set(type(fact).__base__.__struct_fields__)  # type: ignore[union-attr]
    facts = msgspec.json.decode(msgspec.json.encode(fact), type=dict[str, msgspec.Raw])
    ordered = {name: facts[name] for name in sorted(facts, key=inherited.__contains__)}
    return msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n"


def write_new(path: Path, fact: Fact) -> None:
    """Write a file whole, or raise ResultsError: through a temporary file and a hard link, which fails if it exists."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(text_of(fact))
        os.link(temporary, path)
    except FileExistsError:
        raise ResultsError(f"{path} exists already; results are never overwritten") from None
    except OSError as error:
        raise ResultsError(f"cannot write {path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def read(path: Path, kind: Kind[F]) -> F:
    """The stored fact; an older file is upgraded in memory. Raises ResultsError, naming the file, for anything else."""
    try:
        raw = _bytes(path)
        version = msgspec.json.decode(raw, type=_Version).schema
        if version == kind.version:
            return msgspec.json.decode(raw, type=kind.fact)
        return msgspec.json.decode(_upgraded(path, raw, version, kind), type=kind.fact)
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultsError(f"{path} is malformed: {error}") from error


def _bytes(path: Path) -> bytes:
    if path.stat().st_size > LARGEST_FILE_BYTES:
        raise ResultsError(f"{path} is larger than {LARGEST_FILE_BYTES >> 20} MiB: not a record")
    return path.read_bytes()


def _upgraded(path: Path, raw: bytes, version: int, kind: Kind[F]) -> bytes:
    """The JSON text of an older file as the current version writes it."""
    oldest = min(kind.steps)
    if version > kind.version:
        raise ResultsError(
            f"{path} has schema {version}; this version of Pushbench reads {oldest} to {kind.version}: update Pushbench"
        )
    if version < oldest:
        raise ResultsError(
            f"{path} has schema {version}; this version of Pushbench reads {oldest} to {kind.version}: measure it again"
        )
    facts = msgspec.json.decode(raw)
    try:
        for step in range(version, kind.version):
            facts = kind.steps[step](facts)
    except (KeyError, TypeError, AttributeError) as error:
        raise ResultsError(f"{path} is malformed: schema {version} cannot be upgraded ({error!r})") from error
    return msgspec.json.encode(facts)
