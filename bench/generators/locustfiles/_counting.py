"""What the Locust peers share: their options and the line of JSON they print ten times a second."""

import json
import os
import sys
import time
from typing import Any

import gevent
from locust import events

COUNTS = {"connected": 0, "received": 0}


@events.init_command_line_parser.add_listener
def _add_arguments(parser: Any, **_: Any) -> None:
    parser.add_argument("--topic", default="")


@events.init.add_listener
def _start_reporting(**_: Any) -> None:
    gevent.spawn(_report)


def _report() -> None:
    while True:
        gevent.sleep(0.1)
        try:
            print(json.dumps({"t": time.monotonic_ns(), **COUNTS}), file=sys.stdout, flush=True)
        except OSError:  # the reader of standard output has ended
            os._exit(1)
