"""The commands: list, verify, run, calibrate, generator, report. What a person can mend is one line, ours a traceback.

Exit codes: 0 valid, 1 a check failed, 2 usage or preflight, 3 the run holds invalid trials, 130/143 interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from bench import plan, scenarios
from bench.results import ResultsError
from bench.units import clock
from servers import _variant

if TYPE_CHECKING:
    from bench.run import Begun

EPILOG = """\
examples:
  python -m bench list
  python -m bench verify sse websocket
  python -m bench run --profile quick
  python -m bench run -v sse -v websocket -s broadcast --set subscribers=1000 --repetitions 5
  python -m bench run --resume 2026-01-31T12-00-00-standard
  python -m bench calibrate --repetitions 3
  python -m bench report
"""
CALIBRATE_EPILOG = """\
examples:
  python -m bench calibrate
  python -m bench calibrate --repetitions 3 --name quiet-machine
  python -m bench calibrate --resume quiet-machine
"""

SENSITIVITY_EPILOG = """\
examples:
  python -m bench sensitivity                            10 experiments of 5 blocks, some 12 minutes
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


class Terminated(SystemExit):
    """SIGTERM came; like KeyboardInterrupt, it must reach every clean-up on its way out."""


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
    report = commands.add_parser("report", help="write the report of a run from its stored records")
    report.add_argument("run", nargs="?", help="name or folder of a run (default: the newest)")
    report.add_argument(
        "--prose", type=Path, action="append", default=[], metavar="FILE",
        help="also put what the run shows between the marks of this file (repeatable)",
    )  # fmt: skip
    _add_folders(report)
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
    run.add_argument("--seed", type=int, default=1, help="seed of order, phases and payloads (default: %(default)s)")
    run.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="change a scenario's parameter")
    run.add_argument("--name", default="", help="name of the run (default: time and profile)")
    run.add_argument("--resume", metavar="RUN", help="continue an interrupted run with the trials it still lacks")
    run.add_argument("--report", action="store_true", help="write the report afterwards")
    _add_folders(run)


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
    calibrate.add_argument("--seed", type=int, default=1, help="seed of order and payloads (default: %(default)s)")
    calibrate.add_argument("--name", default="", help="name of the run (default: time and `calibration`)")
    calibrate.add_argument("--resume", metavar="RUN", help="continue an interrupted calibration")
    _add_folders(calibrate)


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
    sensitivity.add_argument("--seed", type=int, default=1, help="seed of order and payloads (default: %(default)s)")
    sensitivity.add_argument("--name", default="", help="name of the run (default: time and `sensitivity`)")
    sensitivity.add_argument("--resume", metavar="RUN", help="continue an interrupted one")
    _add_folders(sensitivity)


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


