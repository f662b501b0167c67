"""What exists because its file exists: the public modules of a package, and of folders that the environment names.

A package that is open to additions passes its own `__path__` through `extended`; its modules are then found and
imported wherever they lie:

    __path__ = discovery.extended(__path__, "PUSHBENCH_SCENARIOS")
"""

from __future__ import annotations

import ast
import importlib
import os
import pkgutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType


class DiscoveryError(Exception):
    """A folder named in the environment does not exist, two files claim one name, or a file cannot be read. The message
    names them."""


def extended(path: Iterable[str], variable: str) -> list[str]:
    """The `__path__` of a package with the folders that an environment variable lists (separated as in PATH)."""
    folders = os.environ.get(variable, "").split(os.pathsep)
    return [*path, *(os.path.abspath(folder) for folder in folders if folder)]


def names(path: Iterable[str]) -> list[str]:
    """The names of the public modules on a package's `__path__`, sorted. Raises DiscoveryError."""
    folders = list(path)
    for folder in folders:
        if not os.path.isdir(folder):
            raise DiscoveryError(f"{folder} is not a folder; correct the PUSHBENCH_ variable that names it")
    modules = [(module.name, folder) for folder in folders for module in pkgutil.iter_modules([folder])]
    public = [(name, folder) for name, folder in modules if not name.startswith("_")]
    for name, count in Counter(name for name, _ in public).items():
        if count > 1:
            where = " and ".join(folder for one, folder in public if one == name)
            raise DiscoveryError(f"{name}.py is in {where}; rename one of them")
    return sorted(name for name, _ in public)


def tables(package: str, path: Iterable[str]) -> list[ModuleType]:
    """The public modules of a package, each of which holds rows of one table, in the order of their `ORDER`."""
    modules = [importlib.import_module(f"{package}.{name}") for name in names(path)]
    return sorted(modules, key=lambda module: (module.ORDER, module.__name__))


def file_of(path: Iterable[str], name: str) -> Path:
    """The file of the module `name` on a package's `__path__`. Raises LookupError if there is none."""
    for folder in path:
        for file in (Path(folder, f"{name}.py"), Path(folder, name, "__init__.py")):
            if file.is_file():
                return file
    raise LookupError(f"there is no file {name}.py")


def description(file: Path) -> str:
    """The first line of the docstring of a file; its name where it has none. Raises DiscoveryError."""
    return (docstring(file) or file.stem).partition("\n")[0]


def docstring(file: Path) -> str:
    """The docstring of a file, read without importing it; empty where it has none. Raises DiscoveryError."""
    return ast.get_docstring(_parsed(file)) or ""


def names_in(file: Path, variable: str) -> frozenset[str]:
    """The names in a tuple that a file assigns to `variable`, read without importing it; empty where it assigns none.

    Raises DiscoveryError.
    """
    for node in _parsed(file).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [variable]:
            try:
                return frozenset(ast.literal_eval(node.value))
            except (TypeError, ValueError):
                raise DiscoveryError(f"{file}: {variable} must be a literal tuple of names") from None
    return frozenset()


def _parsed(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError) as error:
        raise DiscoveryError(f"{file} cannot be read: {error}") from error
