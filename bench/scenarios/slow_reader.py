"""Slow reader: one of many subscribers reads too slowly, then not at all. What does it cost the others?

`slow_after_s` into the measured part the last subscriber reads 1 kB/s, `trickle_s` later nothing for `stop_s`, and then
at full speed again, while publishing goes on. The kernel buffers up to 4 MB for it (tcp_wmem). After that the server
must keep its messages, drop them, or close the connection. 50 messages of 24,000 bytes per second are little work for
any server. They fill the log of our techniques in 9 s, whether subscribers read or not, and the kernel's buffers after
4 s without reading. Ledger, latencies, wire and deliveries are those of the other subscribers; the slow reader has
counts of its own. With `slow` none it reads like the others and still has its own counts: these are the trials to
compare with. They last `calm_s`, which is enough to fill the log. If its connection is closed, the slow reader
reconnects with backoff and full jitter, with its cursor if the server has cursors; it notices the close only when it
reads. After the measured part it does not reconnect.

Against a server started by hand, no subscriber reads slowly:

    locust -f bench/load/locustfile.py --scenario slow_reader --variant sse --host http://127.0.0.1:8000 --users 11
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.scenarios._declarations import (
    DRAIN_S,
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Apart,
    FaultName,
    Faults,
    Parameter,
    Scenario,
    Speed,
    Values,
    over_in_time,
)

TRICKLE_BYTES_PER_S = 1_000

SLOW = Parameter("slow", "trickle then stop", choices=("trickle then stop", "none"), sweep=("none",))
SLOW_AFTER_S = Parameter("slow_after_s", 0.5, low=0.0, high=3600.0)
TRICKLE_S = Parameter("trickle_s", 2.0, low=0.0, high=600.0, profiles={"quick": 0.5})
STOP_S = Parameter("stop_s", 20.0, low=0.0, high=600.0, profiles={"quick": 3.0})
CALM_S = Parameter("calm_s", 10.0, low=0.05, high=3600.0, profiles={"quick": 2.0})


def _is_slow(values: Values) -> bool:
    return SLOW.of(values) != "none"


def _speeds(values: Values) -> Sequence[Speed]:
    if not _is_slow(values):
        return ()
    return (
        Speed(SLOW_AFTER_S.of(values), TRICKLE_BYTES_PER_S),
        Speed(TRICKLE_S.of(values), 0),
        Speed(STOP_S.of(values), None),
    )


def _lasts_s(values: Values) -> float:
    """How long the slow reader is slow."""
    return sum(speed.after_s for speed in _speeds(values)[1:])


def _others_are_measured(values: Values) -> str:
    return "" if SUBSCRIBERS.of(values) > 1 else "subscribers=1: there must be others beside the slow reader"


def _shorter_without(values: Values) -> Mapping[str, Any]:
    """A trial without a slow reader is shorter: it has nothing to wait for."""
    return values if _is_slow(values) else {**values, MEASURE_S.name: CALM_S.of(values)}


SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(11),
        SLOW,
        RATE_HZ(50.0),
        PAYLOAD_BYTES(24_000),
        SLOW_AFTER_S,
        TRICKLE_S,
        STOP_S,
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.4),
        MEASURE_S(23.0, quick=5.0),
        CALM_S,
        DRAIN_S(8.0),
    ),
    checks=(over_in_time(SLOW_AFTER_S, _lasts_s), _others_are_measured),
    adjusted=_shorter_without,
    since="full",
    controls=False,
    apart=Apart(number=lambda values: SUBSCRIBERS.of(values) - 1, from_s=SLOW_AFTER_S, speeds=_speeds),
    faults=Faults(
        title="Slow reader",
        done="One of {subscribers} subscribers read a trickle for {trickle_s}, then nothing for {stop_s}, while"
        " {rate_hz} messages per second were published. The counts are those of the other subscribers; the slow reader"
        " is reported separately.",
        named={"trickle then stop": FaultName("other subscribers beside a slow reader")},
        varied=SLOW,
        control="none",
    ),
)
