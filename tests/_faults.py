"""Synthetic trials of all faults, with known losses and signals of every variant.

With resume a variant loses only the messages that an ended server had, and signals them. Without, it loses the messages
that are due while a subscriber is away. Only variants with a broker have trials of the outage.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.faults import Fault, fault_of
from bench.analysis.trials.findings import judge
from bench.results import (
    SCHEMA,
    EmulatedPath,
    Ledger,
    Machine,
    Outage,
    Parameter,
    Planned,
    Reconnects,
    Restart,
    Run,
    ScenarioFacts,
    Series,
    SlowReader,
    Trial,
)
from tests._natures import NATURES, Nature
from tests._synthetic import synthetic

MS = 1_000_000
S = 1_000 * MS
SUBSCRIBERS, MESSAGES = 50, 160
EXPECTED = SUBSCRIBERS * MESSAGES

COMMON: dict[str, Parameter] = {
    "subscribers": SUBSCRIBERS, "rate_hz": 20.0, "payload_bytes": 100, "poll_interval_s": 0.25, "hold_s": 25.0,
    "warm_up_s": 0.5, "measure_s": 8.0, "drain_s": 1.0,
}  # fmt: skip
OWN: dict[str, dict[str, Parameter]] = {
    "dropped": {"cut_every_s": 2.0, "away_s": 0.4},
    "restart": {"restart_after_s": 1.0, "signal": "TERM"},
    "slow_reader": {"slow": "trickle then stop", "slow_after_s": 0.5, "trickle_s": 3.0, "stop_s": 20.0},
    "outage": {"outage": "STOP", "outage_after_s": 1.0, "stopped_s": 3.0, "killed_s": 2.0},
    "lossy": {"path": "direct"},
}
SWEPT: dict[str, tuple[str, tuple[str, ...]]] = {
    "restart": ("signal", ("KILL",)),
    "slow_reader": ("slow", ("none",)),
    "outage": ("outage", ("KILL",)),
    "lossy": ("path", ("far", "narrow", "fragments", "resets", "stalls")),
}
# The additional latency of a path at p50 and at p99, in ms.
PATHS = {"direct": (0.0, 0.0), "far": (21.0, 25.0), "narrow": (45.0, 120.0), "fragments": (30.0, 60.0),
         "resets": (1.0, 300.0), "stalls": (1.0, 480.0)}  # fmt: skip


def faulty(
    run: Run,
    trials: Sequence[Trial],
    natures: Sequence[Nature] = NATURES,
    scenarios: Sequence[str] = tuple(OWN),
    unreliable: str = "",
) -> tuple[Run, list[Trial]]:
    """The run with all faults in every block. unreliable: a variant that loses messages without a signal."""
    facts = [
        ScenarioFacts(
            name=name,
            description=f"Synthetic {name}.",
            parameters={**COMMON, **OWN[name]},
            excluded={one.name: "has no broker" for one in natures if not one.broker_us} if name == "outage" else {},
        )
        for name in scenarios
    ]
    resuming = {variant.name for variant in run.variants if "resume" in variant.capabilities}
    faulty: list[Trial] = []
    for block in range(run.repetitions):
        for scenario in scenarios:
            for nature in natures:
                if scenario != "outage" or nature.broker_us:
                    for changes in _points(scenario):
                        planned = _planned(scenario, nature, block, changes, len(trials) + len(faulty))
                        trial = fault_trial(planned, nature, nature.name in resuming, nature.name == unreliable)
                        faulty.append(msgspec.structs.replace(trial, findings=judge(trial)))
    run = msgspec.structs.replace(
        run, scenarios=[*run.scenarios, *facts], plan=[*run.plan, *(trial.planned for trial in faulty)]
    )
    return run, [*trials, *faulty]


def robbed(
    natures: Sequence[Nature], fault: Fault, variant: str, percents: dict[str, Sequence[int]]
) -> tuple[Run, list[Trial]]:
    """A run of one scenario with faults, with steal of a variant's two cores in percent by fault value and block."""
    run, trials = faulty(*synthetic(natures, ["broadcast"], troubles=False), natures, [fault.scenario])
    window = 10 * S
    robbed = []
    for trial in trials:
        of = fault_of(trial)
        if of is not None and trial.planned.variant == variant:
            steal_ns = percents[of.value][trial.planned.block] * window * 2 // 100
            trial = msgspec.structs.replace(trial, machine=_machine(window, steal_ns))
        robbed.append(trial)
    return run, robbed