def _add_folders(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results", type=Path, default=Path("results"), help="where runs are (default: %(default)s)")
    command.add_argument(
        "--reports", type=Path, default=Path("reports"), help="where reports go (default: %(default)s)"
    )


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


def list_(options: argparse.Namespace) -> int:
    """Print what there is to compare, what it is compared by, and how long that takes."""
    print("variants (files of servers/)")
    for name in _variant.names():
        variant = _variant.load(name)
        reason = _variant.unavailable(variant)
        print(f"  {name:<24} {_variant.description(name)}" + (f"\n  {'':<24} SKIPPED: {reason}" if reason else ""))
    print("\nscenarios (files of bench/scenarios/)")
    found = [scenarios.load(name) for name in scenarios.names()]
    for scenario in found:
        print(f"  {scenario.name:<24} {scenario.description}")
    print("\nprofiles")
    cells = [(scenario.name, name) for scenario in found for name in _variant.names()]
    floors = plan.floors({scenario.name: scenario.traffic for scenario in found})
    for profile in plan.PROFILES.values():
        every = (*found, scenarios.load(plan.CALIBRATION))
        parameters = {scenario.name: scenario.settled(profile.name, {}) for scenario in every}
        planned = plan.of_run(cells, floors, profile.repetitions, 1, profile.twins)
        expected = clock(plan.expected_s(planned, parameters))
        print(f"  {profile.name:<24} {len(planned)} trials in about {expected}: {profile.purpose}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Run the conformance checks, one line per variant and one per refutation."""
    from bench import conformance
    from bench import run as runs

    failed = 0
    for name, variant in runs.variants(options.variant).items():
        reason = _variant.unavailable(variant)
        if reason:
            print(f"{name:<24} skipped: {reason}", flush=True)
            continue
        verdicts = list(conformance.verify(name, variant))
        passed = sum(not verdict.refutation for verdict in verdicts)
        print(f"{name:<24} {passed} of {len(verdicts)} checks passed", flush=True)
        for verdict in verdicts:
            if verdict.refutation:
                check = verdict.check
                print(f"  {check.name}: {check.does}; expected {check.expects}.\n    {verdict.refutation}", flush=True)
        failed += passed < len(verdicts)
    return 1 if failed else 0


def _say(line: str) -> None:
    print(line, flush=True)


def _carry_out(begun: Begun, command: str) -> int:
    """Run and store what is left of a run; whoever interrupts is told how it goes on."""
    from bench import run as runs

    try:
        return runs.carry_out(begun, _say)
    except (KeyboardInterrupt, Terminated):
        again = f"python -m bench {command} --resume {begun.store.folder.name}"
        print(f"what was measured is stored; `{again}` continues it", file=sys.stderr)
        raise


def run(options: argparse.Namespace) -> int:
    """Measure, store, and if asked write the report."""
    from bench import run as runs

    if options.resume:
        begun = runs.resume(options.resume, options.results, _say)
    else:
        request = runs.Request(
            profile=options.profile,
            variants=tuple(options.variant),
            scenarios=tuple(options.scenario),
            repetitions=options.repetitions,
            seed=options.seed,
            changes=tuple(options.set),
            workers=options.workers,
            name=options.name,
            results=options.results,
            command=("python", "-m", "bench", *sys.argv[1:]),
        )
        begun = runs.begin(request, _say)
    folder = begun.store.folder
    code = _carry_out(begun, options.command)
    if options.report:
        _report(folder, options.reports)
    else:
        print(f"write the report with `python -m bench report {folder.name}`")
    return code


def calibrate(options: argparse.Namespace) -> int:
    """Plant and read back, store, write the report, and print the readings; 1 if one is missed, 3 if a trial is."""
    from bench import calibrate as calibrations
    from bench import run as runs

    if options.resume:
        begun = runs.resume(options.resume, options.results, _say)
    else:
        request = runs.Request(
            repetitions=options.repetitions,
            seed=options.seed,
            name=options.name,
            results=options.results,
            command=("python", "-m", "bench", *sys.argv[1:]),
        )
        begun = calibrations.begin(request)
    code = _carry_out(begun, options.command)
    found = calibrations.readings(begun.store.trials())
    _say("\n" + calibrations.table(found) + "\n")
    _report(begun.store.folder, options.reports)
    return code or int(not found or not all(reading.met for reading in found))


def sensitivity(options: argparse.Namespace) -> int:
    """Compare equal and unequal servers, store, and print what was found; 1 if that is not as it must be."""
    from bench import run as runs
    from bench import sensitivity as sensitivities
    from bench.report.instrument import sensitivity_table

    if options.resume:
        begun = runs.resume(options.resume, options.results, _say)
    else:
        request = runs.Request(
            seed=options.seed,
            name=options.name,
            results=options.results,
            command=("python", "-m", "bench", *sys.argv[1:]),
        )
        begun = sensitivities.begin(request, options.experiments, options.blocks)
    code = _carry_out(begun, options.command)
    seen = sensitivities.found(begun.run, begun.store.trials())
    _say("\n" + sensitivity_table(seen))
    return code or int(not seen or not all(outcome.met for outcome in seen))


def generator(options: argparse.Namespace) -> int:
    """Compare load generators and print the table, or print that of a stored comparison."""
    from bench import generator as generators
    from bench.generator import records
    from bench.run import Refused

    if options.show:
        print(generators.markdown(records.load(options.show)))
        return 0
    if options.json and options.json.exists():
        raise Refused(f"{options.json} exists already; results are never written over")
    try:
        chosen = generators.candidates(options.only)
    except LookupError as mistake:
        raise Refused(str(mistake.args[0])) from mistake
    load = generators.Load(
        subscribers=options.subscribers,
        rate_hz=options.rate,
        repetitions=options.repetitions,
        headroom=not options.no_headroom,
    )
    command = ("python", "-m", "bench", *sys.argv[1:])
    kept: list[records.Comparison] = []
    try:
        kept.append(generators.compare(chosen, load, command, lambda line: print(line, flush=True), kept.append))
    finally:
        if kept:
            print(generators.markdown(kept[-1]))
        if kept and options.json:
            records.save(options.json, kept[-1])
            print(f"raw measurements: {options.json}")
    return 0


def report(options: argparse.Namespace) -> int:
    """Write the report of a stored run."""
    from bench import run as runs

    folder = options.results / options.run if options.run else runs.newest(options.results)
    if options.run and not folder.exists() and Path(options.run).exists():
        folder = Path(options.run)
    _report(folder, options.reports)
    for prose in options.prose:
        _splice(prose, folder, options.reports)
    return 0


def _splice(prose: Path, folder: Path, reports: Path) -> None:
    from bench.report import spliced
    from bench.run import Refused

    try:
        text = spliced(prose.read_text(encoding="utf-8"), folder, f"{reports.as_posix()}/{folder.name}")
    except (OSError, ValueError) as mistake:
        raise Refused(f"{prose}: {mistake}") from mistake
    prose.write_text(text, encoding="utf-8")


def _report(folder: Path, reports: Path) -> None:
    from bench.report import build
    from bench.run import Refused

    try:
        page = build(folder, reports)
    except OSError as error:
        again = f"python -m bench report {folder.name} --reports FOLDER"
        raise Refused(f"cannot write the report to {reports}: {error.strerror}; try `{again}`") from error
    print(f"report: {page}")


COMMANDS = {
    "list": list_,
    "verify": verify,
    "run": run,
    "calibrate": calibrate,
    "sensitivity": sensitivity,
    "generator": generator,
    "report": report,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    from bench.run import Refused

    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        return COMMANDS[options.command](options)
    except (Refused, ResultsError) as mistake:
        print(f"bench {options.command}: {mistake.args[0]}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    except Terminated:
        return 143


def _stop(number: int, frame: FrameType | None) -> None:
    """Leave through every clean-up, and let no second signal (tox sends one) break into those."""
    for other in (signal.SIGINT, signal.SIGTERM):
        signal.signal(other, signal.SIG_IGN)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated
