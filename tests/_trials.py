"""A small trial with metrics that can be computed by hand, and functions that change one fact of it."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from bench.analysis.numbers.distributions import fold
from bench.results import (
    SCHEMA,
    BrokerFacts,
    Headroom,
    Ledger,
    Machine,
    Planned,
    ProcessUsage,
    Trial,
    Usage,
    VariantFacts,
    Wire,
)
from tests._natures import process

MS = 1_000_000


def calm(scenario: str = "broadcast", **changes: Any) -> Trial:
    """A trial without findings: ten subscribers, fifty messages each, latencies of 1 to 100 ms."""
    parameters = {"subscribers": 10, "rate_hz": 10.0, "poll_interval_s": 0.25, "hold_s": 25.0}
    trial = Trial(
        schema=SCHEMA,
        planned=Planned(id="a", scenario=scenario, variant="websocket", block=0, position=0, seed=1),
        parameters=parameters,
        started_at="2026-01-02T03:04:05Z",
        phases_ns={},
        ledger=Ledger(
            expected=500, delivered=500, lost=0, duplicated=0, reordered=0, corrupted=0, gaps_signalled=0, errors={}
        ),
        latency=fold(np.repeat(np.arange(1, 101), 5) * MS),
        completion=fold(np.repeat(np.arange(1, 11) * 2 * MS, 5)),
        slip=fold(np.full(10, 20_000)),
        connect=fold(np.full(10, 3 * MS)),
        usage=Usage(
            window_ns=1_000 * MS,
            deliveries=100,
            server=process(200 * MS),
            broker=process(50 * MS),
            load=[process(80 * MS)],
            publisher=process(10 * MS),
        ),
        headroom=Headroom(loop_delay=fold(np.full(200, MS // 10)), read_delay=fold(np.full(100, MS // 20))),
        machine=Machine(
            cores=[0, 1],
            before_window_ns=100 * MS,
            before_busy_ns=10 * MS,
            window_ns=1_000 * MS,
            busy_ns=(200 + 50 + 80 + 10 + 60) * MS,
            steal_ns=10 * MS,
            frequencies_before_hz=[2_600_000_000, 2_600_000_000],
            frequencies_after_hz=[2_600_000_000, 800_000_000],
        ),
        wire=Wire(
            window_ns=1_000 * MS,
            deliveries=100,
            payload_received_bytes=12_800,
            payload_sent_bytes=0,
            received_bytes=13_200,
            sent_bytes=600,
            segments_in=100,
            segments_out=50,
            requests=40,
            connections_opened=0,
        ),
    )
    return msgspec.structs.replace(trial, **changes)


def over_broker(trial: Trial, *, process_known: bool = False, here: bool = True) -> Trial:
    """The trial over a broker of its variant, whose process is known or not, and which runs on this machine or not."""
    broker = BrokerFacts(
        product="Redis", version="7.4.1", origin="REDIS_URL", reached="redis://a-host:6379/0", here=here,
        process_known=process_known, publish_ns=MS,
    )  # fmt: skip
    trial = msgspec.structs.replace(trial, broker=broker)
    if not process_known and trial.usage:
        trial = changed(trial, "usage", broker=None)
    return trial


def changed(trial: Trial, fact: str, **changes: Any) -> Trial:
    """The trial with some fields of one fact changed."""
    return msgspec.structs.replace(trial, **{fact: msgspec.structs.replace(getattr(trial, fact), **changes)})


def waiting(used: ProcessUsage, run_queue_wait_ns: int | None) -> ProcessUsage:
    """The same process with another time of waiting for its core."""
    return msgspec.structs.replace(used, run_queue_wait_ns=run_queue_wait_ns)


def variant(name: str, technique: str, product: str = "") -> VariantFacts:
    """A measured variant."""
    return VariantFacts(
        name=name,
        label=name.upper(),
        description="",
        technique=technique,
        product=product,
        capabilities=[],
        options={},
        versions={},
        status="measured",
    )
