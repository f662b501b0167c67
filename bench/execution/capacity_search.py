"""One trial of a capacity scenario: a search. Every step is a trial with its own processes."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping
from typing import Any

from bench.analysis.trials.rate_search import ends_search, next_rate
from bench.analysis.trials.rate_step import step
from bench.execution import trial
from bench.measure.machine import Cores
from bench.results import SCHEMA, CapacityStep, Failure, Planned, Trial
from bench.scenarios import RATE_HZ, Scenario, Search
from servers import Variant


def run(
    planned: Planned, scenario: Scenario, variant: Variant, parameters: Mapping[str, Any], cores: Cores,
    workers: int = 1,
) -> Trial:  # fmt: skip
    """The record of one search. It is a failure if an error that is unrelated to the rate ended the search, or if no
    rate could be measured."""
    started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    began_ns = time.monotonic_ns()
    steps: list[CapacityStep] = []
    failures: list[Failure | None] = []
    assert isinstance(scenario.kind, Search)
    bound_ns = scenario.kind.bound_s.of(parameters) * 1e9
    while (rate_hz := next_rate(steps, parameters["rate_hz"], RATE_HZ.high)) is not None:
        record = trial.run(planned, scenario, variant, {**parameters, "rate_hz": rate_hz}, cores, workers)
        steps.append(step(record, bound_ns))
        failures.append(record.failure)
        if ends_search(failures):
            break
    return Trial(
        schema=SCHEMA,
        planned=planned,
        parameters=dict(parameters),
        started_at=started_at,
        phases_ns={"measure": time.monotonic_ns() - began_ns},
        failure=failures[-1] if ends_search(failures) or all(failures) else None,
        capacity=steps,
        broker=record.broker,
    )
