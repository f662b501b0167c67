"""Outage: the broker behind the server is gone for a while, the server is not. What is lost, and when is all well?

`outage_after_s` into the measured part the broker is stopped for `stopped_s`, as on a machine that hangs (`outage`
STOP), or killed, and another takes its place after `killed_s` (KILL). Publishing goes on, and subscribers that lose
their connection come back with backoff and full jitter. Only variants with a broker process of their own take part.
Alone, against a server started by hand, nothing is taken away but by you:

    locust -f bench/scenarios/outage.py --variant flask_sse --host http://127.0.0.1:8000 --users 50 --spawn-rate 50
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
SINCE = "full"
CONTROLS = False
NEEDS = "broker"
PARAMETERS = {
    "subscribers": 50,
    "rate_hz": 10.0,
    "payload_bytes": 100,
    "outage": "STOP",
    "outage_after_s": 1.0,
    "stopped_s": 10.0,
    "killed_s": 5.0,
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.5,
    "measure_s": 16.0,
    "drain_s": 2.0,
}
PROFILES = {"quick": {"stopped_s": 1.0, "killed_s": 1.0, "measure_s": 5.0}}
SWEEPS = {"outage": ["KILL"]}


class OutageSubscriber(SubscriberUser):
    """One subscriber of the one topic."""
