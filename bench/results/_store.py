"""The store: every file of a run is written whole or not at all, never over another, and is checked when read."""

from __future__ import annotations

import datetime
import hashlib
import logging
import os
import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from bench import files
from bench.results import _upgrades
from bench.results._fact import SCHEMA, Fact
from bench.results._register import Register, contradiction, plan_contradiction
from bench.results._run import Run
from bench.results._trial import Failure, Trial

CHECKSUM = "checksum"
LARGEST_FILE_BYTES = 64 << 20  # a record has kilobytes
_SHOWN_STRAYS = 3
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_log = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class ResultsError(Exception):
    """A results folder cannot be read or written; the message names the file and what is wrong with it."""


class Altered(ResultsError):
    """A file was changed after it was written. `fact`: what it holds now."""

    fact: Any

    def __init__(self, path: Path, fact: Fact) -> None:
        super().__init__(
            f"{path} was changed after it was written; restore it (if the change is meant to be, remove its"
            f" {CHECKSUM!r})"
        )
        self.fact = fact


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
        """Write the head of a new run and read it back. Raises ResultsError if the folder already has one or that
        cannot be done; then nothing is left of what was made for it."""
        with self._begun(run) as undo:
            undo.pop_all()

    def rehearse(self, run: Run) -> None:
        """Begin a run and undo it, to learn whether its head can be stored and read. Raises ResultsError."""
        with self._begun(run):
            pass

    @contextmanager
    def _begun(self, run: Run) -> Iterator[ExitStack]:
        """A run that has begun, with what would undo that at the end."""
        with ExitStack() as undo:
            try:
                files.make_folder(self.trials_folder, undo)
            except OSError as error:
                raise ResultsError(f"cannot write to {self.folder}: {error.strerror}") from error
            write_new(self.folder / "run.json", run)
            undo.callback((self.folder / "run.json").unlink, missing_ok=True)
            self.run()
            yield undo

    def rehearse_record(self) -> None:
        """Write a file beside the records, and remove it. Raises ResultsError if that cannot be done."""
        probe = self.trials_folder / f".rehearsal.{os.getpid()}"  # hidden: no record
        try:
            self.trials_folder.mkdir(exist_ok=True)
            files.write_new(probe, b"")
            probe.unlink()
        except OSError as error:
            raise ResultsError(f"cannot write to {self.trials_folder}: {error.strerror}") from error

    def add(self, trial: Trial) -> None:
        """Write the record of a trial. Raises ResultsError if it was written before."""
        write_new(self.trials_folder / f"{trial.planned.id}.json", trial)

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder while the block runs. Raises ResultsError if another process measures into it.

        The kernel frees it when the process ends, however it ends.
        """
        import fcntl  # only where trials are measured: stored ones can be read on a system that has no such locks

        folder = os.open(self.folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # a network file system may have no locks
                try:
                    fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise ResultsError(f"{self.folder} is in progress: wait for the process that measures it") from None
            yield
        finally:
            os.close(folder)

    def run(self) -> Run:
        """The head of the run. Raises ResultsError."""
        path = self.folder / "run.json"
        run = read(path, RUN)
        if wrong := plan_contradiction(run):
            raise ResultsError(f"{path} contradicts itself: {wrong}")
        return run

    def trials(self, run: Run | None = None) -> list[Trial]:
        """The records of the run, each once, in the order of the plan. `run`: its head, where that was read before.

        Other files in the folder are ignored, with a warning that names them. Raises ResultsError for a malformed
        record, and for one that contradicts its name or the plan.
        """
        register = Register(run or self.run())
        records: dict[str, Trial] = {}
        strays: list[str] = []
        folder = self.trials_folder
        for name in _names(folder):
            stem, suffix = os.path.splitext(name)
            planned = register.planned(stem) or register.planned(_upgrades.name(stem))
            if planned is None or suffix != ".json":
                strays.append(name)
                continue
            path = folder / name
            if planned.id in records:
                raise ResultsError(f"{path} holds the trial {planned.id}, which another file holds, too; remove one")
            record = _record(path)
            if wrong := contradiction(planned, record):
                raise ResultsError(f"{path} is not the record that its name and run.json say: {wrong}")
            records[planned.id] = record
        _warn_of(folder, strays)
        return sorted(records.values(), key=lambda trial: (trial.planned.position, trial.planned.id))


def _record(path: Path) -> Trial:
    """The record of a trial; a failed one if its file was changed after it was written."""
    try:
        return read(path, TRIAL)
    except Altered as altered:
        record: Trial = altered.fact
        return msgspec.structs.replace(record, failure=Failure(phase="reading", error=str(altered)))


def _names(folder: Path) -> list[str]:
    """The names in a folder, sorted; none where there is no folder. Hidden files are unfinished writes."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ResultsError(f"cannot read {folder}: {error.strerror}") from error


