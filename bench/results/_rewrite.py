"""Rewrites the files of a stored run in the current schema: the only place where a stored file is replaced."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from bench.results._generators import COMPARISON
from bench.results._store import RUN, TRIAL, Kind, ResultsError, read, text_of
from bench.results._trial import Trial


def upgrade(folder: Path) -> int:
    """Rewrite every file of a run, and of what stands in its `instrument/`, that has an older schema.

    Each file is replaced atomically, so that an interrupted upgrade can be repeated. A trial whose id changes gets the
    file name of its new id. Returns the number of files that were rewritten. Raises ResultsError.
    """
    return sum(_rewritten(path, _kind(path)) for path in sorted(folder.rglob("*.json")))


def _kind(path: Path) -> Kind[Any]:
    if path.parent.name == "trials":
        return TRIAL
    kinds: dict[str, Kind[Any]] = {"run.json": RUN, "generator.json": COMPARISON}
    if path.name not in kinds:
        raise ResultsError(f"{path} is no file of a run")
    return kinds[path.name]


def _rewritten(path: Path, kind: Kind[Any]) -> bool:
    """Whether the file was not yet as the current version writes it."""
    fact = read(path, kind)
    text = text_of(fact)
    target = path.with_name(f"{fact.planned.id}.json") if isinstance(fact, Trial) else path
    if path == target and path.read_bytes() == text:
        return False
    if path != target and target.exists():
        raise ResultsError(f"{path} and {target} are the same trial; delete one of them")
    try:
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(text)
        temporary.replace(path)
        path.rename(target)
    except OSError as error:
        raise ResultsError(f"cannot rewrite {path}: {error.strerror}") from error
    return True
