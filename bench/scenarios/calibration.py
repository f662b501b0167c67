"""Calibration: known delays, a freeze and known faults are planted by the server. Does the bench read them back?

From outside it is a broadcast. What is planted, and what must therefore be read back, is in `servers/_plants.py`, with
the rate and the number of subscribers at which that holds. Every block of a run begins with a brief one; a long one is
`python -m bench calibrate`. Alone, against a server that was started with PUSHBENCH_PLANT="delay 5 ms":

    locust -f bench/scenarios/calibration.py --variant calibration --host http://127.0.0.1:8000 --users 20
"""

from bench.load.session import SubscriberUser

HIDDEN = True
TRAFFIC = "publisher"
PARAMETERS = {
    "injected": "delay 0 ms",
    "subscribers": 20,
    "rate_hz": 63.0,
    "payload_bytes": 100,
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 0.25,
    "measure_s": 2.5,
    "drain_s": 0.5,
}
PROFILES = {
    "quick": {"measure_s": 1.0},
    "standard": {"measure_s": 1.0},
    "full": {"measure_s": 1.0},
}


class CalibrationSubscriber(SubscriberUser):
    """One subscriber of the one topic."""
