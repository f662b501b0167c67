"""Idle: connected subscribers and no messages. What memory and CPU does a connection cost, and how long is a connect?

Subscribers connect in steps. After each step the server is idle for `measure_s`, then its memory is read, so that the
cost of a connection is the slope over the steps and not the size of the server. The first step already has a few
subscribers, because a server imports and allocates what all connections share at its first connection. The figures
"Memory per connection" and "Time to connect" of the report show the results. Against a server started by hand:

    locust -f bench/load/locustfile.py --scenario idle --variant long_polling --host http://127.0.0.1:8000 --users 400
"""

from bench.scenarios._declarations import (
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    IdleSteps,
    Parameter,
    Publishes,
    Question,
    Scenario,
)

STEPS = Parameter(
    "steps", [10, 100, 200, 400], low=0, high=100_000,
    profiles={"quick": [10, 50, 100], "full": [10, 500, 1000, 2000]},
)  # fmt: skip
SETTLE_S = Parameter("settle_s", 0.1, low=0.0, high=600.0)

SCENARIO = Scenario(
    parameters=(
        STEPS,
        PAYLOAD_BYTES(100),
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        SETTLE_S,
        MEASURE_S(0.6, quick=0.3, full=0.8),
    ),
    kind=IdleSteps(STEPS, SETTLE_S),
    publishes=Publishes.NOTHING,
    answers=frozenset({Question.CONNECTION}),
    load="Idle: {steps} silent subscribers",
)
