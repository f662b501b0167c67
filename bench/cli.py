"""The way into the commands: which one is named, and how it ends.

A mistake of the person is reported in one line, a fault of ours as a traceback.

Exit codes: 0 valid; 1 a check failed, or a regression; 2 usage or preflight; 3 a cell has no valid trial, or a load
generator could not be measured; 70 a fault of the bench; 74 the output could not be written; 129, 130, 143 ended by
SIGHUP, SIGINT, SIGTERM.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Sequence

from bench import commands, terminal
from bench.discovery import DiscoveryError
from bench.planning.request import Refused
from bench.processes.interrupts import Ended, exit_code, raise_on_signals
from bench.results import ResultsError
from servers import VariantError

FAULT, UNWRITABLE = 70, 74  # EX_SOFTWARE and EX_IOERR of sysexits.h


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit code."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    raise_on_signals()
    try:
        with terminal.shown():
            return _run(words)
    except terminal.Unwritable as error:
        print(f"{_name(words)}: {error}", file=sys.stderr)
        return UNWRITABLE
    except (KeyboardInterrupt, Ended) as signalled:
        return exit_code(signalled)


def _run(words: Sequence[str]) -> int:
    """Run one command: its exit code. Raises Unwritable."""
    try:
        _check_encoding(words)
        options = parse(words)
        return commands.load(options.command).run(options)
    except (DiscoveryError, VariantError, Refused, ResultsError) as mistake:
        print(f"{_name(words)}: {mistake.args[0]}", file=sys.stderr)
        return 2
    except terminal.Unwritable:
        raise
    except Exception:
        traceback.print_exc(file=sys.stderr)
        print(f"{_name(words)}: this is a fault of the bench; please report it with these lines", file=sys.stderr)
        return FAULT


def _check_encoding(words: Sequence[str]) -> None:
    """Raises Refused for a word that is no text in UTF-8, as a path may be: no record and no page can hold it."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            raise Refused(f"{word!a} is not UTF-8; rename the folder or file") from None


def _name(words: Sequence[str]) -> str:
    return " ".join(["bench", *words[:1]])


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options of a command line, with the name of the command as `command`. Raises DiscoveryError, and SystemExit
    for help and for words that the command does not take."""
    names = commands.names()
    named = [name for name in names if words[:1] == [name]]
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare polling, long polling, SSE and WebSocket servers under one contract.",
        epilog=_examples(named or names),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")
    for name in named or names:
        _add(choices, name, complete=bool(named))
    return parser.parse_args(words)


def _examples(names: Sequence[str]) -> str:
    """The first example of every command, without the words that explain it."""
    first = [line for name in names for line in commands.help_of(name).examples.splitlines()[1:2]]
    return "\n".join(["examples:", *(line.partition("   ")[0] for line in first)])


def _add(choices: argparse._SubParsersAction[argparse.ArgumentParser], name: str, complete: bool) -> None:
    """Add the parser of a command. It is imported only for a complete one; otherwise its first line is enough."""
    words = commands.help_of(name)
    command = choices.add_parser(
        name,
        help=words.summary.replace("%", "%%"),
        description=words.description,
        epilog=words.examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if complete:
        commands.load(name).add_arguments(command)
