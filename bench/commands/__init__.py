"""The commands of `python -m bench`, one discovered file each; folders that PUSHBENCH_COMMANDS names may add more.

The name of a file is the name of its command. Its docstring is the help: the first line stands in the list of commands,
the rest above the arguments, and what follows the line `examples:` below them. A file defines two functions:

    add_arguments(parser)  adds the arguments of the command to an argparse parser
    run(options)           carries the command out and returns the exit code (see `bench.cli`)

A command is imported only when it is named, so it may import what it needs at the top of its file.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

from bench import discovery

VARIABLE = "PUSHBENCH_COMMANDS"

__path__ = discovery.extended(__path__, VARIABLE)


class Command(Protocol):
    """The module of a command."""

    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


@dataclass(frozen=True, slots=True)
class Help:
    """The docstring of a command: its first line, what follows, and the examples. Each may be empty but the first."""

    summary: str
    description: str
    examples: str


def names() -> list[str]:
    """The names of all commands, sorted. Raises DiscoveryError."""
    return discovery.names(__path__)


def help_of(name: str) -> Help:
    """The help of the command `name`, read without importing it. Raises DiscoveryError."""
    words = discovery.docstring(discovery.file_of(__path__, name)) or name
    text, line, examples = words.partition("\nexamples:\n")
    return Help(text.partition("\n")[0], text.strip(), (line + examples).strip())


def load(name: str) -> Command:
    """The module of the command `name`. Raises DiscoveryError where it lacks a function."""
    module = importlib.import_module(f"{__name__}.{name}")
    missing = [function for function in ("add_arguments", "run") if not callable(getattr(module, function, None))]
    if missing:
        raise discovery.DiscoveryError(f"{module.__file__} has no function {missing[0]}; a command needs it")
    return cast(Command, module)