def _machine(window_ns: int, steal_ns: int) -> Machine:
    return Machine(
        cores=[0, 1], before_window_ns=S, before_busy_ns=0, window_ns=window_ns, busy_ns=steal_ns, steal_ns=steal_ns,
        frequencies_before_hz=[2_600 * MS] * 2, frequencies_after_hz=[2_600 * MS] * 2,
    )  # fmt: skip


def _points(scenario: str) -> list[dict[str, Parameter]]:
    parameter, values = SWEPT.get(scenario, ("", ()))
    return [{}, *({parameter: value} for value in values)]


def _planned(scenario: str, nature: Nature, block: int, changes: dict[str, Parameter], position: int) -> Planned:
    suffix = "".join(f"-{name}-{value}".replace(" ", "-") for name, value in changes.items())
    return Planned(
        id=f"{block}-{scenario}-{nature.name}{suffix}", scenario=scenario, variant=nature.name, block=block,
        position=position, seed=position, changes=changes,
    )  # fmt: skip


def fault_trial(planned: Planned, nature: Nature, resumes: bool, unreliable: bool = False) -> Trial:
    """One trial of a scenario with faults."""
    rng = np.random.default_rng(planned.seed)
    trial = Trial(
        schema=SCHEMA,
        planned=planned,
        parameters={**COMMON, **OWN[planned.scenario], **planned.changes},
        started_at="2026-01-02T03:04:05Z",
        phases_ns={"start": 310 * MS, "measure": 8 * S},
        latency=_latency(nature, 0.0, 0.0, rng),
        completion=fold(np.full(MESSAGES, 30 * MS)),
    )
    return MADE[planned.scenario](trial, nature, resumes, unreliable, rng)


def _ledger(lost: int, signalled: int) -> Ledger:
    return Ledger(
        expected=EXPECTED, delivered=EXPECTED - lost, lost=lost, signalled=signalled, duplicated=0, reordered=0,
        corrupted=0, gaps_signalled=int(signalled > 0), errors={},
    )  # fmt: skip


def _latency(nature: Nature, middle_ms: float, tail_ms: float, rng: np.random.Generator):
    own = nature.service_us * 1000 * rng.lognormal(0.0, nature.spread, 5000)
    if nature.poll:
        own = rng.uniform(0, 0.25e9, own.size)
    return fold((own + np.where(rng.random(own.size) < 0.03, tail_ms, middle_ms) * MS).astype(np.int64))


def _reconnects(resumes: bool, cuts: int, recovered: int, slots: list[int], took_ms: float, rng, unsent: int = 0):
    took = (took_ms * MS * rng.lognormal(0.0, 0.5, cuts)).astype(np.int64)
    return Reconnects(
        declares_resume=resumes, disconnects=cuts, caught_up=cuts, attempts=sum(slots), attempt_slots=slots,
        recovered_deliveries=recovered, catch_up_time=fold(took), reconnect_time=fold(took + 20 * MS),
        unsent_messages=unsent,
    )  # fmt: skip


def _dropped(trial: Trial, nature: Nature, resumes: bool, unreliable: bool, rng: np.random.Generator) -> Trial:
    missed = 180 * 8
    lost = 7 if unreliable else 0 if resumes else missed
    slots = [int(count) for count in rng.integers(0, 6, 70)]
    return msgspec.structs.replace(
        trial,
        ledger=_ledger(lost, 0),
        reconnects=_reconnects(
            resumes, 180, missed - lost, slots, 120 if nature.poll else nature.service_us / 1000, rng
        ),
    )


