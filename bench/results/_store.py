"""The store: the folder of a run, with its head and one record per trial."""

from __future__ import annotations

import datetime
import logging
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec

from bench import files
from bench.results import _upgrades
from bench.results._fact import SCHEMA
from bench.results._register import Register, contradiction, plan_contradiction
from bench.results._run import Run
from bench.results._stored_file import Altered, Kind, ResultsError, read, write_new
from bench.results._trial import Failure, Trial

_SHOWN_STRAYS = 3
_log = logging.getLogger(__name__)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


RUN = Kind(Run, SCHEMA, _upgrades.RUN)
TRIAL = Kind(Trial, SCHEMA, _upgrades.TRIAL)


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
