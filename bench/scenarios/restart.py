"""Restart: the server exits during the measurement and a successor starts. When do subscribers reconnect, what is lost?

`restart_after_s` into the measured part the server gets SIGTERM (`signal` TERM) or SIGKILL (KILL); its successor
listens on the same port as soon as it can. Every subscriber reconnects with backoff and full jitter, after the
reconnection time that the server requested (`retry` of Server-Sent Events) if it did, with its cursor if the server
has cursors. Publishing goes on. Messages that are due while there is no server are lost, and are also counted
separately: a server that declares resume must signal the gap. Against a server started by hand, only you can restart
it:

    locust -f bench/load/locustfile.py --scenario restart --variant sse --host http://127.0.0.1:8000 --users 50
"""

import msgspec

from bench.scenarios._declarations import (
    DRAIN_S,
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Action,
    AfterDrain,
    FaultName,
    Faults,
    Parameter,
    Part,
    Restart,
    Scenario,
    ServerSide,
    over_in_time,
)

RESTART_AFTER_S = Parameter("restart_after_s", 1.0, low=0.0, high=3600.0)
SIGNAL = Parameter("signal", "TERM", choices=("TERM", "KILL"), sweep=("KILL",))


def _restart(side: ServerSide) -> Restart:
    """End the server and put another in its place."""
    side.wait_until(side.start_ns + round(RESTART_AFTER_S.of(side.values) * 1e9))
    before = side.held()
    ended_ns = side.replace_server(kill=SIGNAL.of(side.values) == "KILL")
    return Restart(
        ended_ns=ended_ns - side.start_ns,
        ready_ns=side.now_ns() - side.start_ns,
        fds_before=before.fds,
        memory_before_bytes=before.memory_bytes,
    )


def _with_successor(after: AfterDrain, restart: Restart) -> Restart:
    """The same with what the successor holds."""
    server = after.held()
    return msgspec.structs.replace(restart, fds_after=server.fds, memory_after_bytes=server.memory_bytes)


SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(100, quick=30),
        RATE_HZ(20.0),
        PAYLOAD_BYTES(100),
        RESTART_AFTER_S,
        SIGNAL,
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.5),
        MEASURE_S(4.5),
        DRAIN_S(5.0),
    ),
    checks=(over_in_time(RESTART_AFTER_S),),
    since="full",
    controls=False,
    reconnects=True,
    action=Action(do=_restart, settle=_with_successor, stores=Restart, replaced=lambda _: (Part.SERVER, Part.BROKER)),
    faults=Faults(
        title="Server restart",
        done="{restart_after_s} into the measured part the server {acts}, and a successor started on the same port."
        " Each of {subscribers} subscribers reconnected with backoff and full jitter, while {rate_hz} messages per"
        " second were due.",
        named={
            "TERM": FaultName("server stopped (TERM)", "was stopped with SIGTERM"),
            "KILL": FaultName("server killed (KILL)", "was killed with SIGKILL"),
        },
        varied=SIGNAL,
        recovery="back_p95",
        recovered="from the loss of the server until 95\u00a0% of the subscribers had reconnected",
    ),
)
