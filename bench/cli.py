"""The commands that examine and measure, and the way into all.

What a person can mend is one line, our fault a traceback.

Exit codes: 0 valid, 1 a check failed, 2 usage or preflight, 3 the run holds invalid trials, 130/143 interrupted.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any

from bench import scenarios
from bench.commands import _reading_bodies
from bench.commands._arguments import parser
from bench.planning import plan
from bench.results import ResultsError
from bench.units import clock
from servers import _variant

if TYPE_CHECKING:
    from bench.execution.run import Begun
    from bench.planning.request import Request


class Terminated(SystemExit):
    """SIGTERM came; like KeyboardInterrupt, it must reach every clean-up on its way out."""


def list_(options: argparse.Namespace) -> int:
    """Print what there is to compare, what it is compared by, and how long that takes."""
    from bench.planning.needs import NEEDS, lacking
    from bench.planning.request import Request, settle

    print("variants (files of servers/)")
    for name in _variant.names():
        variant = _variant.load(name)
        reason = _variant.unavailable(variant)
        print(f"  {name:<24} {_variant.description(name)}" + (f"\n  {'':<24} SKIPPED: {reason}" if reason else ""))
        if variant.extra:
            print(f"  {'':<24} measured only if it is named: -v {name}")
    print("\nscenarios (files of bench/scenarios/)")
    found = [scenarios.load(name) for name in scenarios.names()]
    for scenario in found:
        print(f"  {scenario.name:<24} {scenario.description}")
        if scenario.needs:
            able = [name for name in _variant.names() if not lacking(scenario, _variant.load(name))]
            print(f"  {'':<24} only for {NEEDS[scenario.needs].words}: {', '.join(able) or 'there is none here'}")
    print("\nprofiles")
    calibration = scenarios.load(plan.CALIBRATION)
    for profile in plan.PROFILES.values():
        settled = settle(Request(profile=profile.name))
        cells = settled.cells(_variant.names())
        floors = plan.floors(settled.controlled)
        points = settled.points(_variant.names())
        planned = plan.of_run(cells, floors, profile.repetitions, 1, settled.twinned, points)
        parameters = {**settled.parameters, calibration.name: calibration.settled(profile.name, {})}
        expected = clock(plan.expected_s(planned, parameters))
        print(f"  {profile.name:<24} {len(planned)} trials in about {expected}: {profile.purpose}")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Run the conformance checks, one line per variant and one per refutation."""
    from bench.gate import conformance
    from bench.planning.request import variants

    failed = 0
    for name, variant in variants(options.variant).items():
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


def _begun(options: argparse.Namespace, begin: Callable[[Request], Begun], **asked: Any) -> Begun:
    """The run to be resumed, or a new one as it was asked for."""
    from bench.execution import run as runs
    from bench.planning.request import Request

    if options.resume:
        return runs.resume(options.resume, options.results, _say)
    command = ("python", "-m", "bench", *sys.argv[1:])
    asked |= {"seed": options.seed, "name": options.name, "cores_may_sleep": options.cores_may_sleep}
    return begin(Request(results=options.results, command=command, **asked))


def _carry_out(begun: Begun, command: str) -> int:
    """Run and store what is left of a run; whoever interrupts is told how it goes on."""
    from bench.execution import run as runs

    try:
        return runs.carry_out(begun, _say)
    except (KeyboardInterrupt, Terminated):
        again = f"python -m bench {command} --resume {begun.store.folder.name}"
        print(f"what was measured is stored; `{again}` continues it", file=sys.stderr)
        raise


def run(options: argparse.Namespace) -> int:
    """Measure, store, and if asked write the report."""
    from bench.execution import run as runs

    asked = {
        "profile": options.profile, "variants": tuple(options.variant), "scenarios": tuple(options.scenario),
        "repetitions": options.repetitions, "changes": tuple(options.set), "sweeps": tuple(options.sweep),
        "workers": options.workers,
    }  # fmt: skip
    begun = _begun(options, lambda request: runs.begin(request, _say), **asked)
    folder = begun.store.folder
    code = _carry_out(begun, options.command)
    if options.report:
        _reading_bodies.write_report(folder, options.reports)
    else:
        print(f"write the report with `python -m bench report {folder.name}`")
    return code


def calibrate(options: argparse.Namespace) -> int:
    """Plant and read back, store, write the report, and print the readings; 1 if one is missed, 3 if a trial is."""
    from bench.execution import calibration as calibrations

    begun = _begun(options, calibrations.begin, repetitions=options.repetitions)
    code = _carry_out(begun, options.command)
    found = calibrations.readings(begun.store.trials())
    _say("\n" + calibrations.table(found) + "\n")
    _reading_bodies.write_report(begun.store.folder, options.reports)
    return code or int(not found or not all(reading.met for reading in found))


def sensitivity(options: argparse.Namespace) -> int:
    """Compare equal and unequal servers, store, and print what was found; 1 if that is not as it must be."""
    from bench.execution import sensitivity as sensitivities
    from bench.report.instrument import sensitivity_table

    begun = _begun(options, lambda request: sensitivities.begin(request, options.experiments, options.blocks))
    code = _carry_out(begun, options.command)
    seen = sensitivities.found(begun.run, begun.store.trials())
    _say("\n" + sensitivity_table(seen))
    return code or int(not seen or not all(outcome.met for outcome in seen))


def generator(options: argparse.Namespace) -> int:
    """Compare load generators and print the table, or print that of a stored comparison."""
    from bench import generators
    from bench.planning.request import Refused
    from bench.results import GeneratorComparison, load_comparison, save_comparison

    if options.show:
        print(generators.markdown(load_comparison(options.show)))
        return 0
    if options.json and options.json.exists():
        raise Refused(f"{options.json} exists already; results are never overwritten")
    try:
        chosen = generators.candidates(options.only)
    except LookupError as mistake:
        raise Refused(str(mistake.args[0])) from mistake
    load = generators.Load(
        subscribers=options.subscribers,
        rate_hz=options.rate,
        repetitions=options.repetitions,
        headroom=not options.no_headroom,
        cores_may_sleep=options.cores_may_sleep,
    )
    command = ("python", "-m", "bench", *sys.argv[1:])
    kept: list[GeneratorComparison] = []
    try:
        kept.append(generators.compare(chosen, load, command, lambda line: print(line, flush=True), kept.append))
    finally:
        if kept:
            print(generators.markdown(kept[-1]))
        if kept and options.json:
            save_comparison(options.json, kept[-1])
            print(f"raw measurements: {options.json}")
    return 0


COMMANDS = {
    "list": list_,
    "verify": verify,
    "run": run,
    "calibrate": calibrate,
    "sensitivity": sensitivity,
    "generator": generator,
    "advise": _reading_bodies.advise,
    "report": _reading_bodies.report,
    "compare": _reading_bodies.compare,
    "export": _reading_bodies.export,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    from bench.planning.request import Refused

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
