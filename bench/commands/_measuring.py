"""What the commands share that measure trials: the request as typed, and a run until its last trial."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager

from bench.execution import exclusive
from bench.execution import run as runs
from bench.execution.quiet import WAIT_S
from bench.execution.run import Begun
from bench.planning.request import Request
from bench.processes.interrupts import Ended
from bench.results import ResultsError


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)


def typed() -> tuple[str, ...]:
    """The command line, for the record."""
    return ("python", "-m", "bench", *sys.argv[1:])


def request(options: argparse.Namespace) -> Request:
    """A request with what `_options.add_storage` adds."""
    return Request(
        seed=options.seed,
        cores_may_sleep=options.cores_may_sleep,
        name=options.name,
        results=options.results,
        command=typed(),
    )


def resumed(options: argparse.Namespace) -> Begun | None:
    """The interrupted run that --resume names, if it does. Raises Refused, ResultsError."""
    return runs.resume(options.resume, options.results, say) if options.resume else None


def alone(options: argparse.Namespace) -> AbstractContextManager[None]:
    """The machine is held while the block runs. Raises Refused where another measurement holds it, unless --no-wait."""
    return exclusive.measuring(beside_others=options.no_wait, say=say)


def carry_out(begun: Begun, options: argparse.Namespace) -> int:
    """Run and store the trials that are left of a run. Returns the exit code. On an interrupt, or where a record
    cannot be written, print how to go on."""
    try:
        return runs.carry_out(begun, say, 0.0 if options.no_wait else WAIT_S)
    except (KeyboardInterrupt, Ended, ResultsError) as end:
        if not isinstance(end, ResultsError) or isinstance(end.__cause__, OSError):  # not a run that is in progress
            again = f"python -m bench {options.command} --resume {begun.store.folder.name}"
            print(f"all finished trials are stored; `{again}` continues the run", file=sys.stderr)
        raise
