"""A made-up run whose every number is plausible and known: seven variants x three scenarios x three blocks.

It holds what a report must survive: a failed trial, one struck out by a finding, a skipped variant, a failed one, and
hostile strings wherever a string comes from outside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from bench.analysis.distributions import fold
from bench.plan import BRIEF, calibration, sequences
from bench.results import (
    SCHEMA,
    Distribution,
    Environment,
    Failure,
    Finding,
    Headroom,
    IdleStep,
    Ledger,
    Machine,
    Parameter,
    Planned,
    ProcessUsage,
    Run,
    ScenarioFacts,
    Series,
    Store,
    Trial,
    Usage,
    VariantFacts,
    Wire,
)
from servers._plants import PLANTS, Plant, truth

HOSTILE = "</style><script>alert('x')</script> | [a](javascript:b) `$\\frac{` \u202e\x07 &amp; \"quoted\""
INTERVAL_NS = 250_000_000


@dataclass(frozen=True, slots=True)
class Nature:
    """What a made-up variant is like. Costs are per delivered message, `poll` says that it waits for a poll."""

    name: str
    label: str
    technique: str
    product: str = ""
    service_us: float = 800.0
    spread: float = 0.35
    poll: bool = False
    cpu_us: float = 20.0
    broker_us: float = 0.0
    framing_bytes: int = 12
    head_bytes: int = 0  # of one request and its response
    requests: float = 0.0  # per delivered message
    connect_us: float = 900.0
    connection_kib: float = 22.0
    idle_us: float = 0.2
    late_head: bool = False


NATURES = (
    Nature("polling", "Polling", "polling", poll=True, cpu_us=45, head_bytes=420, requests=0.2, connection_kib=9,
           idle_us=620, framing_bytes=1),
    Nature("long_polling", "Long polling", "long polling", service_us=1400, cpu_us=110, head_bytes=430, requests=0.98,
           connection_kib=26, framing_bytes=1),
    Nature("sse", "SSE", "SSE", cpu_us=19, framing_bytes=31, connection_kib=22),
    Nature("websocket", "WebSocket", "WebSocket", service_us=780, cpu_us=12, framing_bytes=4, connection_kib=24),
    Nature("flask_sse", "flask-sse", "SSE", "flask-sse", service_us=9000, cpu_us=102, broker_us=14, framing_bytes=60,
           connection_kib=54, late_head=True),
    Nature("flask_socketio", "Flask-SocketIO", "WebSocket", "Flask-SocketIO", service_us=2600, cpu_us=26,
           framing_bytes=19, connection_kib=41, connect_us=2600, idle_us=1.1),
    Nature("flask_socketio_polling", "Flask-SocketIO, polling", "long polling", "Flask-SocketIO", service_us=3900,
           cpu_us=150, head_bytes=510, requests=0.97, framing_bytes=14, connection_kib=45, connect_us=2900,
           idle_us=1.3),
)  # fmt: skip

NULL = Nature("null", "Bare TCP", "bare TCP", service_us=240, spread=0.25, cpu_us=6, framing_bytes=1, connect_us=200)
"""The harness itself: hidden, and run wherever anything is delivered."""

SCENARIOS: dict[str, tuple[str, dict[str, Parameter]]] = {
    "broadcast": (
        "Broadcast: one topic, many subscribers, one publisher.",
        {"subscribers": 100, "rate_hz": 20.0, "payload_bytes": 128, "poll_interval_s": 0.25, "hold_s": 25.0,
         "warm_up_s": 0.5, "measure_s": 2.5},
    ),
    "echo": (
        "Echo: every subscriber publishes to a topic of its own and receives it back.",
        {"subscribers": 100, "rate_hz": 2.0, "payload_bytes": 128, "poll_interval_s": 0.25, "hold_s": 25.0,
         "warm_up_s": 0.5, "measure_s": 2.5},
    ),
    "idle": (
        "Idle: connected subscribers and nothing to say.",
        {"steps": [0, 100, 200, 400], "payload_bytes": 128, "poll_interval_s": 0.25, "hold_s": 25.0, "settle_s": 0.1,
         "measure_s": 0.6},
    ),
}  # fmt: skip

CALIBRATION: dict[str, Parameter] = {
    "plant": "delay 0 ms", "subscribers": 20, "rate_hz": 63.0, "payload_bytes": 100, "poll_interval_s": 0.25,
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
    """A run and its trials. `troubles` adds the failed trial, the struck-out one, the skipped and the failed variant;
    `twins` runs the first scenario of the last variant twice in every block; `harness` adds the hidden null variant."""
    scenarios = tuple(scenarios)
    rng = np.random.default_rng(seed)
    cells = [(block, scenario, nature, "") for block in range(blocks) for scenario in scenarios for nature in natures]
    if twins:
        cells += [(block, scenarios[0], natures[-1], "-twin") for block in range(blocks)]
    if harness:
        delivering = [scenario for scenario in scenarios if scenario != "idle"]
        middle = len(cells) // 2  # away from the troubles, which are at the ends
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
        trials.append(_trial(planned, nature, rng))
    if troubles:
        trials = _with_troubles(trials)
    run = _run(natures, scenarios, blocks, seed, [trial.planned for trial in trials], troubles)
    if harness:
        hidden = msgspec.structs.replace(
            run.variants[0], name=NULL.name, label=NULL.label, technique=NULL.technique, hidden=True,
            description="Bare TCP push, made up.",
        )  # fmt: skip
        run = msgspec.structs.replace(run, variants=[*run.variants, hidden])
    return run, trials


def hostile(natures: Sequence[Nature] = NATURES, blocks: int = 3) -> tuple[Run, list[Trial]]:
    """The same with hostile strings as labels and everything else that is free text."""
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
            failure=trial.failure and Failure(phase=HOSTILE, error=HOSTILE, died=HOSTILE),
        )
        for trial in trials
    ]  # fmt: skip
    return run, trials


def calibrated(planned: Planned, offset_ns: int = 0, rate: float = 1.0) -> Trial:
    """A calibration trial that reads back what was planted, over a floor of 300 to 700 µs, by a clock that is off by
    `offset_ns` and too fast by the factor `rate`.
    """
    parameters = {**CALIBRATION, **planned.changes}
    subscribers, rate_hz = int(parameters["subscribers"]), float(parameters["rate_hz"])
    first, last = sequences(parameters)
    planted = truth(PLANTS[str(parameters["plant"])], subscribers, first, last, rate_hz)
    extra = np.array(planted.extra_ns)
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
            delivered=expected - planted.lost,
            lost=planted.lost,
            duplicated=planted.duplicated,
            reordered=planted.reordered,
            corrupted=0,
            gaps_signalled=0,
            errors={},
        ),
        latency=fold(((extra + floor) * rate + offset_ns).astype(np.int64)),
    )


def instrumented(run: Run, trials: list[Trial], plants: Sequence[Plant] = BRIEF) -> tuple[Run, list[Trial]]:
    """The run with what every run holds to measure itself: a calibration, and the harness floor in every block."""
    floor = Nature("null", "harness floor", "bare TCP", service_us=300, cpu_us=8, framing_bytes=1)
    floors = synthetic((floor,), ["broadcast", "echo"], run.repetitions, troubles=False)[1]
    planned = calibration(plants, run.seed, 0, [trial.planned for trial in (*trials, *floors)])
    calibrations = [calibrated(one) for one in planned[-len(plants) :]]
    hidden = [
        msgspec.structs.replace(run.variants[0], name=name, label=label, product="", technique="bare TCP",
                                capabilities=[], description=f"{label}, made up.", hidden=True)
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
    """The run with sweeps, parameter and values by scenario, in every block; only what polls has a poll interval."""
    rng = np.random.default_rng(run.seed)
    points: list[Trial] = []
    for block in range(run.repetitions):
        for scenario, parameters in sweeps.items():
            for name, values in parameters.items():
                heeding = [nature for nature in natures if nature.poll or name != "poll_interval_s"]
                for nature, value in ((nature, value) for nature in heeding for value in values):
                    planned = Planned(
                        id=f"{block}-{scenario}-{nature.name}-{name}-{value:g}",
                        scenario=scenario,
                        variant=nature.name,
                        block=block,
                        position=len(trials) + len(points),
                        seed=len(points),
                        changes={name: value},
                    )
                    points.append(_trial(planned, nature, rng))
    plan = [*run.plan, *(point.planned for point in points)]
    return msgspec.structs.replace(run, plan=plan), [*trials, *points]


def write(results: Path, run: Run, trials: Iterable[Trial], name: str = "") -> Path:
    """Store a run as `bench.results` lays it out; the folder."""
    store = Store(results / (name or run.name))
    store.begin(run)
    for trial in trials:
        store.add(trial)
    return store.folder


def process(cpu_ns: float, pss_bytes: float = 40e6) -> ProcessUsage:
    """A process that used so much CPU and holds so much memory."""
    return ProcessUsage(
        cpu_ns=int(cpu_ns),
        run_queue_wait_ns=int(cpu_ns / 50),
        voluntary_switches=1200,
        involuntary_switches=90,
        pss_bytes=int(pss_bytes),
        fds=110,
        threads=2,
    )


def _trial(planned: Planned, nature: Nature, rng: np.random.Generator) -> Trial:
    parameters = {**SCENARIOS[planned.scenario][1], **planned.changes}
    mood = float(rng.normal(1.0, 0.03))
    steps = parameters.get("steps")
    subscribers = max(steps) if isinstance(steps, list) else int(parameters["subscribers"])
    connect = None if nature.late_head else _lognormal(nature.connect_us * mood, 0.4, subscribers, rng)
    common = Trial(
        schema=SCHEMA,
        planned=planned,
        parameters=dict(parameters),
        started_at="2026-01-02T03:04:05Z",
        phases_ns={"start": 310_000_000, "connect": 95_000_000, "measure": 2_500_000_000, "stop": 40_000_000},
        connect=connect,
    )
    if planned.scenario == "idle":
        return msgspec.structs.replace(common, idle=_idle(nature, steps, mood, rng))
    return _driven(common, nature, mood, rng)


def _driven(common: Trial, nature: Nature, mood: float, rng: np.random.Generator) -> Trial:
    """A trial in which messages were published and delivered."""
    parameters = common.parameters
    subscribers, payload = (int(parameters[key]) for key in ("subscribers", "payload_bytes"))
    rate_hz, interval_s = (float(parameters[key]) for key in ("rate_hz", "poll_interval_s"))
    echo = common.planned.scenario == "echo"
    window_ns = 2_500_000_000
    messages = max(1, int(rate_hz * 2.5))
    count = messages * subscribers
    crowd = 0.5 + subscribers / 200  # a fan-out takes its time for every subscriber
    service = nature.service_us * (0.9 if echo else 1.0) * 1000 * mood * crowd
    often = 0.25 / interval_s if nature.poll else 1.0
    cpu_us = nature.cpu_us * often
    latencies = service * rng.lognormal(0.0, nature.spread, (messages, subscribers))
    if nature.poll:
        latencies = 900_000 * rng.lognormal(0.0, 0.2, latencies.shape) + rng.uniform(
            0, interval_s * 1e9, latencies.shape
        )
    latencies = latencies.astype(np.int64)
    load = 7_800.0 * count
    requests = int(
        nature.requests * count * (3 if echo and nature.poll else 1) * (0.25 / interval_s if nature.poll else 1)
    )
    requests += count if echo and nature.technique != "WebSocket" else 0
    received = count * (payload + nature.framing_bytes) + requests * nature.head_bytes * 6 // 10
    sent = requests * nature.head_bytes * 4 // 10 + (count * (payload + 6) if echo else 0)
    segments = int(count * (0.3 if nature.poll else 1.0)) + requests
    return msgspec.structs.replace(
        common,
        ledger=Ledger(
            expected=count, delivered=count, lost=0, duplicated=0, reordered=0, corrupted=0, gaps_signalled=0, errors={}
        ),
        latency=fold(latencies),
        completion=None if echo else fold(latencies.max(axis=1)),
        slip=_lognormal(18.0, 0.5, messages, rng),
        usage=Usage(
            window_ns=window_ns,
            deliveries=count,
            server=process(cpu_us * 1000 * count * mood),
            broker=process(nature.broker_us * 1000 * count * mood, 8e6) if nature.broker_us else None,
            load=[process(load)],
            publisher=None if echo else process(120_000 * messages, 12e6),
        ),
        headroom=_headroom(),
        machine=Machine(
            cores=[0, 1],
            before_window_ns=100_000_000,
            before_busy_ns=0,
            window_ns=window_ns,
            busy_ns=int(cpu_us * 1000 * count * mood + load),
            steal_ns=0,
            frequencies_before_hz=[2_600_000_000] * 2,
            frequencies_after_hz=[2_600_000_000] * 2,
        ),
        wire=Wire(
            window_ns=window_ns,
            deliveries=count,
            payload_received_bytes=count * payload,
            payload_sent_bytes=count * payload if echo else 0,
            received_bytes=received,
            sent_bytes=sent,
            segments_in=segments,
            segments_out=segments,
            requests=requests,
            connections_opened=0,
        ),
        series=_series(latencies.ravel(), nature, mood, rng),
    )


def _series(latencies: np.ndarray, nature: Nature, mood: float, rng: np.random.Generator) -> Series:
    parts = np.array_split(latencies, 10)
    cpu = [int(nature.cpu_us * 1000 * part.size * mood * rng.normal(1, 0.05)) for part in parts]
    broker = [int(nature.broker_us * 1000 * part.size) for part in parts]
    return Series(
        interval_ns=INTERVAL_NS,
        delivered=[int(part.size) for part in parts],
        latency_p50_ns=[int(np.median(part)) for part in parts[:-1]] + [None],
        latency_max_ns=[int(part.max()) for part in parts[:-1]] + [None],
        server_cpu_ns=cpu,
        broker_cpu_ns=broker,
    )


def _idle(nature: Nature, steps: Parameter, mood: float, rng: np.random.Generator) -> list[IdleStep]:
    assert isinstance(steps, list)
    return [
        IdleStep(
            subscribers=count,
            window_ns=600_000_000,
            server=process(
                0.6 * count * nature.idle_us * 1000 * mood + 300_000,
                41e6 + count * nature.connection_kib * 1024 * mood + rng.normal(0, 60_000),
            ),
            broker=process(90_000, 7e6 + count * 2048) if nature.broker_us else None,
        )
        for count in steps
    ]


def _headroom() -> Headroom:
    rng = np.random.default_rng(1)
    return Headroom(loop_lag=_lognormal(60.0, 0.5, 250, rng), unread=_lognormal(40.0, 0.6, 300, rng))


def _lognormal(median_us: float, spread: float, count: int, rng: np.random.Generator) -> Distribution:
    return fold((median_us * 1000 * rng.lognormal(0.0, spread, count)).astype(np.int64))


def _with_troubles(trials: list[Trial]) -> list[Trial]:
    """The last but one trial failed; the fifth that delivered anything (or the last) lost messages."""
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
        lost = msgspec.structs.replace(ledger, delivered=ledger.expected - 3, lost=3)
        finding = Finding(
            name="lost messages", disqualifying=True, observation="3 of 5,000 deliveries are missing",
            remedy="python -m bench verify",
        )  # fmt: skip
        troubled[place] = msgspec.structs.replace(trial, ledger=lost, findings=[finding])
    return troubled


def _run(
    natures: Sequence[Nature], scenarios: Sequence[str], blocks: int, seed: int, plan: list[Planned], troubles: bool
) -> Run:
    variants = [
        VariantFacts(
            name=nature.name,
            label=nature.label,
            description=f"{nature.label}, made up.",
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
