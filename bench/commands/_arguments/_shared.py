"""What several commands share: where things are, and values that are checked as they are read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from bench import scenarios

if TYPE_CHECKING:
    Commands: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def add_storage(command: argparse.ArgumentParser) -> None:
    """What every command has that measures trials and stores them."""
    command.add_argument("--seed", type=int, default=1, help="seed of order, phases, payloads (default: %(default)s)")
    command.add_argument("--name", default="", help="name of the run (default: the time, and what it is)")
    command.add_argument("--resume", metavar="RUN", help="continue an interrupted run with the trials it still lacks")
    add_sleep(command)
    add_folders(command)


def add_sleep(command: argparse.ArgumentParser) -> None:
    """Whether the measured machine is kept as it is."""
    command.add_argument(
        "--cores-may-sleep",
        action="store_true",
        help="leave cores without work to the kernel, as in daily use; where that is allowed they are kept awake else,"
        " since to wake one, above all on a virtual machine, can take longer than what is measured",
    )


def add_folders(command: argparse.ArgumentParser) -> None:
    """Where results and reports are."""
    add_results(command)
    command.add_argument(
        "--reports", type=Path, default=Path("reports"), help="where reports go (default: %(default)s)"
    )


def add_results(command: argparse.ArgumentParser) -> None:
    """Where results are."""
    command.add_argument("--results", type=Path, default=Path("results"), help="where runs are (default: %(default)s)")


def positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def rate(text: str) -> float:
    value = float(text)
    low, high = scenarios.BOUNDS["rate_hz"]
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must be {low:g} to {high:g}, not {text}")
    return value
