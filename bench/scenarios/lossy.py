"""Lossy: a broadcast over a poor path, emulated in user space. What arrives, how late, and what is lost?

A TCP proxy of the bench between subscribers and server emulates the path called `path`: far, narrow, fragmented, reset
or stalling (the table is in `bench/paths.py`). The publisher connects to the server directly. Subscribers that lose
their connection reconnect with backoff and full jitter, with their cursor if the server has cursors. On the path
`direct` the proxy adds nothing; the other paths are compared with it. Against a server started by hand, there is no
proxy:

    locust -f bench/load/locustfile.py --scenario lossy --variant sse --host http://127.0.0.1:8000 --users 50
"""

from bench.scenarios._declarations import (
    DIRECT,
    DRAIN_S,
    HOLD_S,
    MEASURE_S,
    PATH,
    PATHS,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    FaultName,
    Faults,
    Scenario,
)

EMULATED_PATH = PATH(DIRECT, sweep=tuple(name for name in PATHS if name != DIRECT))

SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(50),
        RATE_HZ(10.0),
        PAYLOAD_BYTES(100),
        EMULATED_PATH,
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.5),
        MEASURE_S(2.25, quick=2.0),
        DRAIN_S(2.0),
    ),
    since="full",
    controls=False,
    proxied=True,
    faults=Faults(
        title="Poor path",
        done="{rate_hz} messages per second went to each of {subscribers} subscribers through a proxy that emulates a"
        " path in user space.",
        named={name: FaultName(f"path: {name}") for name in PATHS},
        varied=EMULATED_PATH,
        control=DIRECT,
        recovery="back_p95",
        recovered="from the loss of a connection until 95\u00a0% of the lost connections were reconnected",
    ),
)
