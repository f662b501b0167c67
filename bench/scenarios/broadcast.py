"""Broadcast: one topic, many subscribers, one publisher. How fresh does a message arrive, and what does it cost?

Every message is delivered to every subscriber. The schedule is open loop: a server that cannot keep up is not spared.
The figures "Cost against freshness" and "Delivery latency" of the report answer it; over its rates, "Batching against
publish rate" shows from when on one answer carries several messages. Alone, against a server started by hand (the
messages then go upstream through the first subscriber):

    locust -f bench/scenarios/broadcast.py --variant sse --host http://127.0.0.1:8000 --users 100 --spawn-rate 100
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
PARAMETERS = {
    "subscribers": 100,
    "rate_hz": 20.0,
    "payload_bytes": 100,
    "path": "direct",
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.5,
    "measure_s": 3.0,
}
PROFILES = {
    "quick": {"subscribers": 50, "warm_up_s": 0.3, "measure_s": 1.0},
}
SWEEPS = {
    "subscribers": [10, 30, 300],
    "rate_hz": [1.0, 5.0, 40.0],
    "payload_bytes": [1000, 8000],
    "poll_interval_s": [0.1, 0.5, 1.0, 2.0],
}


class BroadcastSubscriber(SubscriberUser):
    """One subscriber of the one topic."""
