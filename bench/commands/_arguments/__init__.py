"""The command line: what can be asked for, and how it is explained."""

from __future__ import annotations

import argparse

from bench.commands._arguments import _measuring, _reading

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
    _measuring.add_run(commands)
    _measuring.add_calibrate(commands)
    _measuring.add_sensitivity(commands)
    _measuring.add_generator(commands)
    _reading.add_advise(commands)
    _reading.add_report(commands)
    _reading.add_compare(commands)
    _reading.add_export(commands)
    return top
