"""Rewrites the files of a stored run in the current schema: the only place where a stored file is replaced."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench import files
from bench.results._generators import COMPARISON
from bench.results._store import RUN, TRIAL
from bench.results._stored_file import Kind, ResultsError, read, text_of
from bench.results._trial import Trial

_KINDS: dict[str, Kind[Any]] = {"run.json": RUN, "generator.json": COMPARISON}


def upgrade(folder: Path) -> int:
    """Rewrite every file of a run, and of its `instrument/`, that is not as the current schema writes it.

    Each file is replaced atomically, so that an interrupted upgrade can be repeated. A trial whose id changes gets the
    file name of its new id. Returns the number of files that were rewritten. Raises ResultsError.
    """
    if not (folder / "run.json").is_file():
        raise ResultsError(f"{folder} is not the folder of a run: it has no run.json")
    return sum(_rewritten(path, _kind(path)) for path in sorted(folder.rglob("*.json")))


def _kind(path: Path) -> Kind[Any]:
    kind = TRIAL if path.parent.name == "trials" else _KINDS.get(path.name)
    if kind is None:
        raise ResultsError(f"{path} is not a file of a run")
    return kind


def _rewritten(path: Path, kind: Kind[Any]) -> bool:
    """Whether the file had to be rewritten or renamed."""
    fact = read(path, kind)
    text = text_of(fact)
    target = path.with_name(f"{fact.planned.id}.json") if isinstance(fact, Trial) else path
    if target != path and target.exists():
        raise ResultsError(f"{path} and {target} hold the same trial; remove one of them")
    try:
        if target == path and path.read_bytes() == text:
            return False
        files.replace(path, text)
        path.rename(target)
    except OSError as error:
        raise ResultsError(f"cannot rewrite {path}: {error.strerror}") from error
    return True
