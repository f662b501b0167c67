"""A calibration as a run of its own: every injection in every block."""

from __future__ import annotations

from bench import scenarios
from bench.execution.run import Begun, begin_instrument
from bench.planning.plan import WHOLE, calibration
from bench.planning.request import Request
from bench.results import Planned


def begin(request: Request) -> Begun:
    """Store the head of a run that holds calibration trials alone. Raises Refused, ResultsError."""
    planned: list[Planned] = []
    repetitions = request.repetitions or 1
    for block in range(1, repetitions + 1):
        planned = calibration(WHOLE, request.seed, block, planned)
    return begin_instrument(scenarios.instrument().name, planned, repetitions, request)
