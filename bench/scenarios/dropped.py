"""Dropped connections: every subscriber is cut off now and then while publishing goes on. What is lost, and signalled?

A subscriber is cut off about every `cut_every_s`, without a farewell, stays away for `away_s` and comes back: where
it left off, if the server has cursors. A server that promises to resume must then deliver what was missed, or say
that there is a gap; one that does not loses it.

The cut is a reset (RST), all that was under way is lost: what a server sees when a proxy, a NAT or the system at the
other end gives a connection up. A network that only falls silent is not emulated: a server would notice nothing before
TCP gives up, after minutes, and until then write to a subscriber that has long been back. Alone, against a server
started by hand, no subscriber is cut off:

    locust -f bench/load/locustfile.py --scenario dropped --variant sse --host http://127.0.0.1:8000 --users 50
"""

from bench.scenarios._declarations import (
    DRAIN_S,
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Cuts,
    Faults,
    Parameter,
    Scenario,
)

CUT_EVERY_S = Parameter("cut_every_s", 1.6, low=0.1, high=3600.0)
AWAY_S = Parameter("away_s", 0.4, low=0.0, high=600.0)

SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(100, quick=30),
        RATE_HZ(20.0),
        PAYLOAD_BYTES(100),
        CUT_EVERY_S,
        AWAY_S,
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.5),
        MEASURE_S(4.0, quick=3.0),
        DRAIN_S(5.0),
    ),
    since="full",
    controls=False,
    reconnects=True,
    cuts=Cuts(CUT_EVERY_S, AWAY_S),
    faults=Faults(recovery="fresh_p50"),
)
