"""Restart: the server ends in the middle of it all, and another takes its place. Who is back when, and what was lost?

`restart_after_s` into the measured part the server is told to stop (`signal` TERM) or killed (KILL); its successor
listens on the same port as soon as it can. Every subscriber comes back with backoff and full jitter, after the
reconnection time that the server asked for (`retry` of Server-Sent Events) if it did, where it left off if the server
has cursors. Publishing goes on. What is due meanwhile is lost, and what nobody was there to take is counted apart: a
server that promises to resume must say so. Alone, against a server started by hand, nothing is restarted but by you:

    locust -f bench/scenarios/restart.py --variant sse --host http://127.0.0.1:8000 --users 50 --spawn-rate 50
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
SINCE = "full"
CONTROLS = False
PARAMETERS = {
    "subscribers": 100,
    "rate_hz": 20.0,
    "payload_bytes": 100,
    "restart_after_s": 1.0,
    "signal": "TERM",
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.5,
    "measure_s": 4.5,
    "drain_s": 5.0,
}
PROFILES = {"quick": {"subscribers": 30}}
SWEEPS = {"signal": ["KILL"]}


class RestartedSubscriber(SubscriberUser):
    """One subscriber of the one topic."""
