"""Broadcast: one topic, many subscribers, one publisher. How fresh does a message arrive, and what does it cost?

Every message is delivered to every subscriber. The schedule is open loop: it does not slow down for a slow server. The
figures "Cost against freshness" and "Delivery latency" of the report show the results, and "Batching against publish
rate" those of the sweep over rates. Against a server started by hand, the messages are published through the first
subscriber:

    locust -f bench/load/locustfile.py --scenario broadcast --variant sse --host http://127.0.0.1:8000 --users 100
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
    Question,
    Scenario,
)

SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(100, quick=50, sweep=(10, 30, 300)),
        RATE_HZ(20.0, sweep=(1.0, 5.0, 40.0)),
        PAYLOAD_BYTES(100, sweep=(1000, 8000)),
        PATH(DIRECT),
        POLL_INTERVAL_S(0.25, sweep=(0.1, 0.5, 1.0, 2.0)),
        HOLD_S(25.0),
        WARM_UP_S(0.5, quick=0.3),
        MEASURE_S(3.0, quick=1.0),
    ),
    answers=frozenset({Question.FRESHNESS}),
    load="Broadcast: {rate_hz} messages/s of {payload_bytes} to each of {subscribers} subscribers",
)
