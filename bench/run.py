"""A run: begun or resumed, then trial after trial, each stored before the next."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import capacity, scenarios, trial
from bench.analysis.capacity import sustained
from bench.analysis.distributions import quantile
from bench.gate import Say, gate, instruments
from bench.measure import machine
from bench.plan import CALIBRATION, driven, expected_s, floors, of_run
from bench.request import Refused, Request, Settled, preflight, settle
from bench.results import (
    SCHEMA,
    Environment,
    Planned,
    Run,
    ScenarioFacts,
    Store,
    Trial,
    VariantFacts,
    check_name,
)
from bench.scenarios import nearest
from bench.units import clock, duration
from servers import _variant


@dataclass(frozen=True, slots=True)
class Begun:
    """A run with a head on disk, and the trials that are left to do."""

    store: Store
    run: Run
    left: Sequence[Planned]
    cores: machine.Cores


def begin(request: Request, say: Say) -> Begun:
    """Settle the request, examine the variants, and store the head of a new run. Raises Refused, ResultsError."""
    settled = settle(request)
    preflight(settled, request.results)
    store = store_for(request, settled.profile)
    before = Before.look()
    facts = gate(settled.variants, say, settled.idle)
    measured = [variant.name for variant in facts if variant.status == "measured"]
    cells = settled.cells(measured)
    if not cells:
        raise Refused("no variant can be measured; the reasons are above")
    _say_who_is_apart(settled, say)
    points = settled.points(measured)
    harness, twinned = floors(settled.controlled), settled.twinned
    planned = of_run(cells, harness, settled.repetitions, settled.seed, twinned, points)
    return store_head(store, request, settled, before, [*facts, *instruments(set(settled.variants))], planned)


def _say_who_is_apart(settled: Settled, say: Say) -> None:
    """Name those who are measured, but not in every scenario."""
    for scenario in settled.scenarios:
        for name, reason in settled.apart(scenario).items():
            if name not in settled.idle:
                say(f"plan  {name:<24} no part in {scenario}: {reason}")


def begin_instrument(name: str, planned: Sequence[Planned], repetitions: int, request: Request) -> Begun:
    """Store the head of a run that holds calibration trials and nothing else. Raises Refused, ResultsError."""
    base = scenarios.load(CALIBRATION).settled(name, {})
    planted = {one.id: {**base, **one.changes} for one in planned}
    preflight(Settled(name, {}, {}, planted, repetitions, request.seed), request.results)
    settled = Settled(name, {}, {}, {}, repetitions, request.seed)
    facts = [one for one in instruments() if one.name == CALIBRATION]
    return store_head(store_for(request, name), request, settled, Before.look(), facts, planned)


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before a run put any load on the machine, its gate included."""

    cores: machine.Cores
    environment: Environment
    started_at: str

    @classmethod
    def look(cls) -> Before:
        """As it is now."""
        cores = machine.divide_cores()
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return cls(cores, machine.environment(cores), now)


def store_for(request: Request, profile: str) -> Store:
    """Where a new run is to be stored. Raises Refused if there is one already, ResultsError for an impossible name."""
    name = check_name(request.name or f"{datetime.datetime.now():%Y-%m-%dT%H-%M-%S}-{profile}")
    store = Store(request.results / name)
    if store.folder.exists():
        raise Refused(f"{store.folder} exists already; continue it with `python -m bench run --resume {name}`")
    return store


def store_head(
    store: Store,
    request: Request,
    settled: Settled,
    before: Before,
    facts: Sequence[VariantFacts],
    planned: Sequence[Planned],
) -> Begun:
    """Store what is true of all trials of a new run, the calibration's scenario included."""
    calibration = scenarios.load(CALIBRATION)
    chosen = {**settled.scenarios, CALIBRATION: calibration}
    parameters = {**settled.parameters, CALIBRATION: calibration.settled(settled.profile, {})}
    run = Run(
        schema=SCHEMA,
        name=store.folder.name,
        command=list(request.command),
        profile=settled.profile,
        seed=settled.seed,
        repetitions=settled.repetitions,
        workers=request.workers,
        started_at=before.started_at,
        environment=before.environment,
        variants=list(facts),
        scenarios=[
            ScenarioFacts(
                name=key,
                description=value.description,
                parameters=dict(parameters[key]),
                hidden=value.hidden,
                apart=settled.apart(key) if key in settled.scenarios else {},
            )
            for key, value in chosen.items()
        ],
        plan=list(planned),
    )
    store.begin(run)
    return Begun(store, run, planned, before.cores)


