"""The store: every file of a run is written whole or not at all, never over another, and read back checked."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TypeVar

import msgspec

from bench.results._fact import SCHEMA, Fact
from bench.results._run import Run
from bench.results._trial import Trial

LARGEST_FILE_BYTES = 64 << 20  # a record is kilobytes; whatever is larger is not one
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class ResultsError(Exception):
    """A results folder cannot be read or written; the message names the file and what is wrong with it."""


class Store:
    """The folder of one run. Every file is written whole or not at all, and never written over."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def trials_folder(self) -> Path:
        """Where the records of the trials are."""
        return self.folder / "trials"

    def begin(self, run: Run) -> None:
        """Write the head of a new run. Raises ResultsError if the folder already holds one."""
        self.trials_folder.mkdir(parents=True, exist_ok=True)
        write_new(self.folder / "run.json", run)

    def add(self, trial: Trial) -> None:
        """Write the record of a trial. Raises ResultsError if it was written before."""
        write_new(self.trials_folder / f"{trial.planned.id}.json", trial)

    def run(self) -> Run:
        """The head of the run. Raises ResultsError."""
        return read(self.folder / "run.json", Run)

    def trials(self) -> list[Trial]:
        """Every record there is, in the order of the plan. Raises ResultsError for a malformed one."""
        records = [read(path, Trial) for path in self.trials_folder.glob("*.json")]
        return sorted(records, key=lambda trial: (trial.planned.position, trial.planned.id))


def load(folder: Path) -> tuple[Run, list[Trial]]:
    """A run and its records so far. Raises ResultsError, naming the file, for anything missing or malformed."""
    store = Store(folder)
    return store.run(), store.trials()


def check_name(name: str) -> str:
    """`name` if it can be the name of a run; raises ResultsError otherwise."""
    if name == "latest":
        raise ResultsError("'latest' cannot be the name of a run: reports/latest leads to the newest report")
    if not _NAME.fullmatch(name):
        raise ResultsError(f"{name!r} cannot be the name of a run: letters, digits, '_', '.' and '-', 128 at most")
    return name


def write_new(path: Path, fact: Fact) -> None:
    """Write through a temporary file and a hard link, which fails if the name is taken."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(fact), indent=1) + b"\n")
        os.link(temporary, path)
    except FileExistsError:
        raise ResultsError(f"{path} exists already; results are never written over") from None
    except OSError as error:
        raise ResultsError(f"cannot write {path}: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


_Read = TypeVar("_Read", bound=Fact)


def read(path: Path, kind: type[_Read], schema: int = SCHEMA) -> _Read:
    """A stored fact of that schema version. Raises ResultsError, naming the file, for anything else."""
    try:
        if path.stat().st_size > LARGEST_FILE_BYTES:
            raise ResultsError(f"{path} is larger than {LARGEST_FILE_BYTES >> 20} MiB: not a record")
        raw = path.read_bytes()
        version = msgspec.json.decode(raw, type=dict[str, msgspec.Raw]).get("schema")
        if version is not None and bytes(version) != str(schema).encode():
            raise ResultsError(f"{path} has schema {bytes(version)[:20].decode()}; this version reads {schema}")
        fact = msgspec.json.decode(raw, type=kind)
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultsError(f"{path} is malformed: {error}") from error
    return fact
