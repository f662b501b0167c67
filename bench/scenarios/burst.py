"""Burst: silence, then many messages at once, again and again. How long until everybody has all of them?

`burst` messages are due at the same moment, `rate_hz` in all per second: what is queued is what a technique batches.
The number to look at is when the last subscriber has the last message of a burst; the figure "A whole burst" of the
report (section Workloads) shows it, beside how many messages one response or one segment brought. Alone:

    locust -f bench/scenarios/burst.py --variant sse --host http://127.0.0.1:8000 --users 100 --spawn-rate 100
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
SINCE = "full"
PARAMETERS = {
    "subscribers": 100,
    "rate_hz": 40.0,
    "burst": 20,
    "payload_bytes": 100,
    "path": "direct",
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 1.0,
    "measure_s": 3.0,
}
PROFILES = {"quick": {"subscribers": 50, "measure_s": 1.0}}


class BurstSubscriber(SubscriberUser):
    """One subscriber of the one topic."""
