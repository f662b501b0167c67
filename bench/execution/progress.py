"""What a run reports while it is measured: how long it will take, and a line per trial."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.numbers.distributions import quantile
from bench.analysis.trials.rate_search import sustained
from bench.gate.gate import Say
from bench.planning import retries
from bench.planning.durations import expected_s, notes
from bench.results import Planned, Run, Trial
from bench.units import clock, counted, duration


def parameters_of(run: Run) -> dict[str, Mapping[str, Any]]:
    """The parameters of every scenario of a run, by its name."""
    return {scenario.name: scenario.parameters for scenario in run.scenarios}


def report_duration(run: Run, left: Sequence[Planned], say: Say) -> None:
    """Report how long the trials that are left will take, and which parameter makes one of them far longer."""
    parameters = parameters_of(run)
    for line in notes(left, parameters):
        say(f"note  {line}")
    say(f"plan  {counted(len(left), 'trial')} in about {clock(expected_s(left, parameters))}")


class Progress:
    """One line per trial, with the time that is left. A retry counts once its block has ended."""

    def __init__(self, run: Run, left: Sequence[Planned]) -> None:
        self._of = len(run.plan)
        self._parameters = parameters_of(run)
        self._width = max((len(_cell(retries.retry(one))) for one in run.plan), default=0)
        self._began = time.monotonic()
        self._left_s, self._done_s = expected_s(left, self._parameters), 0.0

    def expect(self, more: Sequence[Planned]) -> None:
        """Add trials to the time that is left."""
        self._left_s += expected_s(more, self._parameters)

    def line(self, record: Trial) -> str:
        """The line of a trial that was just measured."""
        planned = record.planned
        took_s = expected_s([planned], self._parameters)
        self._left_s, self._done_s = self._left_s - took_s, self._done_s + took_s
        pace = (time.monotonic() - self._began) / self._done_s if self._done_s else 1.0
        return (f"{planned.position:>3}/{self._of}  {planned.scenario:<11} {_cell(planned):<{self._width}} "
                f"{outcome(record):<44} {clock(max(0.0, self._left_s) * pace)} left")  # fmt: skip


def _cell(planned: Planned) -> str:
    """The variant of a trial, with its twin, point of a sweep or retry; of a calibration trial, its injection."""
    return planned.id.partition("-")[2].removeprefix(f"{planned.scenario}-")


def outcome(record: Trial) -> str:
    """The outcome of a trial, in a few words."""
    if record.failure:
        return f"FAILED: {record.failure.error}"
    disqualifying = [finding for finding in record.findings if finding.disqualifying]
    if disqualifying:
        return f"INVALID: {disqualifying[0].observation}"
    if record.latency and record.ledger and record.latency.count:
        p50, p99 = (duration(quantile(record.latency, q)) for q in (0.5, 0.99))
        return f"p50 {p50}, p99 {p99}, {record.ledger.delivered} delivered"
    if record.capacity:
        most = sustained(record.capacity)
        return f"sustains {most:.3g} messages/s" if most else "sustains none of the rates tried"
    if record.storm:
        return f"{record.storm.connected} subscribed within {duration(record.storm.window_ns)}"
    return f"{record.idle[-1].subscribers} connected" if record.idle else "nothing measured"
