"""The catalogue of variants, and the source of each.

A variant is a public file of this package, a public file of a folder that PUSHBENCH_VARIANTS names (separated as in
PATH), an entry point of the group `pushbench.variants` of an installed package, or a file given by its path
(`resolve`). An entry point refers to a module with `VARIANT`, or to the Variant itself.

A file of this package that raises anything but ImportError is a fault of this project, and the exception is raised. Any
other variant that cannot be loaded is listed as unavailable, with the reason.
"""

from __future__ import annotations

import ast
import difflib
import importlib
import importlib.util
import os
import pkgutil
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from servers._variant import Technique, Variant

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

FOLDERS = "PUSHBENCH_VARIANTS"
GROUP = "pushbench.variants"


class VariantError(LookupError):
    """A variant is unknown, cannot be read, or has the name of another one. The message says which."""


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a variant. origin: a description without a path; empty for a file of this package."""

    name: str
    origin: str = ""
    file: Path | None = None
    entry: EntryPoint | None = None

    def load(self) -> Variant:
        """The variant defined there. Raises what its code raises, and VariantError if it defines none."""
        target: object = self.entry.load() if self.entry else _module(self)
        variant = getattr(target, "VARIANT", None) if isinstance(target, ModuleType) else target
        if not isinstance(variant, Variant):
            raise VariantError("it defines no VARIANT = Variant(...)")
        return variant


# files given by their paths
_given: dict[Path, Source] = {}


def folders() -> list[str]:
    """The folders that the environment names, as absolute paths."""
    return [os.path.abspath(folder) for folder in os.environ.get(FOLDERS, "").split(os.pathsep) if folder]


# the folders with modules of this package: its own, then those that the environment names
PATH = [str(Path(__file__).parent), *folders()]


def names(hidden: bool = False) -> list[str]:
    """The names of all variants, sorted; with `hidden` also the hidden ones. Raises VariantError."""
    return sorted(name for name in _sources() if hidden or not load(name).hidden)


def resolve(word: str) -> str:
    """The name of the variant for a word of a command line: `word` itself, or the name of the file if it is a path.

    The file is then a variant of this process. Raises VariantError for a file that cannot be loaded.
    """
    if os.sep not in word and not word.endswith(".py"):
        return word
    file = Path(word).absolute()
    if not (file.is_file() and file.suffix == ".py"):
        raise VariantError(f"there is no Python file {word}")
    for source in _files():
        if source.file and source.file.samefile(file):
            return source.name
    source = _given[file] = _checked(Source(file.stem, f"file {file.name}", file))
    _check_unique()
    variant = load(source.name)
    if variant.technique is Technique.UNKNOWN:
        raise VariantError(f"{word}: {unavailable(variant)}")
    return source.name


def chosen(words: Sequence[str]) -> dict[str, Variant]:
    """The variants that these words name, or all public ones without words. Raises VariantError."""
    resolved = [resolve(word) for word in words]
    _check_unique()
    return {name: load(name) for name in resolved or names()}


@cache
def load(name: str) -> Variant:
    """The variant called `name`. Raises VariantError with the nearest name if it is unknown."""
    source = _source(name)
    try:
        return source.load()
    except ImportError as error:
        reason = str(error)
    except Exception as error:
        if not source.origin:
            raise
        reason = f"{'' if isinstance(error, VariantError) else type(error).__name__ + ': '}{error}"
    return _unreadable(name, reason.partition("\n")[0])


def origin(name: str) -> str:
    """The source of a variant in words, such as "file my_server.py"; empty for a file of this package."""
    return _source(name).origin


def argument(name: str) -> str:
    """The word that names a variant to another process: the path of a file outside this package, otherwise its name."""
    if _own(name):
        return name
    source = _sources().get(name)
    return str(source.file) if source and source.file else name


def folder(name: str) -> Path:
    """The folder in which the program of a variant runs: that of its file, or the parent of this package."""
    source = _source(name)
    file = _file(source) if source.origin else Path(PATH[0])
    return file.parent if file else Path.cwd()


def description(name: str) -> str:
    """The first line of the docstring of the variant's file, read without importing it; the name if there is none."""
    file = _file(_source(name))
    try:
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) if file else None
    except (OSError, SyntaxError, ValueError):
        docstring = None
    return (docstring or name).partition("\n")[0]


