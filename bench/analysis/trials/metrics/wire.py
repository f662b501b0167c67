"""What crosses the wire for each delivery: bytes and requests."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import per
from bench.results import Trial, Wire

ORDER = 30  # among the tables


SEGMENT_HEADER_BYTES = 40 + 12  # an estimate: 20 B IPv4 and 20 B TCP header, 12 B of timestamp option, on every segment


def payload_bytes(wire: Wire) -> int:
    """The texts in the measured part, both ways."""
    return wire.payload_received_bytes + wire.payload_sent_bytes


def framing_bytes(wire: Wire) -> int | None:
    """All that TCP carried in the measured part, without the texts: framing and HTTP headers."""
    if wire.received_bytes is None or wire.sent_bytes is None:
        return None
    return wire.received_bytes + wire.sent_bytes - payload_bytes(wire)


def segment_bytes(wire: Wire) -> int | None:
    """TCP and IP headers in the measured part, an estimate."""
    if wire.segments_in is None or wire.segments_out is None:
        return None
    return (wire.segments_in + wire.segments_out) * SEGMENT_HEADER_BYTES


def _each(total: Callable[[Wire], int | None]) -> Callable[[Trial], float | None]:
    """A total for each delivery."""
    return lambda trial: None if trial.wire is None else per(total(trial.wire), trial.wire.deliveries)


_payload, _framing, _segments, _requests = map(
    _each, (payload_bytes, framing_bytes, segment_bytes, lambda wire: wire.requests)
)


def _wire_total(trial: Trial) -> float | None:
    payload, framing, segments = _payload(trial), _framing(trial), _segments(trial)
    if payload is None or framing is None or segments is None:
        return None
    return payload + framing + segments  # sum() compensates from Python 3.12 on: the last digit would differ


METRICS = (
    Metric("wire", "bytes on the wire per delivered message", "wire bytes", "lower", _wire_total, headline=True),
    Metric("wire_payload", "payload per delivered message", "wire bytes", "lower", _payload),
    Metric("wire_framing", "framing and HTTP headers per delivered message", "wire bytes", "lower", _framing),
    Metric("wire_segments", "TCP and IP headers per delivered message (estimate)", "wire bytes", "lower",
           _segments),
    Metric("requests", "HTTP requests per delivered message", "count", "lower", _requests, headline=True),
)  # fmt: skip