def _warn_of(folder: Path, strays: list[str]) -> None:
    if strays:
        names = ", ".join(map(ascii, strays[:_SHOWN_STRAYS]))
        more = f" and {len(strays) - _SHOWN_STRAYS} more" if len(strays) > _SHOWN_STRAYS else ""
        _log.warning("ignored in %s: %s%s, no record of a planned trial", folder, names, more)


def load(folder: Path) -> tuple[Run, list[Trial]]:
    """A run and its records so far. Raises ResultsError, naming the file, for anything missing or malformed."""
    store = Store(folder)
    run = store.run()
    return run, store.trials(run)


def begun_at(folder: Path) -> datetime.datetime:
    """When a run was begun, as its head records it. Raises ResultsError where that cannot be read."""
    run = Store(folder).run()
    try:
        start = datetime.datetime.fromisoformat(run.started_at)
    except ValueError:
        raise ResultsError(f"{folder / 'run.json'}: started_at is no time: {ascii(run.started_at)[:60]}") from None
    return start if start.tzinfo else start.replace(tzinfo=datetime.UTC)


def check_name(name: str) -> str:
    """`name` if it can be the name of a run; raises ResultsError otherwise."""
    if name == "latest":
        raise ResultsError("'latest' cannot be the name of a run: reports/latest points to the newest report")
    if not _NAME.fullmatch(name):
        raise ResultsError(f"{name!r} cannot be the name of a run: letters, digits, '_', '.' and '-', 128 at most")
    return name


def text_of(fact: Fact) -> bytes:
    """The content of the file that holds a fact: the keys of its own class come first, those it inherits follow, and
    last the checksum of the others."""
    inherited = set(type(fact).__base__.__struct_fields__)  # type: ignore[union-attr]
    facts = msgspec.json.decode(msgspec.json.encode(fact))
    ordered = {name: facts[name] for name in sorted(facts, key=inherited.__contains__)}
    ordered[CHECKSUM] = _checksum(facts)
    return msgspec.json.format(msgspec.json.encode(ordered), indent=1) + b"\n"


def _checksum(facts: dict[str, Any]) -> str:
    """SHA-256 of the facts as JSON with sorted keys and no blanks: a file that is only laid out anew keeps it."""
    return hashlib.sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()


def write_new(path: Path, fact: Fact) -> None:
    """Write the file of a fact, whole and never over another (see `bench.files`), or raise ResultsError."""
    try:
        files.write_new(path, text_of(fact))
    except FileExistsError:
        raise ResultsError(f"{path} exists already; results are never overwritten") from None
    except OSError as error:
        raise ResultsError(f"cannot write {path}: {error.strerror}") from error
    except UnicodeEncodeError as error:
        raise ResultsError(f"cannot write {path}: {ascii(error.object)[:80]} is no text in UTF-8") from error


def read(path: Path, kind: Kind[F]) -> F:
    """The stored fact; an older file is upgraded in memory. Raises Altered for one that was changed after it was
    written, and ResultsError, naming the file, for anything else."""
    try:
        raw = _bytes(path)
        version = msgspec.json.decode(raw, type=_Version).schema
        if version != kind.version:
            return msgspec.json.decode(_upgraded(path, raw, version, kind), type=kind.fact)
        facts = msgspec.json.decode(raw)
        written = {CHECKSUM: facts.pop(CHECKSUM)} if CHECKSUM in facts else {}  # earlier versions wrote none
        fact = msgspec.convert(facts, kind.fact)
        if written and written[CHECKSUM] != _checksum(facts):
            raise Altered(path, fact)
        return fact
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ResultsError(f"{path} is malformed: {error}") from error


def _bytes(path: Path) -> bytes:
    """The content of a regular file of a sane size. Anything else is refused before it could block."""
    _check_size(path, os.stat(path))
    descriptor = os.open(path, _READING)
    try:
        status = os.fstat(descriptor)
        _check_size(path, status)  # the file may have been replaced in between
        return os.read(descriptor, status.st_size)
    finally:
        os.close(descriptor)


def _check_size(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ResultsError(f"{path} is not a regular file: not a record")
    if status.st_size > LARGEST_FILE_BYTES:
        raise ResultsError(f"{path} is larger than {LARGEST_FILE_BYTES >> 20} MiB: not a record")


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
