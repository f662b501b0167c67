"""Synthetic bursts, rooms, storms and searches for a capacity: the other scenarios of the profile full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from bench import scenarios
from bench.analysis.numbers.distributions import fold
from bench.analysis.trials.rate_search import next_rate
from bench.results import SCHEMA, CapacityStep, Parameter, Planned, Run, ScenarioFacts, Storm, Trial
from tests._natures import NATURES, Nature, driven, lognormal
from tests._synthetic import synthetic

WORKLOADS = ("burst", "chat", "storm", "capacity")
GENERATOR_HZ = 1_300.0  # the capacity of the synthetic load generator
BATCH_HZ = 30.0  # at this rate one response to a long poll carries two messages, at twice the rate three
WINDOW_S = 1.5
MS = 1_000_000


def parameters_of(name: str) -> dict[str, Parameter]:
    """Those of the scenario, with the payload of the synthetic broadcast."""
    return {**scenarios.load(name).settled("standard", {}), "payload_bytes": 128}


def worked(
    run: Run, trials: list[Trial], natures: Sequence[Nature] = NATURES, names: Iterable[str] = WORKLOADS
) -> tuple[Run, list[Trial]]:
    """The run with these workloads in every block."""
    rng = np.random.default_rng(run.seed + 1)
    names = tuple(names)
    added: list[Trial] = []
    for block in range(run.repetitions):
        for name in names:
            for nature in natures:
                planned = Planned(
                    id=f"{block}-{name}-{nature.name}", scenario=name, variant=nature.name, block=block,
                    position=len(trials) + len(added), seed=run.seed,
                )  # fmt: skip
                added.append(_MADE[name](_common(planned, nature, rng), nature, rng))
    facts = [
        ScenarioFacts(name=name, description=scenarios.load(name).description, parameters=parameters_of(name))
        for name in names
    ]
    plan = [*run.plan, *(trial.planned for trial in added)]
    return msgspec.structs.replace(run, scenarios=[*run.scenarios, *facts], plan=plan), [*trials, *added]


def workloads(natures: Sequence[Nature] = NATURES, blocks: int = 3, **options: object) -> tuple[Run, list[Trial]]:
    """A broadcast, an echo and all workloads."""
    return worked(*synthetic(natures, ["broadcast", "echo"], blocks, troubles=False, **options), natures)  # type: ignore[arg-type]


def _common(planned: Planned, nature: Nature, rng: np.random.Generator) -> Trial:
    parameters = parameters_of(planned.scenario)
    connect = None if nature.late_head else lognormal(nature.connect_us, 0.4, int(parameters["subscribers"]), rng)
    return Trial(
        schema=SCHEMA, planned=planned, parameters=parameters, started_at="2026-01-02T03:04:05Z",
        phases_ns={"measure": 2_500 * MS}, connect=connect,
    )  # fmt: skip


def _burst(common: Trial, nature: Nature, rng: np.random.Generator) -> Trial:
    """The last message of a burst is late by the time of forty deliveries to a hundred subscribers."""
    trial = driven(common, nature, float(rng.normal(1.0, 0.03)), rng)
    last = 250e6 if nature.poll else 4_000 * nature.cpu_us * 1_000
    return msgspec.structs.replace(trial, bursts=fold((last * rng.lognormal(0.0, 0.05, 5)).astype(np.int64)))


def _chat(common: Trial, nature: Nature, rng: np.random.Generator) -> Trial:
    return driven(common, nature, float(rng.normal(1.0, 0.03)), rng)


def _storm(common: Trial, nature: Nature, rng: np.random.Generator) -> Trial:
    count = int(common.parameters["subscribers"])
    slow = common.connect.max_ns if common.connect else 40 * MS
    storm = Storm(
        subscribers=count,
        connected=count,
        window_ns=int(slow * rng.normal(1.2, 0.02)),
        server_cpu_ns=int(count * nature.connect_us * 300 * rng.normal(1.0, 0.03)),
        broker_cpu_ns=int(count * 9_000) if nature.broker_us else 0,
        accept_queue_overflows=0,
        accept_queue_drops=3 if nature.name == "polling" else 0,
        fds_before=20,
        fds_after=20 if nature.name != "flask_sse" else count,
        fds_released_ns=int(90e6 * rng.lognormal(0.0, 0.1)) if nature.name != "flask_sse" else None,
    )
    return msgspec.structs.replace(common, storm=storm)


def batch_of(nature: Nature, rate_hz: float) -> float:
    """Messages in one response at a rate; with push, in one segment."""
    if nature.poll:
        return 0.25 * rate_hz
    return 1.0 + rate_hz / BATCH_HZ if nature.requests else 1.0


def cpu_us_of(nature: Nature, rate_hz: float) -> float:
    """Server and broker CPU per delivered message at a rate: with polls, most of it is per response."""
    pulled = nature.cpu_us / batch_of(nature, rate_hz) + 2.0
    return (pulled if nature.requests else nature.cpu_us) + nature.broker_us


def _capacity(common: Trial, nature: Nature, rng: np.random.Generator) -> Trial:
    noise = float(rng.normal(1.0, 0.03))
    steps: list[CapacityStep] = []
    while (rate_hz := next_rate(steps, 20.0, 100_000.0)) is not None:
        steps.append(tried(nature, rate_hz, noise))
    return msgspec.structs.replace(common, connect=None, capacity=steps)


def tried(nature: Nature, rate_hz: float, noise: float = 1.0) -> CapacityStep:
    """One step at a rate with a hundred subscribers: exceeded where the server would need more than a core."""
    deliveries = round(rate_hz * 100 * WINDOW_S)
    cpu_ns = deliveries * cpu_us_of(nature, rate_hz) * 1_000 * noise
    share = cpu_ns / (WINDOW_S * 1e9)
    verdict = "generator" if rate_hz > GENERATOR_HZ else "sustained" if share < 0.95 else "exceeded"
    wait_ns = 250e6 if nature.poll else nature.service_us * 1_000 / max(0.03, 1 - share)
    late_ns = 900e6 if verdict == "exceeded" else min(wait_ns, 300e6)
    used = min(1.0, 1.0 / share) * cpu_ns
    part = nature.broker_us / cpu_us_of(nature, rate_hz)
    return CapacityStep(
        rate_hz=rate_hz,
        verdict=verdict,
        observation="synthetic",
        expected=deliveries,
        delivered=deliveries,
        p50_ns=int(late_ns / 2),
        p99_ns=int(late_ns),
        server_cpu_ns=int(used * (1 - part)),
        window_ns=int(WINDOW_S * 1e9),
        broker_cpu_ns=int(used * part) if nature.broker_us else None,
        deliveries=deliveries,
        requests=round(deliveries / batch_of(nature, rate_hz)) if nature.requests else 0,
        segments_in=deliveries,
        slip_p50_ns=40_000 if verdict == "sustained" else 9 * MS,
        slip_p99_ns=3 * MS if verdict == "sustained" else 90 * MS,
    )


_MADE = {"burst": _burst, "chat": _chat, "storm": _storm, "capacity": _capacity}
