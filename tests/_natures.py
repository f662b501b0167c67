"""Synthetic variants and their trials: all numbers are plausible and known."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import msgspec
import numpy as np

from bench.analysis.numbers.distributions import fold
from bench.results import (
    SCHEMA,
    Distribution,
    Headroom,
    IdleStep,
    Ledger,
    Machine,
    Parameter,
    Planned,
    ProcessUsage,
    Recount,
    Series,
    Trial,
    Usage,
    Wire,
)

INTERVAL_NS = 250_000_000


@dataclass(frozen=True, slots=True)
class Nature:
    """The properties of a synthetic variant. Costs are per delivered message. poll: whether messages wait for a poll;
    late_head: whether connects are not confirmed.
    """

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

# The harness: hidden, in all scenarios with deliveries.
NULL = Nature("null", "Bare TCP", "bare TCP", service_us=240, spread=0.25, cpu_us=6, framing_bytes=1, connect_us=200)

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


def process(cpu_ns: float, pss_bytes: float = 40e6) -> ProcessUsage:
    """A process with this CPU time and this memory."""
    return ProcessUsage(
        cpu_ns=int(cpu_ns),
        run_queue_wait_ns=int(cpu_ns / 50),
        voluntary_switches=1200,
        involuntary_switches=90,
        pss_bytes=int(pss_bytes),
        fds=110,
        threads=2,
    )


def trial(planned: Planned, nature: Nature, rng: np.random.Generator) -> Trial:
    parameters = {**SCENARIOS[planned.scenario][1], **planned.changes}
    noise = float(rng.normal(1.0, 0.03))
    steps = parameters.get("steps")
    subscribers = max(steps) if isinstance(steps, list) else int(parameters["subscribers"])
    connect = None if nature.late_head else lognormal(nature.connect_us * noise, 0.4, subscribers, rng)
    common = Trial(
        schema=SCHEMA,
        planned=planned,
        parameters=dict(parameters),
        started_at="2026-01-02T03:04:05Z",
        phases_ns={"start": 310_000_000, "connect": 95_000_000, "measure": 2_500_000_000, "stop": 40_000_000},
        connect=connect,
    )
    if planned.scenario == "idle":
        return msgspec.structs.replace(common, idle=_idle(nature, steps, noise, rng))
    return driven(common, nature, noise, rng)


def driven(common: Trial, nature: Nature, noise: float, rng: np.random.Generator) -> Trial:
    """A trial in which messages were published and delivered."""
    parameters = common.parameters
    subscribers, payload = (int(parameters[key]) for key in ("subscribers", "payload_bytes"))
    rate_hz, interval_s = (float(parameters[key]) for key in ("rate_hz", "poll_interval_s"))
    echo = common.planned.scenario == "echo"
    window_ns = 2_500_000_000
    messages = max(1, int(rate_hz * 2.5))
    count = messages * subscribers
    fan_out = 0.5 + subscribers / 200  # a fan-out takes longer with more subscribers
    service = nature.service_us * (0.9 if echo else 1.0) * 1000 * noise * fan_out
    polls = 0.25 / interval_s if nature.poll else 1.0
    cpu_us = nature.cpu_us * polls
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
        recount=Recount(lost=0, signalled=0, duplicated=0, reordered=0),
        latency=fold(latencies),
        completion=None if echo else fold(latencies.max(axis=1)),
        slip=lognormal(18.0, 0.5, messages, rng),
        usage=Usage(
            window_ns=window_ns,
            deliveries=count,
            server=process(cpu_us * 1000 * count * noise),
            broker=process(nature.broker_us * 1000 * count * noise, 8e6) if nature.broker_us else None,
            load=[process(load)],
            publisher=None if echo else process(120_000 * messages, 12e6),
        ),
        headroom=headroom(),
        machine=Machine(
            cores=[0, 1],
            before_window_ns=100_000_000,
            before_busy_ns=0,
            window_ns=window_ns,
            busy_ns=int(cpu_us * 1000 * count * noise + load),
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
        series=_series(latencies.ravel(), nature, noise, rng),
    )


def _series(latencies: np.ndarray, nature: Nature, noise: float, rng: np.random.Generator) -> Series:
    parts = np.array_split(latencies, 10)
    cpu = [int(nature.cpu_us * 1000 * part.size * noise * rng.normal(1, 0.05)) for part in parts]
    broker = [int(nature.broker_us * 1000 * part.size) for part in parts]
    return Series(
        interval_ns=INTERVAL_NS,
        delivered=[int(part.size) for part in parts],
        latency_p50_ns=[int(np.median(part)) for part in parts[:-1]] + [None],
        latency_max_ns=[int(part.max()) for part in parts[:-1]] + [None],
        server_cpu_ns=cpu,
        broker_cpu_ns=broker,
    )


def _idle(nature: Nature, steps: Parameter, noise: float, rng: np.random.Generator) -> list[IdleStep]:
    assert isinstance(steps, list)
    return [
        IdleStep(
            subscribers=count,
            window_ns=600_000_000,
            server=process(
                0.6 * count * nature.idle_us * 1000 * noise + 300_000,
                41e6 + count * nature.connection_kib * 1024 * noise + rng.normal(0, 60_000),
            ),
            broker=process(90_000, 7e6 + count * 2048) if nature.broker_us else None,
        )
        for count in steps
    ]


@functools.cache
def headroom() -> Headroom:
    rng = np.random.default_rng(1)
    return Headroom(loop_delay=lognormal(60.0, 0.5, 250, rng), read_delay=lognormal(40.0, 0.6, 300, rng))


def lognormal(median_us: float, spread: float, count: int, rng: np.random.Generator) -> Distribution:
    return fold((median_us * 1000 * rng.lognormal(0.0, spread, count)).astype(np.int64))