def lacking(variant: Variant) -> str | None:
    """What the variant needs and does not find here, or None."""
    return next((reason for probe in variant.needs if (reason := probe())), None)


def unavailable(variant: Variant, subscribers: int = 0) -> str | None:
    """Why the variant cannot run here with this number of subscribers, or None. It uses what the variant needs."""
    return lacking(variant) or (variant.works(subscribers) if variant.works else None)


def versions(variant: Variant) -> dict[str, str]:
    """The versions of the installed distributions that the variant runs on; Python's first."""
    import importlib.metadata

    versions = {"python": platform.python_version()}
    for distribution in variant.runs_on:
        try:
            versions[distribution] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _source(name: str) -> Source:
    """The source of the variant `name`. Raises VariantError with the nearest name if it is unknown."""
    if own := _own(name):
        return own
    sources = _sources()
    if name not in sources:
        nearest = difflib.get_close_matches(name, sources, n=1, cutoff=0.0)
        hint = f"did you mean {nearest[0]!r}?" if nearest else "there is none;"
        raise VariantError(f"no variant {name!r}; {hint} `python -m servers --list` shows all")
    return sources[name]


def _own(name: str) -> Source | None:
    """The source of a variant of this package, or None.

    It is looked up first, so that the start of its server does not read the installed packages.
    """
    file = Path(PATH[0], f"{name}.py")
    return Source(name, file=file) if name.isidentifier() and not name.startswith("_") and file.is_file() else None


def _sources() -> dict[str, Source]:
    """The source of every variant, by its name. Raises VariantError if two have one name."""
    sources = [*_files(), *_given.values(), *_entries()]
    for name, count in Counter(source.name for source in sources).items():
        if count > 1:
            where = " and ".join(source.origin or "servers/" for source in sources if source.name == name)
            raise VariantError(f"two variants are called {name!r} ({where}); rename one of them")
    return {source.name: source for source in sources}


def _check_unique() -> None:
    """Raises VariantError if two variants have one name, even if neither is used."""
    _sources()


def _files() -> Iterator[Source]:
    """The public files of this package, then those of the folders that the environment names."""
    for number, path in enumerate(PATH):
        if not os.path.isdir(path):
            raise VariantError(f"{path} is not a folder; correct {FOLDERS}, which names it")
        for module in pkgutil.iter_modules([path]):
            if not module.name.startswith("_"):
                file = Path(path, module.name, "__init__.py") if module.ispkg else Path(path, f"{module.name}.py")
                yield _checked(Source(module.name, f"folder {Path(path).name}" if number else "", file))


@cache
def _entries() -> tuple[Source, ...]:
    """The entry points of all installed packages."""
    import importlib.metadata  # here, because it imports sockets and takes longer than the rest of this file

    entries = importlib.metadata.entry_points(group=GROUP)
    return tuple(_checked(Source(entry.name, _package(entry), entry=entry)) for entry in entries)


def _package(entry: EntryPoint) -> str:
    return f"package {entry.dist.name} {entry.dist.version}" if entry.dist else "an installed package"


def _checked(source: Source) -> Source:
    """The same source. Raises VariantError if its name cannot name a variant."""
    if source.name.startswith("_") or not source.name.isidentifier():
        raise VariantError(f"{source.name!r} ({source.origin}) cannot name a variant: use letters, digits and _")
    return source


def _module(source: Source) -> ModuleType:
    """The module of a file, imported. The import system cannot find a file given by its path: it is executed here."""
    name = f"servers.{source.name}"
    if source.file not in _given:
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, source.file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _file(source: Source) -> Path | None:
    """The file that defines a variant; None if an entry point refers to none."""
    if source.entry is None:
        return source.file
    try:
        spec = importlib.util.find_spec(source.entry.module)
    except Exception:  # importing the package around the module may raise anything
        return None
    return Path(spec.origin) if spec and spec.origin else None


def _unreadable(name: str, reason: str) -> Variant:
    return Variant(
        label=name,
        technique=Technique.UNKNOWN,
        client="",
        wire={},
        command=("false",),
        needs=(lambda: f"its file cannot be imported: {reason}",),
    )
