"""Random damage to a stored run: one field, or one file, at a time."""

from __future__ import annotations

import copy
import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.results import CHECKSUM

STRINGS = ("", "x", "\x1b[31m", "x" * 10_000, "-1", "nan", "../../x", "\u202e", "0")
OTHERS: tuple[Any, ...] = (None, True, [], {}, "text", 0, -1, 1.5, 10**30, -(10**30), 1e308, [None], {"a": 1}, [[]])


@dataclass(frozen=True)
class Damage:
    """What was done to which file, and how to undo it."""

    words: str
    path: Path
    undo: Callable[[], object]


def damages(folder: Path, count: int, seed: int) -> Iterator[Damage]:
    """`count` damages to a run; each must be undone before the next."""
    rng = random.Random(seed)
    files = [folder / "run.json", *sorted((folder / "trials").glob("*.json"))]
    for _ in range(count):
        path = files[0] if rng.random() < 0.15 else rng.choice(files[1:])
        kind = rng.choices((_field, _missing, _file), (70, 18, 12))[0]
        yield kind(path, rng)


def without_checksum(path: Path) -> Any:
    """The facts of a stored file as a person writes them who changes it on purpose."""
    facts = json.loads(path.read_bytes())
    facts.pop(CHECKSUM, None)
    return facts


def _places(facts: Any, path: str = "$") -> Iterator[tuple[str, Any, Any]]:
    """(path, holder, key) of every value."""
    items = facts.items() if isinstance(facts, dict) else enumerate(facts) if isinstance(facts, list) else ()
    for key, value in items:
        yield f"{path}.{key}", facts, key
        yield from _places(value, f"{path}.{key}")


def _rewritten(path: Path, words: str, change: Callable[[Any], str], rng: random.Random) -> Damage:
    before = path.read_bytes()
    facts = json.loads(before)
    done = change(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")
    return Damage(f"{words} {done}", path, lambda: path.write_bytes(before))


def _field(path: Path, rng: random.Random) -> Damage:
    def change(facts: Any) -> str:
        place, holder, key = rng.choice(list(_places(facts)))
        before = holder[key]
        while holder[key] == before and type(holder[key]) is type(before):
            holder[key] = _other(copy.deepcopy(before), rng)
        return f"{place}: {str(before)[:30]!r} -> {str(holder[key])[:30]!r}"

    return _rewritten(path, "changed", change, rng)


def _other(value: Any, rng: random.Random) -> Any:
    if rng.random() < 0.25:
        return rng.choice(OTHERS)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice((value + 1, value - 1, -value, 0, value * 1000, value * 2, value // 2, 10**18))
    if isinstance(value, str):
        place = rng.randrange(len(value) + 1)
        flipped = (
            value[:place] + chr(ord(value[place]) ^ 1 << rng.randrange(7)) + value[place + 1 :]
            if value[place:]
            else "y"
        )
        return rng.choice((flipped, flipped, *STRINGS))
    if isinstance(value, list) and value:
        return rng.choice((value[1:], value[:-1], value * 2, value[::-1]))
    if isinstance(value, dict) and value:
        return {**value, "surprise": 1}
    return rng.choice(OTHERS)


def _missing(path: Path, rng: random.Random) -> Damage:
    def change(facts: Any) -> str:
        place, holder, key = rng.choice(list(_places(facts)))
        del holder[key]
        return place

    return _rewritten(path, "deleted", change, rng)


def _file(path: Path, rng: random.Random) -> Damage:
    before = path.read_bytes()
    other = path.with_name(
        rng.choice((f"{path.stem} (conflicted copy).json", f"{path.stem}-retry-1.json", "x.json", f"{path.stem}.json~"))
    )
    if other.exists():
        other = path.with_name("y.json")

    def undo() -> None:
        other.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(before)

    kind = rng.choice(("copied", "renamed", "removed", "truncated", "swapped", "bit flipped"))
    if kind == "copied":
        shutil.copy(path, other)
    elif kind == "renamed":
        path.rename(other)
    elif kind == "removed":
        path.unlink()
    elif kind == "truncated":
        path.write_bytes(before[: rng.randrange(len(before))])
    elif kind == "swapped":
        path.write_bytes(rng.choice([one for one in path.parent.glob("*.json") if one != path] or [path]).read_bytes())
    else:
        place = rng.randrange(len(before))
        path.write_bytes(before[:place] + bytes([before[place] ^ 1 << rng.randrange(8)]) + before[place + 1 :])
    return Damage(f"{kind} {other.name if kind in ('copied', 'renamed') else ''}", path, undo)
