"""What one Locust process received in the measured part. It imports only the schema, so that processes that only
forward it start fast."""

from __future__ import annotations

import msgspec

from bench.results import Distribution, Ledger, Reconnects, Recount, SlowReader, Wire


class FanOut(msgspec.Struct, frozen=True, kw_only=True):
    """One message at the subscribers of one process, or of all processes merged."""

    intended_ns: int
    last_received_ns: int
    receivers: int


class Receipts(msgspec.Struct, frozen=True, kw_only=True):
    """The receipts of one process in the measured part, or of all processes merged.

    fan_outs: by sequence number; empty where every subscriber has messages of its own.
    slots: latencies per quarter second of receive time.
    deliveries: the number that arrived in the window over which costs are measured.
    slow_reader: what the subscriber that reads slowly received, if it is in this process; its memory values are 0.
    """

    ledger: Ledger
    recount: Recount
    reconnects: Reconnects | None
    latency: Distribution
    fan_outs: dict[int, FanOut]
    slots: list[Distribution]
    slip: Distribution | None
    connect: Distribution | None
    loop_delay: Distribution
    read_delay: Distribution | None
    wire: Wire | None
    deliveries: int
    slow_reader: SlowReader | None = None
