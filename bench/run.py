"""A run: what was asked for, what can be measured, the gate, then trial after trial, each stored before the next."""

from __future__ import annotations

import datetime
import shutil
import time
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench import conformance, scenarios, settings, trial
from bench.analysis.distributions import quantile
from bench.measure import machine
from bench.plan import CALIBRATION, FLOOR, PROFILES, expected_s, floors, of_run
from bench.results import (
    SCHEMA,
    Environment,
    Planned,
    ResultsError,
    Run,
    ScenarioFacts,
    Store,
    Trial,
    VariantFacts,
    check_name,
)
from bench.scenarios import Scenario, nearest
from bench.units import clock, duration
from servers import _variant
from servers._variant import Variant

FREE_DISK_BYTES = 200 << 20
SPARE_DESCRIPTORS = 256  # beyond one per connection: libraries, logs, listeners
SOURCES = 200  # of 127.0.0.x

Say = Callable[[str], None]


class Refused(Exception):
    """A run cannot be started as asked; the message says why and what to type instead."""


@dataclass(frozen=True, slots=True)
class Request:
    """What the person asked for; empty `variants` and `scenarios` mean all."""

    profile: str = "standard"
    variants: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    repetitions: int | None = None
    seed: int = 1
    changes: tuple[str, ...] = ()
    workers: int = 1
    name: str = ""
    results: Path = Path("results")
    command: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settled:
    """The request with every name resolved and every parameter fixed."""

    profile: str
    variants: Mapping[str, Variant]
    scenarios: Mapping[str, Scenario]
    parameters: Mapping[str, Mapping[str, Any]]
    repetitions: int
    seed: int


def variants(names: Sequence[str] = ()) -> dict[str, Variant]:
    """The named variants, or all public ones. Raises Refused for an unknown name."""
    try:
        return {name: _variant.load(name) for name in names or _variant.names()}
    except LookupError as unknown:
        raise Refused(f"{unknown.args[0]} (see `python -m bench list`)") from unknown


def settle(request: Request) -> Settled:
    """Resolve names and parameters. Raises Refused."""
    if request.profile not in PROFILES:
        raise Refused(f"no profile {request.profile!r}; {nearest(request.profile, list(PROFILES))}")
    try:
        chosen = {name: scenarios.load(name) for name in request.scenarios or scenarios.names()}
        _no_instrument(chosen)
        parameters = _parameters(request, chosen)
    except (LookupError, ValueError) as mistake:
        raise Refused(f"{mistake.args[0]} (see `python -m bench list`)") from mistake
    chosen_variants = variants(request.variants)
    repetitions = request.repetitions or PROFILES[request.profile].repetitions
    return Settled(request.profile, chosen_variants, chosen, parameters, repetitions, request.seed)


def _no_instrument(chosen: Mapping[str, Scenario]) -> None:
    for name, scenario in chosen.items():
        if scenario.hidden:
            raise ValueError(f"{name} is part of every run; for a long one there is `python -m bench calibrate`")


def _parameters(request: Request, chosen: Mapping[str, Scenario]) -> dict[str, dict[str, Any]]:
    """Parameters by scenario. A change applies to every chosen scenario with the parameter, one at least."""
    changes = settings.changes(request.changes)
    homeless = [name for name in changes if not any(name in scenario.parameters for scenario in chosen.values())]
    if homeless:
        known = sorted({name for scenario in chosen.values() for name in scenario.parameters})
        raise ValueError(f"no chosen scenario has a parameter {homeless[0]!r}; {nearest(homeless[0], known)}")
    return {
        name: scenario.settled(
            request.profile, {key: value for key, value in changes.items() if key in scenario.parameters}
        )
        for name, scenario in chosen.items()
    }


