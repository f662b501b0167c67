"""Storm: everybody connects at once. How long until all are subscribed, and what does an arrival cost?

As after an outage, or when a page goes live. All connects are begun at once; afterwards a probe shows that everybody
has truly arrived. The figures "Subscribed after a storm of connects" and "What a storm of connects costs" of the report
(section Workloads) show how long it took everybody, and what an arrival costs. Alone, against a server started by hand:

    locust -f bench/scenarios/storm.py --variant sse --host http://127.0.0.1:8000 --users 1000 --spawn-rate 1000
"""

from bench.scenarios._session import SubscriberUser

TRAFFIC = "arrivals"
SINCE = "full"
PARAMETERS = {
    "subscribers": 1000,
    "connecting_at_once": 1000,
    "rate_hz": 1.0,
    "payload_bytes": 100,
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.0,
    "measure_s": 1.0,
}
PROFILES = {"quick": {"subscribers": 200}}


class StormSubscriber(SubscriberUser):
    """One of those who arrive."""

    def topic(self) -> str:
        return self.session.topic
