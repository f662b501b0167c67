"""Idle: connected subscribers and nothing to say. What do memory and CPU per connection cost, and connecting itself?

Subscribers join in steps; after each the server is left alone for `measure_s` and then weighed, so that the cost of one
connection is the slope over the steps and not the size of the server. The first step has served a few already, since a
server that never did has yet to import and allocate what all of them share. The figures "Memory per connection" and
"Time to connect" of the report answer it. Alone, against a server started by hand:

    locust -f bench/scenarios/idle.py --variant long_polling --host http://127.0.0.1:8000 --users 400 --spawn-rate 100
"""

from bench.load.session import SubscriberUser

TRAFFIC = "nobody"
PARAMETERS = {
    "steps": [10, 100, 200, 400],
    "payload_bytes": 100,
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "settle_s": 0.1,
    "measure_s": 0.6,
}
PROFILES = {
    "quick": {"steps": [10, 50, 100], "measure_s": 0.3},
    "full": {"steps": [10, 500, 1000, 2000], "measure_s": 0.8},
}


class IdleSubscriber(SubscriberUser):
    """One subscriber of a topic to which nobody publishes."""
