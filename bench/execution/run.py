"""A run: it begins or resumes, then measures trial after trial and stores each before the next."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import servers
from bench import scenarios
from bench.execution import capacity_search, continuing, trial
from bench.execution.preflight import of_plan, of_request, preflight
from bench.execution.progress import Progress, parameters_of, report_duration
from bench.execution.quiet import Quiet
from bench.gate.gate import Say, gate, instruments
from bench.measure import idle_states, machine, quota
from bench.planning import retries
from bench.planning.plan import floors, of_run
from bench.planning.request import Refused, Request, Settled, settle
from bench.results import (
    CPU_QUOTA,
    IDLE_STATES,
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
from bench.scenarios import Search, nearest

NO_VALID_TRIAL = 3  # exit code: a cell has no valid trial
LEAST_CORES = 2  # one for the server side of a trial, one for its load side


@dataclass(frozen=True, slots=True)
class Begun:
    """A run whose head is stored, and the trials that are left."""

    store: Store
    run: Run
    left: Sequence[Planned]
    cores: machine.Cores


def begin(request: Request, say: Say) -> Begun:
    """Settle the request, check the variants, and store the head of a new run. Raises Refused, ResultsError."""
    settled = settle(request)
    needs = of_request(settled)
    preflight(needs, request.results, request.workers)
    store = store_for(request, settled.profile)
    before = Before.now(request.cores_may_sleep)
    store.rehearse(head(store, request, settled, before))
    _report_quota(before, say)
    facts = gate(settled.variants, say, settled.idle, max((one.subscribers for one in needs), default=0))
    measured = [variant.name for variant in facts if variant.status == "measured"]
    cells = settled.cells(measured)
    if not cells:
        raise Refused("no variant can be measured; the reasons are above")
    _report_exclusions(settled, say)
    points = settled.points(measured)
    harness, twinned = floors(settled.controlled), settled.twinned
    planned = of_run(cells, harness, settled.repetitions, settled.seed, twinned, points)
    return store_head(store, request, settled, before, [*facts, *instruments(set(settled.variants))], planned)


def _report_quota(before: Before, say: Say) -> None:
    """Report a CPU quota below the cores that a trial uses."""
    limit = before.environment.facts[CPU_QUOTA]
    cores = quota.cores(quota.groups([os.getpid()]))
    if cores is not None and cores < LEAST_CORES:
        say(f"note  a CPU quota of {limit} applies here: it stops server and load generator in the middle of a trial,"
            f" which then is invalid; raise it to {LEAST_CORES} cores or more")  # fmt: skip


def _report_exclusions(settled: Settled, say: Say) -> None:
    """Report the variants that are measured, but not in every scenario."""
    for scenario in settled.scenarios:
        for name, reason in settled.excluded(scenario).items():
            if name not in settled.idle:
                say(f"plan  {name:<24} no part in {scenario}: {reason}")


def begin_instrument(name: str, planned: Sequence[Planned], repetitions: int, request: Request) -> Begun:
    """Store the head of a run that holds calibration trials alone. Raises Refused, ResultsError."""
    instrument = scenarios.instrument()
    preflight(of_plan(planned, {instrument.name: instrument.settled(name, {})}), request.results)
    settled = Settled(name, {}, {}, {}, repetitions, request.seed)
    facts = [one for one in instruments() if one.name == instrument.variant]
    return store_head(store_for(request, name), request, settled, Before.now(request.cores_may_sleep), facts, planned)


@dataclass(frozen=True, slots=True)
class Before:
    """The state of the machine before any load of the run, the gate included."""

    cores: machine.Cores
    environment: Environment
    started_at: str

    @classmethod
    def now(cls, cores_may_sleep: bool) -> Before:
        """The state now. From now on the cores are kept awake, unless they may sleep."""
        cores = machine.divide_cores()
        started_at = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return cls(cores, machine.environment(cores, idle_states.disable_unless(cores_may_sleep)), started_at)


def store_for(request: Request, profile: str) -> Store:
    """The store of a new run. Raises Refused if the run exists already, ResultsError for an impossible name."""
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
    """Store the facts about all trials of a new run. Raises ResultsError."""
    run = head(store, request, settled, before, facts, planned)
    store.begin(run)
    return Begun(store, run, planned, before.cores)


def head(
    store: Store,
    request: Request,
    settled: Settled,
    before: Before,
    facts: Sequence[VariantFacts] = (),
    planned: Sequence[Planned] = (),
) -> Run:
    """The facts about all trials of a new run, the scenario of its calibration included; before the gate without
    variants and plan."""
    instrument = scenarios.instrument()
    chosen = {**settled.scenarios, instrument.name: instrument}
    parameters = {**settled.parameters, instrument.name: instrument.settled(settled.profile, {})}
    return Run(
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
                excluded=settled.excluded(key) if key in settled.scenarios else {},
            )
            for key, value in chosen.items()
        ],
        plan=list(planned),
    )


def resume(name: str, results: Path, say: Say) -> Begun:
    """An interrupted run, and its trials without a record. Raises Refused, ResultsError."""
    store = Store(results / check_name(name))
    if not store.folder.exists():
        runs = sorted(path.name for path in results.glob("*") if (path / "run.json").exists())
        raise Refused(f"no run {name!r} in {results}; {nearest(name, runs)}")
    with store.claimed():  # refused before anything else
        run = store.run()
    cores = machine.divide_cores()
    idle_fact = idle_states.disable_unless(run.environment.facts.get(IDLE_STATES) == idle_states.AS_REQUESTED)
    continuing.check(run, machine.environment(cores, idle_fact))
    store.rehearse_record()
    stored = {record.planned.id for record in store.trials()}
    left = [planned for planned in run.plan if planned.id not in stored]
    preflight(of_plan(left, parameters_of(run)), results, run.workers)
    say(f"resuming {name}: {len(run.plan) - len(left)} of {len(run.plan)} trials are stored, {len(left)} are left")
    return Begun(store, run, left, cores)


def carry_out(begun: Begun, say: Say, wait_s: float = 0.0) -> int:
    """Measure, store and report trial after trial. At the end of every block, retry the trials that the machine
    disturbed. Waits up to `wait_s` in all for a quiet machine. Returns 0, or 3 if a cell has no valid trial. Raises
    ResultsError if another process measures the same run."""
    with begun.store.claimed():
        return _carry_out(begun, say, wait_s)


def _carry_out(begun: Begun, say: Say, wait_s: float) -> int:
    store, run = begun.store, begun.run
    report_duration(run, begun.left, say)
    quiet = Quiet(begun.cores.all, say, wait_s)
    quiet.before_run()
    machine.pin(0, begun.cores.load)
    progress, records = Progress(run, begun.left), store.trials()

    def measure(one: Planned) -> None:
        quiet.before_trial(records[-1] if records else None)
        records.append(_measured(begun, one))
        say(progress.line(records[-1]))

    for block in sorted({one.block for one in run.plan}):
        for one in begun.left:
            if one.block == block:
                measure(one)
        while due := retries.due(records, block):
            progress.expect(due)
            for one in due:
                measure(one)
    invalid = [record for record in records if not record.valid]
    replaced = {record.planned.place for record in invalid} <= {one.planned.place for one in records if one.valid}
    verdict = f", {len(invalid)} invalid" + (", each retried" if replaced else "") if invalid else ", all valid"
    say(f"{len(records)} trials in {store.folder}{verdict}")
    lacking = _without_valid_trial(records)
    if lacking:
        say(f"no valid trial of {', '.join(lacking)}; the report says why")
    return NO_VALID_TRIAL if lacking else 0


def _without_valid_trial(records: Sequence[Trial]) -> list[str]:
    """The cells of a run of which no trial is valid, in the order of the run."""
    cells: dict[str, bool] = {}
    for record in records:
        planned = record.planned
        changes = (f"{name}={value}" for name, value in planned.changes.items())
        cell = " ".join([planned.scenario, planned.variant, *changes])
        cells[cell] = cells.get(cell, False) or record.valid
    return [cell for cell, valid in cells.items() if not valid]


def _measured(begun: Begun, one: Planned) -> Trial:
    """Measure a trial and store its record."""
    scenario, variant = scenarios.load(one.scenario), servers.load(one.variant)
    parameters = scenario.driven(parameters_of(begun.run)[one.scenario], one.changes)
    measure = capacity_search.run if isinstance(scenario.kind, Search) else trial.run
    record = measure(one, scenario, variant, parameters, begun.cores, begun.run.workers)
    begun.store.add(record)
    return record
