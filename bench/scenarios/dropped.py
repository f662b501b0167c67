"""Dropped connections: every subscriber is cut off repeatedly while publishing goes on. What is lost, and signalled?

The connection of each subscriber is reset about every `cut_every_s`. It stays away for `away_s`, then reconnects: with
its cursor, if the server has cursors. A server that declares resume must then deliver the missed messages or signal a
gap. Any other server loses them.

The cut is a TCP reset (RST), and everything in flight is lost: this is what a server sees when a proxy, a NAT or the
peer's system drops a connection. A network that goes silent is not emulated: the server would notice nothing until TCP
times out, minutes later, and would write to a subscriber that has reconnected long ago. Against a server started by
hand, no subscriber is cut off:

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
    FaultName,
    Faults,
    Parameter,
    Scenario,
    Values,
)

CUT_EVERY_S = Parameter("cut_every_s", 1.6, low=0.1, high=3600.0)
AWAY_S = Parameter("away_s", 0.4, low=0.0, high=600.0)


def _most_are_cut_off(values: Values) -> str:
    """The first cut comes after `cut_every_s` on average, and only if its subscriber can be back in time."""
    needed_s = CUT_EVERY_S.of(values) + 2 * AWAY_S.of(values)
    if needed_s <= MEASURE_S.of(values):
        return ""
    return (
        f"cut_every_s={CUT_EVERY_S.of(values):g} and twice away_s={AWAY_S.of(values):g} take {needed_s:g} s,"
        f" more than measure_s={MEASURE_S.of(values):g}: most subscribers would never be cut off"
    )


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
    checks=(_most_are_cut_off,),
    since="full",
    controls=False,
    reconnects=True,
    cuts=Cuts(CUT_EVERY_S, AWAY_S),
    faults=Faults(
        title="Dropped connections",
        done="The connection of each of {subscribers} subscribers was reset about every {cut_every_s}. It reconnected"
        " after {away_s}, with its cursor if the variant resumes, while {rate_hz} messages per second were published.",
        named={"": FaultName("dropped connections")},
        recovery="fresh_p50",
        recovered="from the first attempt to reconnect until half of the reconnected subscribers had caught up",
    ),
)
