"""Echo: every subscriber publishes to a topic of its own and receives its messages back. How long is a round trip?

Every subscriber publishes upstream at `rate_hz` on an open-loop schedule with a seeded phase. Latency runs from the due
time of the message to its return. The figure "Echo round trip" of the report shows the results. Against a server
started by hand:

    locust -f bench/load/locustfile.py --scenario echo --variant websocket --host http://127.0.0.1:8000 --users 50
"""

from bench.scenarios._declarations import (
    DIRECT,
    HOLD_S,
    MEASURE_S,
    OWN_TOPICS,
    PATH,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Publishes,
    Question,
    Scenario,
)

SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(100, quick=50),
        RATE_HZ(2.0, sweep=(0.5, 6.0)),
        PAYLOAD_BYTES(100),
        PATH(DIRECT),
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.5),
        MEASURE_S(3.0, quick=1.0),
    ),
    publishes=Publishes.SUBSCRIBERS,
    audience=OWN_TOPICS,
    answers=frozenset({Question.ROUND_TRIP}),
    load="Echo: each of {subscribers} subscribers sends {rate_hz} messages/s of {payload_bytes} and gets them back",
)
