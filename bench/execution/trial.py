"""Runs one trial, from starting its processes to its record. A trial that fails is a record with a failure."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import msgspec

from bench.analysis.trials import findings
from bench.execution import idle, messages, storm
from bench.execution.participants import Participants, Workload, start
from bench.execution.phases import Phases
from bench.measure import conditions
from bench.measure.machine import Cores
from bench.processes.errors import Died, ProcessError
from bench.processes.member import check
from bench.processes.server import Server
from bench.results import SCHEMA, Failure, Machine, Measurements, Planned, Trial
from bench.scenarios import Arrivals, IdleSteps, Kind, Messages, Scenario, Search
from servers import Variant

# by the kind of measurement; every try of a search is a trial of messages
MEASURES: Mapping[type[Kind], Callable[[Participants, Phases, Machine], Iterator[Measurements]]] = {
    Messages: messages.measure,
    Search: messages.measure,
    IdleSteps: idle.measure,
    Arrivals: storm.measure,
}


def run(
    planned: Planned, scenario: Scenario, variant: Variant, parameters: Mapping[str, Any], cores: Cores,
    workers: int = 1,
) -> Trial:  # fmt: skip
    """The record of one trial, its subscribers spread over `workers` Locust processes."""
    workload = Workload(scenario, variant, parameters, planned.seed)
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    phases, measurements, failure = Phases(), Measurements(), None
    try:
        phases.enter("pre-check")
        machine = conditions.pre_check(cores.all)
        measurements = Measurements(machine=machine)
        with ExitStack() as stack:
            phases.enter("start")
            server = Server(planned.variant, cores.server, scenario.injected(parameters))
            participants = start(stack, workload, server, cores, workers)
            measurements = joined(measurements, Measurements(broker=server.used_broker))
            phases.enter("connect")
            for part in _measure(participants, phases, machine):
                measurements = joined(measurements, part)
            phases.enter("stop")
    except (ProcessError, OSError) as error:
        failure = _failure(planned.variant, phases.current, error)
    phases.end()
    trial = Trial(
        schema=SCHEMA,
        planned=planned,
        parameters=dict(parameters),
        started_at=started_at,
        phases_ns=phases.took_ns,
        failure=failure,
        **_fields(measurements),
    )
    return msgspec.structs.replace(trial, findings=findings.judge(trial))


def _measure(participants: Participants, phases: Phases, machine: Machine) -> Iterator[Measurements]:
    """What is measured, as soon as it is known. Raises Died if a process has ended, whatever else its end led to."""
    try:
        yield from MEASURES[type(participants.workload.scenario.kind)](participants, phases, machine)
    except (ProcessError, OSError):
        check(participants.watched)
        raise
    check(participants.watched)


def joined(measurements: Measurements, more: Measurements) -> Measurements:
    """Both; what `more` holds replaces what there is."""
    nothing = Measurements()
    changes = {name: fact for name, fact in _fields(more).items() if fact != getattr(nothing, name)}
    return msgspec.structs.replace(measurements, **changes)


def _fields(measurements: Measurements) -> dict[str, Any]:
    return {name: getattr(measurements, name) for name in Measurements.__struct_fields__}


def _failure(variant: str, phase: str, error: Exception) -> Failure:
    return Failure(
        phase=phase,
        error=f"{variant}: {error} (while in phase {phase!r}); try `python -m bench verify {variant}`",
        exited=error.process if isinstance(error, Died) else "",
    )
