"""Arguments that several commands take, and values that are checked as they are read."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_storage(parser: argparse.ArgumentParser) -> None:
    """Add what every command takes that measures trials and stores them."""
    parser.add_argument("--seed", type=int, default=1, help="seed of order, phases, payloads (default: %(default)s)")
    parser.add_argument("--name", default="", help="name of the run (default: the time, and what it is)")
    parser.add_argument("--resume", metavar="RUN", help="continue an interrupted run with the trials it still lacks")
    parser.add_argument(
        "--no-wait",
        action="store_true",
        help="measure at once, also beside other programs or another measurement; otherwise wait for quiet, for up to"
        " a minute in all",
    )
    add_sleep(parser)
    add_folders(parser)


def add_sleep(parser: argparse.ArgumentParser) -> None:
    """Add whether cores without work may enter idle states."""
    parser.add_argument(
        "--cores-may-sleep",
        action="store_true",
        help="leave idle cores to the kernel, as in daily use; otherwise they are kept awake where that is allowed,"
        " because waking one (above all on a virtual machine) can take longer than what is measured",
    )


def add_stored_run(parser: argparse.ArgumentParser) -> None:
    """Add which stored run a command reads."""
    parser.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")


def add_folders(parser: argparse.ArgumentParser) -> None:
    """Add where results and reports are."""
    add_results(parser)
    parser.add_argument("--reports", type=Path, default=Path("reports"), help="where reports go (default: %(default)s)")


def add_results(parser: argparse.ArgumentParser) -> None:
    """Add where results are."""
    parser.add_argument("--results", type=Path, default=Path("results"), help="where runs are (default: %(default)s)")


def whole(text: str, low: int, high: int) -> int:
    """A whole number within bounds."""
    value = int(text)
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must be {low} to {high}, not {value}")
    return value


def repetitions(text: str) -> int:
    """How often something is measured: as often as a record of it can still be read."""
    return whole(text, 1, 1000)


def workers(text: str) -> int:
    """A number of processes; what is of use follows from cores and subscribers (see `bench.execution.preflight`)."""
    return whole(text, 1, 1_000_000)
