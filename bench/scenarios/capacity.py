"""Capacity: how many messages per second can be sent to everybody before 99 % of them come too late, or any is lost?

A search: the rate starts at `rate_hz`, is raised fourfold until 99 % of the deliveries take longer than `bound_s`,
something is lost or the delay keeps growing, and is then narrowed down to 15 %; what is too high is seen twice. Every
step has fresh processes. The figures "Messages per second sustained" and "The search for the capacity" of the report
(section Workloads) answer it. Alone it is a broadcast like any other:

    locust -f bench/scenarios/capacity.py --variant sse --host http://127.0.0.1:8000 --users 100 --spawn-rate 100
"""

from bench.load.session import SubscriberUser

TRAFFIC = "publisher"
SINCE = "full"
CONTROLS = False
PARAMETERS = {
    "subscribers": 100,
    "rate_hz": 400.0,
    "bound_s": 0.35,
    "payload_bytes": 100,
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.3,
    "measure_s": 1.0,
    "drain_s": 1.0,
}
PROFILES = {"quick": {"subscribers": 50, "measure_s": 0.5}}


class CapacitySubscriber(SubscriberUser):
    """One subscriber of the one topic."""
