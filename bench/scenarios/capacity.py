"""Capacity: how many messages per second reach all subscribers before p99 is too high or a message is lost?

A search: the rate starts at `rate_hz` and is multiplied by four until the p99 latency exceeds `bound_s`, a message is
lost, or the latency keeps growing. The search then narrows the rate down to 15 %. A rate is too high when two steps at
it have failed. Every step has new processes. The figures "Messages per second sustained" and "The search for the
capacity" of the report (section Workloads) show the results. By hand it is an ordinary broadcast:

    locust -f bench/load/locustfile.py --scenario capacity --variant sse --host http://127.0.0.1:8000 --users 100
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
    Medians,
    Parameter,
    Ranking,
    Scenario,
    Search,
)

BOUND_S = Parameter("bound_s", 0.35, low=0.001, high=60.0)

SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(100, quick=50),
        RATE_HZ(400.0),
        BOUND_S,
        PAYLOAD_BYTES(100),
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.3),
        MEASURE_S(1.0, quick=0.5),
        DRAIN_S(1.0),
    ),
    kind=Search(BOUND_S),
    since="full",
    controls=False,
    reports=(
        Ranking(
            "capacity",
            "The highest rate in messages per second to each of {subscribers} subscribers with no loss and a p99"
            " latency within {bound_s}: ",
        ),
        Medians("capacity_deliveries", "In deliveries per second: "),
    ),
)
