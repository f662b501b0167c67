"""Dropped connections: everybody is cut off now and then, while publishing goes on. What is lost, and who says so?

A subscriber is cut off about every `cut_every_s`, without a farewell, stays away for `away_s` and comes back: where
it left off, if the server has cursors. A server that promises to resume must then deliver what was missed, or say
that there is a gap; one that does not loses it.

The cut is a reset (RST), all that was under way is lost: what a server sees when a proxy, a NAT or the system at the
other end gives a connection up. A network that only falls silent is not emulated: a server would notice nothing before
TCP gives up, after minutes, and until then write to somebody who is long back. Alone, against a server started by hand,
nobody is cut off:

    locust -f bench/scenarios/dropped.py --variant sse --host http://127.0.0.1:8000 --users 50 --spawn-rate 50
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
SINCE = "full"
CONTROLS = False
PARAMETERS = {
    "subscribers": 100,
    "rate_hz": 20.0,
    "payload_bytes": 100,
    "cut_every_s": 1.6,
    "away_s": 0.4,
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.5,
    "measure_s": 4.0,
    "drain_s": 5.0,
}
PROFILES = {"quick": {"subscribers": 30, "measure_s": 3.0}}


class DroppedSubscriber(SubscriberUser):
    """One subscriber of the one topic."""
