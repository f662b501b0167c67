"""Measure how small a difference is detected here, and how often equal servers are called different.

Compares equal servers, and servers with an injected difference, as a report compares variants. Exits with 1 unless
equal servers are called different in at most 15 % of the comparisons, and injected differences are detected in at
least 90 %.

examples:
  python -m bench sensitivity                            10 experiments of 7 blocks, about 31 minutes
  python -m bench sensitivity --experiments 2 --blocks 3
"""

from __future__ import annotations

import argparse

from bench.commands import _measuring
from bench.commands._options import add_storage, repetitions
from bench.execution import sensitivity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how often, and where it is stored."""
    parser.add_argument("--experiments", type=repetitions, default=10, help="how often (default: %(default)s)")
    parser.add_argument("--blocks", type=repetitions, default=7, help="of each experiment (default: %(default)s)")
    add_storage(parser)


def run(options: argparse.Namespace) -> int:
    """Measure, store, and print how the comparisons came out. Raises Refused, ResultsError."""
    wanted = _measuring.request(options)
    with _measuring.alone(options):
        begun = _measuring.resumed(options) or sensitivity.begin(wanted, options.experiments, options.blocks)
        code = _measuring.carry_out(begun, options)
    rates = sensitivity.error_rates_of(begun.run, begun.store.trials())
    from bench.report.instrument import sensitivity_table  # only now: it loads what a report needs (see `_reporting`)

    _measuring.say("\n" + sensitivity_table(rates))
    return code or int(not rates or not all(rate.met for rate in rates))
