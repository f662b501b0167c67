"""Measure variants in scenarios, trial by trial, and store every record.

Every variant passes the conformance gate first. Trials that others disturb are retried. Exits with 3 if a cell has no
valid trial.

examples:
  python -m bench run --profile quick
  python -m bench run -v sse -v websocket -s broadcast --set subscribers=1000 --repetitions 5
  python -m bench run -s broadcast --sweep rate_hz=1,5,40 --sweep subscribers=10,300
  python -m bench run --resume 2026-01-31T12-00-00-standard
"""

from __future__ import annotations

import argparse
import dataclasses

import servers
from bench.commands import _measuring
from bench.commands._options import add_storage, repetitions, workers
from bench.commands._reporting import rehearse_report, write_report
from bench.execution import run as runs
from bench.planning.plan import PROFILES
from bench.planning.request import Request, settle


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is measured, how often, and where it is stored."""
    parser.add_argument("--profile", default="standard", help=f"one of {', '.join(PROFILES)} (default: %(default)s)")
    parser.add_argument("-v", "--variant", action="append", default=[], metavar="VARIANT",
                        help="measure this variant only: its name, or the path of its file (repeatable)")  # fmt: skip
    parser.add_argument("-s", "--scenario", action="append", default=[], help="measure this scenario only (repeatable)")
    parser.add_argument("--repetitions", type=repetitions, help="trials per cell (default: as the profile says)")
    parser.add_argument("--workers", type=workers, default=1,
                        help="Locust processes to spread the subscribers over (default: %(default)s)")  # fmt: skip
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a parameter")
    parser.add_argument("--sweep", action="append", default=[], metavar="[SCENARIO.]NAME=VALUE,VALUE",
                        help="also run every cell with this parameter at these values (repeatable; the profile full has"
                        " sweeps of its own)")  # fmt: skip
    parser.add_argument("--report", action="store_true", help="write the report afterwards")
    parser.add_argument("--exit-zero", action="store_true",
                        help="exit with 0 also if a cell has no valid trial; the report says which")  # fmt: skip
    add_storage(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, store, and write the report if that is asked for. Raises Refused, ResultsError."""
    if options.resume:  # a run that is resumed knows its variants, but not the paths of files outside the repository
        servers.chosen(options.variant)
    else:
        settle(request(options))  # what is mistyped is reported before another measurement is
    if options.report:
        rehearse_report(options.reports, options.results)
    with _measuring.alone(options):
        begun = _measuring.resumed(options) or runs.begin(request(options), _measuring.say)
        code = _measuring.carry_out(begun, options)
    folder = begun.store.folder
    if options.report:
        write_report(folder, options.reports)
    else:
        print(f"write the report with `python -m bench report {folder.name}`")
    return 0 if options.exit_zero and code == runs.NO_VALID_TRIAL else code


def request(options: argparse.Namespace) -> Request:
    """The request as typed."""
    return dataclasses.replace(
        _measuring.request(options),
        profile=options.profile,
        variants=tuple(options.variant),
        scenarios=tuple(options.scenario),
        repetitions=options.repetitions,
        changes=tuple(options.set),
        sweeps=tuple(options.sweep),
        workers=options.workers,
    )
