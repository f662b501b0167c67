"""A synthetic run with plausible and known numbers: seven variants x three scenarios x three blocks.

It has everything that a report must cope with: a failed trial, an invalid one, a skipped variant, a failed one, and
hostile strings wherever a string comes from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from bench.analysis.numbers.distributions import fold, slots_of
from bench.planning.plan import BRIEF, calibration
from bench.results import (
    SCHEMA,
    Environment,
    Failure,
    Finding,
    Ledger,
    Parameter,
    Planned,
    Recount,
    Run,
    ScenarioFacts,
    Store,
    Trial,
    VariantFacts,
)
from bench.schedule import sequences
from servers._injections import INJECTIONS, Injection, truth
from tests._natures import NATURES, NULL, SCENARIOS, Nature, trial

HOSTILE = "</style><script>alert('x')</script> | [a](javascript:b) `$\\frac{` \u202e\x07 &amp; \"quoted\""


CALIBRATION: dict[str, Parameter] = {
    "injected": "delay 0 ms", "subscribers": 20, "rate_hz": 63.0, "payload_bytes": 100, "poll_interval_s": 0.25,
    "hold_s": 25.0, "warm_up_s": 0.25, "measure_s": 2.5, "drain_s": 0.5,
}  # fmt: skip


def synthetic(
    natures: Sequence[Nature] = NATURES,
    scenarios: Iterable[str] = tuple(SCENARIOS),
    blocks: int = 3,
    seed: int = 1,
    troubles: bool = True,
    twins: bool = False,
    harness: bool = False,
) -> tuple[Run, list[Trial]]:
    """A run and its trials.

    troubles: with the failed and the invalid trial, the skipped and the failed variant. twins: the first scenario of
    the last variant runs twice in every block. harness: with the hidden null variant.
    """
    scenarios = tuple(scenarios)
    rng = np.random.default_rng(seed)
    cells = [(block, scenario, nature, "") for block in range(blocks) for scenario in scenarios for nature in natures]
    if twins:
        cells += [(block, scenarios[0], natures[-1], "-twin") for block in range(blocks)]
    if harness:
        delivering = [scenario for scenario in scenarios if scenario != "idle"]
        middle = len(cells) // 2  # the troubles are at the ends
        cells[middle:middle] = [(block, scenario, NULL, "") for block in range(blocks) for scenario in delivering]
    trials = []
    for position, (block, scenario, nature, suffix) in enumerate(cells):
        planned = Planned(
            id=f"{block}-{scenario}-{nature.name}{suffix}",
            scenario=scenario,
            variant=nature.name,
            block=block,
            position=position,
            seed=seed + position,
        )
        trials.append(trial(planned, nature, rng))
    if troubles:
        trials = _with_troubles(trials)
    run = _run(natures, scenarios, blocks, seed, [trial.planned for trial in trials], troubles)
    if harness:
        hidden = msgspec.structs.replace(
            run.variants[0], name=NULL.name, label=NULL.label, technique=NULL.technique, hidden=True,
            description="Synthetic bare TCP push.",
        )  # fmt: skip
        run = msgspec.structs.replace(run, variants=[*run.variants, hidden])
    return run, trials


def hostile(natures: Sequence[Nature] = NATURES, blocks: int = 3) -> tuple[Run, list[Trial]]:
    """The same with hostile strings in labels and in all other free text."""
    natures = [replace(nature, label=f"{nature.label} {HOSTILE}") for nature in natures]
    run, trials = synthetic(natures, blocks=blocks)
    run = msgspec.structs.replace(
        run,
        command=["python", HOSTILE],
        profile=HOSTILE,
        started_at=HOSTILE,
        variants=[
            msgspec.structs.replace(
                facts, description=HOSTILE, product=facts.product and HOSTILE, reason=facts.reason and HOSTILE,
                options={HOSTILE: HOSTILE}, versions={HOSTILE: HOSTILE}, capabilities=[HOSTILE],
            )
            for facts in run.variants
        ],
        scenarios=[
            ScenarioFacts(name=facts.name, description=HOSTILE, parameters={**facts.parameters, HOSTILE: HOSTILE})
            for facts in run.scenarios
        ],
        environment=Environment(
            facts={HOSTILE: HOSTILE}, versions={HOSTILE: HOSTILE}, server_cores=[0], load_cores=[1], commit=HOSTILE,
            dirty=True,
        ),
    )  # fmt: skip
    finding = Finding(name=HOSTILE, disqualifying=False, observation=HOSTILE, remedy=HOSTILE)
    trials = [
        msgspec.structs.replace(
            trial, findings=[*trial.findings, finding],
            failure=trial.failure and Failure(phase=HOSTILE, error=HOSTILE, exited=HOSTILE),
        )
        for trial in trials
    ]  # fmt: skip
    return run, trials


def calibrated(planned: Planned, offset_ns: int = 0, rate: float = 1.0) -> Trial:
    """A calibration trial with the right readings, over a floor of 300 to 700 µs.

    offset_ns, rate: the error of its clock, a constant and a factor.
    """
    parameters = {**CALIBRATION, **planned.changes}
    subscribers, rate_hz = int(parameters["subscribers"]), float(parameters["rate_hz"])
    first, last = sequences(parameters)
    injected = truth(INJECTIONS[str(parameters["injected"])], subscribers, first, last, rate_hz)
    extra = np.array(injected.extra_ns)
    floor = np.random.default_rng(planned.seed).uniform(300e3, 700e3, extra.size)
    expected = subscribers * (last - first)
    return Trial(
        schema=SCHEMA,
        planned=planned,
        parameters=parameters,
        started_at="2026-01-02T03:04:05Z",
        phases_ns={"start": 310_000_000, "measure": 1_000_000_000},
        ledger=Ledger(
            expected=expected,
            delivered=expected - injected.lost,
            lost=injected.lost,
            duplicated=injected.duplicated,
            reordered=injected.reordered,
            corrupted=0,
            gaps_signalled=0,
            errors={},
        ),
        recount=Recount(lost=injected.lost, signalled=0, duplicated=injected.duplicated, reordered=injected.reordered),
        latency=fold(((extra + floor) * rate + offset_ns).astype(np.int64)),
    )


def instrumented(run: Run, trials: list[Trial], injections: Sequence[Injection] = BRIEF) -> tuple[Run, list[Trial]]:
    """The run with a calibration, and with the harness floor in every block."""
    floor = Nature("null", "harness floor", "bare TCP", service_us=300, cpu_us=8, framing_bytes=1)
    measured = [facts.name for facts in run.scenarios if facts.name in ("broadcast", "echo")]
    floors = synthetic((floor,), measured, run.repetitions, troubles=False)[1]
    planned = calibration(injections, run.seed, 0, [trial.planned for trial in (*trials, *floors)])
    calibrations = [calibrated(one) for one in planned[-len(injections) :]]
    hidden = [
        msgspec.structs.replace(run.variants[0], name=name, label=label, product="", technique="bare TCP",
                                capabilities=[], description=f"Synthetic {label}.", hidden=True)
        for name, label in (("null", "harness floor"), ("calibration", "calibration"))
    ]  # fmt: skip
    facts = ScenarioFacts(name="calibration", description="Calibration.", parameters=CALIBRATION, hidden=True)
    run = msgspec.structs.replace(
        run, variants=[*run.variants, *hidden], scenarios=[*run.scenarios, facts], plan=planned
    )
    return run, [*trials, *floors, *calibrations]


def swept(
    run: Run,
    trials: list[Trial],
    sweeps: Mapping[str, Mapping[str, Sequence[Parameter]]],
    natures: Sequence[Nature] = NATURES,
) -> tuple[Run, list[Trial]]:
    """The run with sweeps in every block: values by scenario and parameter. Only polling has a poll interval."""
    rng = np.random.default_rng(run.seed)
    points: list[Trial] = []
    for block in range(run.repetitions):
        for scenario, parameters in sweeps.items():
            for name, values in parameters.items():
                affected = [nature for nature in natures if nature.poll or name != "poll_interval_s"]
                for nature, value in ((nature, value) for nature in affected for value in values):
                    planned = Planned(
                        id=f"{block}-{scenario}-{nature.name}-{name}-{value:g}",
                        scenario=scenario,
                        variant=nature.name,
                        block=block,
                        position=len(trials) + len(points),
                        seed=len(points),
                        changes={name: value},
                    )
                    points.append(trial(planned, nature, rng))
    plan = [*run.plan, *(point.planned for point in points)]
    return msgspec.structs.replace(run, plan=plan), [*trials, *points]


def write(results: Path, run: Run, trials: Iterable[Trial], name: str = "") -> Path:
    """Store a run, its records made whole; its folder."""
    store = Store(results / (name or run.name))
    store.begin(run)
    parameters = {facts.name: facts.parameters for facts in run.scenarios}
    for one in trials:
        store.add(whole(one, parameters.get(one.planned.scenario, {})))
    return store.folder


def whole(trial: Trial, parameters: Mapping[str, Parameter]) -> Trial:
    """The trial with all that its record must have: the parameters of its scenario, a ledger with a latency for each
    delivery, and a recount."""
    trial = msgspec.structs.replace(trial, parameters={**parameters, **trial.parameters})
    if trial.failure is not None or trial.latency is None:
        return trial
    latency, count = trial.latency, trial.latency.count
    ledger = trial.ledger or Ledger(
        expected=count, delivered=count, lost=0, duplicated=0, reordered=0, corrupted=0, gaps_signalled=0, errors={}
    )
    if count and count + latency.negative != ledger.delivered:
        slots = slots_of(latency)
        values = np.repeat(slots.highest_ns, slots.counts).clip(latency.min_ns, latency.max_ns)
        latency = fold(values[np.linspace(0, count - 1, ledger.delivered).astype(int)])
    recount = trial.recount or Recount(
        lost=ledger.lost, signalled=ledger.signalled, duplicated=ledger.duplicated, reordered=ledger.reordered
    )
    return msgspec.structs.replace(trial, ledger=ledger, latency=latency, recount=recount)


def _with_troubles(trials: list[Trial]) -> list[Trial]:
    """The last but one trial failed; the fifth with deliveries (or the last of those) lost messages."""
    troubled = list(trials)
    failed = troubled[-2]
    troubled[-2] = Trial(
        schema=SCHEMA,
        planned=failed.planned,
        parameters=failed.parameters,
        started_at=failed.started_at,
        phases_ns={"start": 310_000_000},
        failure=Failure(phase="connect", error=f"no delivery within 5 s while connecting subscribers {HOSTILE}"),
    )
    delivering = [place for place, trial in enumerate(troubled) if trial.ledger]
    for place in delivering[:5][-1:]:
        trial, ledger = troubled[place], troubled[place].ledger
        assert ledger
        lost = msgspec.structs.replace(ledger, expected=ledger.expected + 3, lost=3)
        recount = Recount(lost=3, signalled=0, duplicated=0, reordered=0)
        finding = Finding(
            name="lost messages", disqualifying=True, observation="3 of 5,000 deliveries are missing",
            remedy="python -m bench verify",
        )  # fmt: skip
        troubled[place] = msgspec.structs.replace(trial, ledger=lost, recount=recount, findings=[finding])
    return troubled


def _run(
    natures: Sequence[Nature], scenarios: Sequence[str], blocks: int, seed: int, plan: list[Planned], troubles: bool
) -> Run:
    variants = [
        VariantFacts(
            name=nature.name,
            label=nature.label,
            description=f"Synthetic {nature.label}.",
            technique=nature.technique,
            product=nature.product,
            capabilities=[] if nature.product else ["resume"],
            options={"http_compression": "False"} if nature.product else {},
            versions={"flask": "3.1.3", "gevent": "26.9.0"},
            status="measured",
        )
        for nature in natures
    ]
    if troubles:
        absent = msgspec.structs.replace(variants[0], technique="SSE", product="Mercure", status="skipped")
        variants += [
            msgspec.structs.replace(absent, name="mercure", label="Mercure", reason=f"no binary on PATH {HOSTILE}"),
            msgspec.structs.replace(
                absent, name="leaky", label="Leaky", technique="HTTP stream", product="", status="failed",
                reason="order: message 4 arrived before message 3",
            ),
        ]  # fmt: skip
    return Run(
        schema=SCHEMA,
        name="2026-01-02-030405-standard",
        command=["python", "-m", "bench", "run", "--profile", "standard"],
        profile="standard",
        seed=seed,
        repetitions=blocks,
        started_at="2026-01-02T03:04:05Z",
        environment=Environment(
            facts={"cpu": "Example CPU", "kernel": "6.18", "python": "3.12.1", "note": HOSTILE if troubles else "calm"},
            versions={"flask": "3.1.3", "gevent": "26.9.0", "locust": "2.47.0"},
            server_cores=[0],
            load_cores=[1],
            commit="0123456789abcdef0123456789abcdef01234567",
            dirty=True,
        ),
        variants=variants,
        scenarios=[
            ScenarioFacts(name=name, description=SCENARIOS[name][0], parameters=dict(SCENARIOS[name][1]))
            for name in scenarios
        ],
        plan=plan,
    )
