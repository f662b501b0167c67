"""Outage: the broker behind the server stops or is killed, the server runs on. What is lost, and how long is recovery?

`outage_after_s` into the measured part the broker is stopped for `stopped_s`, as on a machine that hangs (`outage`
STOP), or killed and replaced after `killed_s` (KILL). Publishing goes on, and subscribers that lose their connection
reconnect with backoff and full jitter. Only variants with a broker process of their own take part. Against a server
started by hand, only you can stop the broker:

    locust -f bench/load/locustfile.py --scenario outage --variant flask_sse --host http://127.0.0.1:8000 --users 50
"""

from bench.scenarios._declarations import (
    BROKER,
    DRAIN_S,
    HOLD_S,
    MEASURE_S,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SUBSCRIBERS,
    WARM_UP_S,
    Action,
    Away,
    FaultName,
    Faults,
    Outage,
    Parameter,
    Part,
    Scenario,
    ServerSide,
    Values,
    over_in_time,
    served_again,
)

OUTAGE = Parameter("outage", "STOP", choices=("STOP", "KILL"), sweep=("KILL",))
OUTAGE_AFTER_S = Parameter("outage_after_s", 1.0, low=0.0, high=3600.0)
STOPPED_S = Parameter("stopped_s", 10.0, low=0.0, high=600.0, profiles={"quick": 1.0})
KILLED_S = Parameter("killed_s", 5.0, low=0.0, high=600.0, profiles={"quick": 1.0})


def _killed(values: Values) -> bool:
    return OUTAGE.of(values) == "KILL"


def _lasts_s(values: Values) -> float:
    return (KILLED_S if _killed(values) else STOPPED_S).of(values)


def _take_broker_away(side: ServerSide) -> Away:
    """A stopped broker keeps its connections, and requests to it wait. A killed one loses both, and its successor is
    empty."""
    side.wait_until(side.start_ns + round(OUTAGE_AFTER_S.of(side.values) * 1e9))
    lasts_ns = round(_lasts_s(side.values) * 1e9)
    if _killed(side.values):
        began_ns = side.kill_broker()
        side.wait_until(began_ns + lasts_ns)
        side.replace_broker()
    else:
        with side.stopped(Part.BROKER) as began_ns:
            side.wait_until(began_ns + lasts_ns)
    return Away(began_ns, side.now_ns())


SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(50),
        RATE_HZ(10.0),
        PAYLOAD_BYTES(100),
        OUTAGE,
        OUTAGE_AFTER_S,
        STOPPED_S,
        KILLED_S,
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(0.5),
        MEASURE_S(16.0, quick=5.0),
        DRAIN_S(2.0),
    ),
    checks=(over_in_time(OUTAGE_AFTER_S, _lasts_s),),
    since="full",
    controls=False,
    needs=BROKER,
    reconnects=True,
    action=Action(
        do=_take_broker_away,
        settle=served_again,
        stores=Outage,
        replaced=lambda values: (Part.BROKER,) if _killed(values) else (),
    ),
    faults=Faults(
        title="Broker outage",
        done="{outage_after_s} into the measured part the broker behind the server was {acts}. Only variants with a"
        " broker process of their own take part.",
        named={
            "STOP": FaultName("broker stopped (STOP)", "stopped for {stopped_s} and continued"),
            "KILL": FaultName("broker killed (KILL)", "killed and replaced after {killed_s}"),
        },
        varied=OUTAGE,
        recovery="recovery",
        recovered="from the return of the broker until every subscriber received messages again",
    ),
)
