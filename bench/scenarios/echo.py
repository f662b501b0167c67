"""Echo: every subscriber publishes to a topic of its own and receives it back. What does a round trip take?

Every subscriber publishes upstream at `rate_hz` on an open-loop schedule with a seeded phase; latency runs from the
moment the message was due to its return. The figure "Echo round trip" of the report answers it. Alone, against a server
started by hand:

    locust -f bench/scenarios/echo.py --variant websocket --host http://127.0.0.1:8000 --users 50 --spawn-rate 50
"""

from bench.load.session import SubscriberUser

TRAFFIC = "subscribers"
PARAMETERS = {
    "subscribers": 100,
    "rate_hz": 2.0,
    "payload_bytes": 100,
    "path": "direct",
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.5,
    "measure_s": 3.0,
}
PROFILES = {
    "quick": {"subscribers": 50, "warm_up_s": 0.5, "measure_s": 1.0},
}
SWEEPS = {"rate_hz": [0.5, 6.0]}


class EchoSubscriber(SubscriberUser):
    """One subscriber of its own topic, who publishes to it."""

    def topic(self) -> str:
        return f"{self.session.topic}.{self.number}"
