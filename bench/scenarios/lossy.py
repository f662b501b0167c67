"""Lossy: a broadcast over a poor path, emulated in user space. What arrives, how late, and what is lost?

Between subscribers and server stands a TCP proxy of ours, which emulates the path called `path`: far, narrow, torn into
fragments, reset or stalling (the table is in `bench/paths.py`); the publisher's way to the server stays as it is.
Subscribers that lose their connection come back with backoff and full jitter, where they left off if the server has
cursors. With the path `direct` the proxy is there and adds nothing: what the others are to be held against. Alone,
against a server started by hand, there is no proxy:

    locust -f bench/scenarios/lossy.py --variant sse --host http://127.0.0.1:8000 --users 50 --spawn-rate 50
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
SINCE = "full"
CONTROLS = False
PROXIED = True
PARAMETERS = {
    "subscribers": 50,
    "rate_hz": 10.0,
    "payload_bytes": 100,
    "path": "direct",
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.5,
    "measure_s": 2.25,
    "drain_s": 2.0,
}
PROFILES = {"quick": {"measure_s": 2.0}}
SWEEPS = {"path": ["far", "narrow", "fragments", "resets", "stalls"]}


class LossySubscriber(SubscriberUser):
    """One subscriber of the one topic."""