def _restart(trial: Trial, nature: Nature, resumes: bool, unreliable: bool, rng: np.random.Generator) -> Trial:
    lost = SUBSCRIBERS * (9 if trial.planned.changes else 12)
    slots = [0] * 10 + [SUBSCRIBERS, SUBSCRIBERS // 2, 20, 12, 9, 6, 30, 22, 11, 4, 2, 1]
    return msgspec.structs.replace(
        trial,
        ledger=_ledger(lost, lost - 3 if unreliable else lost if resumes else 0),
        reconnects=_reconnects(resumes, SUBSCRIBERS, 0, slots, 350 + nature.service_us / 50, rng, unsent=5),
        restart=Restart(ended_ns=S + 3 * MS, ready_ns=S + 600 * MS),
        completion=None,
    )


def _slow(trial: Trial, nature: Nature, resumes: bool, unreliable: bool, rng: np.random.Generator) -> Trial:
    idle = trial.parameters["slow"] == "none"
    slowed = not idle and nature.name == "flask_socketio"
    received = MESSAGES if idle or not resumes else MESSAGES - 40
    grown = 100_000 if idle else int(nature.connection_kib * 40_000)
    return msgspec.structs.replace(
        trial,
        ledger=_ledger(2 if unreliable and not idle else 0, 0),
        latency=_latency(nature, 0.0, 40.0 if slowed else 0.0, rng),
        slow_reader=SlowReader(
            messages=received, corrupted=0, lost=MESSAGES - received, duplicated=0, reordered=0,
            signalled=MESSAGES - received, closed_by_server=int(received < MESSAGES), memory_before_bytes=40_000_000,
            memory_peak_bytes=40_000_000 + grown,
        ),
    )  # fmt: skip


def _outage(trial: Trial, nature: Nature, resumes: bool, unreliable: bool, rng: np.random.Generator) -> Trial:
    killed = trial.parameters["outage"] == "KILL"
    away = 8 if killed else 12
    quarter = EXPECTED // 32
    delivered = [0 if 4 <= slot < 4 + away else quarter for slot in range(32)]
    if not killed:
        delivered[4 + away] += away * quarter
    lost = EXPECTED - sum(delivered)
    return msgspec.structs.replace(
        trial,
        ledger=_ledger(lost, 0),
        reconnects=_reconnects(resumes, 0, 0, [], 1, rng),
        outage=Outage(
            began_ns=S, ended_ns=S + away * 250 * MS,
            recovered_ns=int(rng.uniform(40, 60) * MS) if killed or trial.planned.block else None,
        ),
        series=Series(
            interval_ns=250 * MS, delivered=delivered, latency_p50_ns=[None] * 32, latency_max_ns=[None] * 32,
            server_cpu_ns=[], broker_cpu_ns=[],
        ),
    )  # fmt: skip


def _lossy(trial: Trial, nature: Nature, resumes: bool, unreliable: bool, rng: np.random.Generator) -> Trial:
    path = str(trial.parameters["path"])
    cuts = 120 if path == "resets" else 0
    lost = 0 if resumes else 3 * cuts
    return msgspec.structs.replace(
        trial,
        ledger=_ledger(lost + 5 * (unreliable and path == "stalls"), 0),
        latency=_latency(nature, *PATHS[path], rng),
        reconnects=_reconnects(resumes, cuts, 3 * cuts - lost, [cuts] if cuts else [], 15, rng),
        emulated_path=EmulatedPath(
            name=path, description=f"what {path} does", connections=SUBSCRIBERS + cuts, resets=cuts, stalls=0, pieces=9
        ),
    )


MADE = {"dropped": _dropped, "restart": _restart, "slow_reader": _slow, "outage": _outage, "lossy": _lossy}
