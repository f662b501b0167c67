"""Live rates for Locust's table and web page, fed in bulk once a second. No number of a report comes from here."""

from __future__ import annotations

import time
from typing import Any

import gevent
import numpy as np

from bench.load.session import Session
from bench.measure.recorder import Recorder

METHOD = "RECV"
NAME = "delivery"
LATEST = 10_000  # messages that may not have reached every subscriber yet


def feed(environment: Any, session: Session) -> None:
    """Add the deliveries of the last second to Locust's statistics, once a second, until the process ends."""
    recorder = None
    while True:
        gevent.sleep(1)
        if not hasattr(session, "recorder"):
            continue
        if session.recorder is not recorder:  # a test has begun
            recorder, fed, error_counts = session.recorder, dict[int, int](), dict[str, int]()
        latencies = _fresh(recorder, fed)
        if latencies.size:
            stats = environment.stats
            for entry in (stats.get(NAME, METHOD), stats.total):
                _add(entry, latencies)
        for error, count in session.recorder.errors.items():
            for _ in range(count - error_counts.get(error, 0)):
                environment.stats.log_error(METHOD, NAME, error)
            error_counts[error] = count


def _fresh(recorder: Recorder, fed: dict[int, int]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The latencies (ns) of receipts of the latest messages that were not added yet; `fed` counts those that were."""
    parts = [np.zeros(0, dtype=np.int64)]
    first = max(0, len(recorder.messages) - LATEST)
    for index, message in enumerate(recorder.messages[first:], first):
        fresh = message.received_ns[fed.get(index, 0) :]
        if fresh:
            fed[index] = len(message.received_ns)
            parts.append(np.frombuffer(fresh, dtype=np.int64) - message.intended_ns)
    for index in [index for index in fed if index < first]:
        del fed[index]
    return np.concatenate(parts)


def _add(entry: Any, latencies_ns: np.ndarray[Any, np.dtype[np.int64]]) -> None:
    """Enter many deliveries into one of Locust's entries, as its own `log` would do one by one (in milliseconds)."""
    milliseconds, counts = np.unique(np.maximum(latencies_ns, 0) // 1_000_000, return_counts=True)
    now = time.time()
    entry.num_requests += len(latencies_ns)
    entry.num_reqs_per_sec[int(now)] += len(latencies_ns)
    entry.last_request_timestamp = now
    entry.total_response_time += int(latencies_ns.sum()) // 1_000_000
    low, high = int(milliseconds[0]), int(milliseconds[-1])
    entry.min_response_time = low if entry.min_response_time is None else min(entry.min_response_time, low)
    entry.max_response_time = max(entry.max_response_time, high)
    for value, count in zip(milliseconds.tolist(), counts.tolist(), strict=True):
        entry.response_times[value] = entry.response_times.get(value, 0) + count
