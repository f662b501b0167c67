"""Storm: everybody connects at once. How long until all are subscribed, and what does an arrival cost?

As after an outage, or when a page goes live. All connects are begun at once; afterwards a probe shows that everybody
has truly arrived. Then everybody leaves at once, and it is seen how long the server takes to close what they had open,
for 35 s at most. Meanwhile probes are published, since some servers notice that somebody is gone only when they write;
`--set afterwards=silence` shows what they do without. Polls are a second apart: a thousand pollers four times a second
would be more than a core serves, and no storm but a standing load. The figures "Subscribed after a storm of connects"
and "What a storm of connects costs" of the report (section Workloads) answer it. Alone, against a server started by
hand:

    locust -f bench/scenarios/storm.py --variant sse --host http://127.0.0.1:8000 --users 1000 --spawn-rate 1000
"""

from bench.load.session import SubscriberUser

TRAFFIC = "arrivals"
SINCE = "full"
CONTROLS = False
PARAMETERS = {
    "subscribers": 1000,
    "connecting_at_once": 1000,
    "afterwards": "probes",
    "rate_hz": 1.0,
    "payload_bytes": 100,
    "poll_interval_s": 1.0,
    "hold_s": 25.0,
    "warm_up_s": 0.0,
    "measure_s": 1.0,
}
PROFILES = {"quick": {"subscribers": 200}}


class StormSubscriber(SubscriberUser):
    """One of those who arrive."""