def resume(name: str, results: Path, say: Say) -> Begun:
    """An interrupted run with the trials it has no record of. Raises Refused, ResultsError."""
    store = Store(results / check_name(name))
    if not store.folder.exists():
        runs = sorted(path.name for path in results.glob("*") if (path / "run.json").exists())
        raise Refused(f"no run {name!r} in {results}; {nearest(name, runs)}")
    run = store.run()
    cores = machine.divide_cores()
    changed = _changed(run.environment, machine.environment(cores))
    if changed:
        raise Refused(f"{name} was begun under other conditions and cannot be mixed with these: {'; '.join(changed)}")
    machine.raise_descriptor_limit(0)
    done = {record.planned.id for record in store.trials()}
    left = [planned for planned in run.plan if planned.id not in done]
    say(f"resuming {name}: {len(done)} of {len(run.plan)} trials are stored, {len(left)} are left")
    return Begun(store, run, left, cores)


def _changed(then: Environment, now: Environment) -> list[str]:
    """Conditions that differ between two environments and would make their trials incomparable."""
    same_machine = ("cpu", "logical cores", "kernel", "python")
    pairs: list[tuple[str, object, object]] = [(key, then.facts.get(key), now.facts.get(key)) for key in same_machine]
    pairs += [(f"cores of the {side}", ours, theirs) for side, ours, theirs in (
        ("servers", then.server_cores, now.server_cores), ("load generator", then.load_cores, now.load_cores)
    )]  # fmt: skip
    pairs += [(key, then.versions.get(key), now.versions.get(key)) for key in sorted(then.versions | now.versions)]
    changed = [f"{key}: {before} -> {after}" for key, before, after in pairs if before != after]
    if then.dirty != now.dirty:
        changed.append("tracked files of the project were changed")
    if then.commit != now.commit:
        changed.append(f"commit: {then.commit[:10]} -> {now.commit[:10]}")
    return changed


def carry_out(begun: Begun, say: Say) -> int:
    """Run and store trial after trial, one line each; 0, or 3 if the run holds invalid trials."""
    store, run, planned, cores = begun.store, begun.run, begun.left, begun.cores
    machine.pin(0, cores.load)
    parameters: dict[str, Mapping[str, Any]] = {scenario.name: scenario.parameters for scenario in run.scenarios}
    began = time.monotonic()
    estimate_s = expected_s(planned, parameters)
    width = max(map(len, map(_cell, run.plan)), default=0)
    for index, one in enumerate(planned):
        scenario, variant = scenarios.load(one.scenario), _variant.load(one.variant)
        of_trial = driven(parameters[one.scenario], one.changes)
        measure = capacity.run if capacity.is_search(of_trial) else trial.run
        record = measure(one, scenario, variant, of_trial, cores, run.workers)
        store.add(record)
        spent_s = time.monotonic() - began
        done_s = expected_s(planned[: index + 1], parameters)
        left_s = (estimate_s - done_s) * spent_s / done_s
        say(f"{one.position:>3}/{len(run.plan)}  {one.scenario:<11} {_cell(one):<{width}} "
            f"{outcome(record):<44} {clock(left_s)} left")  # fmt: skip
    invalid = [record for record in store.trials() if not record.valid]
    say(f"{len(run.plan)} trials in {store.folder}" + (f", {len(invalid)} invalid" if invalid else ", all valid"))
    return 3 if invalid else 0


def _cell(planned: Planned) -> str:
    """The variant of a trial, as twin or point of a sweep where it is one; of a calibration, what is planted."""
    return planned.id.partition("-")[2].removeprefix(f"{planned.scenario}-")


def outcome(record: Trial) -> str:
    """What became of a trial, in a few words."""
    if record.failure:
        return f"FAILED: {record.failure.error}"
    struck = [finding for finding in record.findings if finding.disqualifying]
    if struck:
        return f"STRUCK OUT: {struck[0].observation}"
    if record.latency and record.ledger and record.latency.count:
        p50, p99 = (duration(quantile(record.latency, q)) for q in (0.5, 0.99))
        return f"p50 {p50}, p99 {p99}, {record.ledger.delivered} delivered"
    if record.capacity:
        most = sustained(record.capacity)
        return f"sustains {most:.3g} messages/s" if most else "sustains none of the rates tried"
    if record.storm:
        return f"{record.storm.standing} subscribed within {duration(record.storm.window_ns)}"
    return f"{record.idle[-1].subscribers} connected" if record.idle else "nothing measured"
