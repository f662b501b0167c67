"""Burst: many messages at once, then silence, repeatedly. How long until every subscriber has all of them?

`burst` messages are due at the same moment, with an average of `rate_hz` messages per second, so that techniques can
batch. The main metric is the time until the last subscriber has the last message of a burst. The figure "A whole burst"
of the report (section Workloads) shows it beside the number of messages per response or segment. By hand:

    locust -f bench/load/locustfile.py --scenario burst --variant sse --host http://127.0.0.1:8000 --users 100
"""

from bench.scenarios._declarations import (
    DIRECT,
    HOLD_S,
    MEASURE_S,
    PATH,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Medians,
    Parameter,
    Ranking,
    Scenario,
)

BURST = Parameter("burst", 20, low=1, high=10_000)

SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(100, quick=50),
        RATE_HZ(40.0),
        BURST,
        PAYLOAD_BYTES(100),
        PATH(DIRECT),
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(1.0),
        MEASURE_S(3.0, quick=1.0),
    ),
    since="full",
    burst=BURST,
    reports=(
        Ranking("burst_p50", "Time until the last of {subscribers} subscribers has all {burst} messages of a burst: "),
        Medians("batch", "Messages per response or, without requests, per TCP segment: "),
    ),
)