def preflight(settled: Settled, results: Path) -> None:
    """Make sure that the run can be measured and stored here, before any load. Raises Refused with both numbers."""
    most = max(max(p["steps"]) if "steps" in p else p["subscribers"] for p in settled.parameters.values())
    upstream = any(scenario.traffic == "subscribers" for scenario in settled.scenarios.values())
    each = max((variant.descriptors for variant in settled.variants.values()), default=1) + upstream
    needed = most * each + SPARE_DESCRIPTORS
    limit = machine.raise_descriptor_limit(needed)
    if limit < needed:
        raise Refused(
            f"{most} subscribers need {needed} open files per process, but the limit is {limit}; "
            f"have it raised, or ask for at most {max(1, (limit - SPARE_DESCRIPTORS) // each)} (--set subscribers=..., "
            "for idle --set steps=[...])"
        )
    if most * each > SOURCES * machine.ephemeral_ports():
        raise Refused(f"{most} subscribers are more than the loopback addresses have ports for")
    try:
        results.mkdir(parents=True, exist_ok=True)
        probe = results / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise Refused(f"cannot write to {results}: {error.strerror}; choose another folder with --results") from error
    free = shutil.disk_usage(results).free
    if free < FREE_DISK_BYTES:
        raise Refused(f"{free >> 20} MiB are free in {results}, {FREE_DISK_BYTES >> 20} MiB are wanted")


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
    facts = gate(settled.variants, say)
    measured = [variant.name for variant in facts if variant.status == "measured"]
    if not measured:
        raise Refused("no variant can be measured; the reasons are above")
    cells = [(scenario, variant) for scenario in settled.scenarios for variant in measured]
    harness = floors({name: scenario.traffic for name, scenario in settled.scenarios.items()})
    twinned = PROFILES[settled.profile].twins and len(measured) > 1
    planned = of_run(cells, harness, settled.repetitions, settled.seed, twinned)
    return store_head(store, request, settled, before, [*facts, *instruments(set(settled.variants))], planned)


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
                name=key, description=value.description, parameters=dict(parameters[key]), hidden=value.hidden
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
    pairs = [(key, then.facts.get(key), now.facts.get(key)) for key in same_machine]
    pairs += [(key, then.versions.get(key), now.versions.get(key)) for key in sorted(then.versions | now.versions)]
    changed = [f"{key}: {before} -> {after}" for key, before, after in pairs if before != after]
    if then.dirty != now.dirty:
        changed.append("tracked files of the project were changed")
    if then.commit != now.commit:
        changed.append(f"commit: {then.commit[:10]} -> {now.commit[:10]}")
    return changed


def gate(variants: Mapping[str, Variant], say: Say) -> list[VariantFacts]:
    """Examine every variant before it is measured: what can run here, and what conforms."""
    facts = []
    for name, variant in variants.items():
        status: Literal["measured", "skipped", "failed"] = "measured"
        reason = _variant.unavailable(variant) or ""
        if reason:
            status = "skipped"
        else:
            verdicts = list(conformance.verify(name, variant))
            refuted = [verdict for verdict in verdicts if verdict.refutation]
            if refuted:
                status, reason = "failed", f"check {refuted[0].check.name!r}: {refuted[0].refutation}"
        say(f"gate  {name:<24} {status if reason else 'conforms'}{': ' + reason if reason else ''}")
        facts.append(_facts(name, variant, status, reason))
    return facts


def instruments(but: Container[str] = ()) -> list[VariantFacts]:
    """The hidden variants that a run measures itself with, without a gate; those in `but` are there already."""
    return [_facts(name, _variant.load(name), "measured", "") for name in (FLOOR, CALIBRATION) if name not in but]


def _facts(name: str, variant: Variant, status: Literal["measured", "skipped", "failed"], reason: str) -> VariantFacts:
    return VariantFacts(
        name=name,
        label=variant.label,
        description=_variant.description(name),
        technique=variant.technique.value,
        product=variant.product,
        capabilities=sorted(capability.value for capability in variant.capabilities),
        options=dict(variant.options),
        versions=_variant.versions(variant),
        status=status,
        reason=reason,
        hidden=variant.hidden,
    )


def carry_out(begun: Begun, say: Say) -> int:
    """Run and store trial after trial, one line each; 0, or 3 if the run holds invalid trials."""
    store, run, planned, cores = begun.store, begun.run, begun.left, begun.cores
    machine.pin(0, cores.load)
    parameters: dict[str, Mapping[str, Any]] = {scenario.name: scenario.parameters for scenario in run.scenarios}
    began = time.monotonic()
    estimate_s = expected_s(planned, parameters)
    for index, one in enumerate(planned):
        scenario, variant = scenarios.load(one.scenario), _variant.load(one.variant)
        of_trial = {**parameters[one.scenario], **one.changes}
        record = trial.run(one, scenario, variant, of_trial, cores, run.workers)
        store.add(record)
        spent_s = time.monotonic() - began
        done_s = expected_s(planned[: index + 1], parameters)
        left_s = (estimate_s - done_s) * spent_s / done_s
        cell = one.id.partition("-")[2].removeprefix(f"{one.scenario}-")  # the variant, its twin, or what is planted
        say(f"{one.position:>3}/{len(run.plan)}  {one.scenario:<11} {cell:<24} "
            f"{outcome(record):<44} {clock(left_s)} left")  # fmt: skip
    invalid = [record for record in store.trials() if not record.valid]
    say(f"{len(run.plan)} trials in {store.folder}" + (f", {len(invalid)} invalid" if invalid else ", all valid"))
    return 3 if invalid else 0


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
    return f"{record.idle[-1].subscribers} connected" if record.idle else "nothing measured"


def newest(results: Path) -> Path:
    """The run that was begun last. Raises ResultsError if there is none."""
    runs = [path.parent for path in results.glob("*/run.json") if path.parent.name != "reference"]
    runs = runs or [path.parent for path in results.glob("*/run.json")]
    if not runs:
        raise ResultsError(f"there is no run in {results}; make one with `python -m bench run`")
    return max(runs, key=lambda folder: (folder / "run.json").stat().st_mtime)
