"""One stored file: a fact with its schema version and its checksum, written whole, never over another, and checked when
it is read."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from bench import files
from bench.results import _upgrades
from bench.results._fact import Fact

CHECKSUM = "checksum"
LARGEST_FILE_BYTES = 64 << 20  # a record has kilobytes
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


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


class _Version(msgspec.Struct):
    schema: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


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
