"""Calibration: known delays, a freeze and known faults are injected by the server. Does the bench read them back?

From outside it is a broadcast. What is injected, and what must therefore be read back, is in `servers/_injections.py`,
with the rate and the number of subscribers at which that holds. Every block of a run begins with a brief one; a long
one is `python -m bench calibrate`. Alone, against a server that was started with PUSHBENCH_INJECTION="delay 5 ms":

    locust -f bench/load/locustfile.py --scenario calibration --variant calibration --host http://127.0.0.1:8000
"""

from bench.scenarios._declarations import (
    DRAIN_S,
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Parameter,
    Scenario,
)
from servers import injections

INJECTED = Parameter("injected", "delay 0 ms", choices=tuple(injections.INJECTIONS))

SCENARIO = Scenario(
    parameters=(
        INJECTED,
        SUBSCRIBERS(20),
        RATE_HZ(63.0),
        PAYLOAD_BYTES(100),
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.25),
        MEASURE_S(2.5, quick=1.0, standard=1.0, full=1.0),
        DRAIN_S(0.5),
    ),
    hidden=True,
    variant="calibration",
    injects=INJECTED,
)
