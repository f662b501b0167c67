"""Chat: rooms in which all members publish and subscribe. What does a message cost that is delivered often?

Every member publishes to its room at `rate_hz` on an open-loop schedule with a seeded phase. It must receive every
message of its room, including its own, and none of another room. Latency runs from the due time of a message at its
sender to its arrival at each member. The figure "Rooms compared with the echo" of the report (section Workloads) shows
the results beside those of the echo. Against a server started by hand:

    locust -f bench/load/locustfile.py --scenario chat --variant websocket --host http://127.0.0.1:8000 --users 50
"""

from bench.scenarios._declarations import (
    DIRECT,
    HOLD_S,
    MEASURE_S,
    PATH,
    PAYLOAD_BYTES,
    POLL_INTERVAL_S,
    RATE_HZ,
    SENDER_STRIDE,
    SUBSCRIBERS,
    WARM_UP_S,
    Audience,
    Parameter,
    Publishes,
    Ranking,
    Scenario,
    Values,
)

ROOM = Parameter("room", 10, low=2, high=1_000)


def _topic(number: int, values: Values) -> str:
    """Subscribers fill the rooms in the order of their numbers."""
    return f".{number // ROOM.of(values)}"


def _members(number: int, values: Values) -> range:
    """The members of the room of subscriber `number`; the last room may have fewer."""
    first = number - number % ROOM.of(values)
    return range(first, min(first + ROOM.of(values), SUBSCRIBERS.of(values)))


def _a_room_is_filled(values: Values) -> str:
    if ROOM.of(values) <= SUBSCRIBERS.of(values):
        return ""
    return f"room={ROOM.of(values)} needs at least this number of subscribers, not {SUBSCRIBERS.of(values)}"


SCENARIO = Scenario(
    parameters=(
        SUBSCRIBERS(100, quick=50),
        ROOM,
        RATE_HZ(1.0),
        PAYLOAD_BYTES(100),
        PATH(DIRECT),
        POLL_INTERVAL_S(0.25),
        HOLD_S(25.0),
        WARM_UP_S(1.0),
        MEASURE_S(3.0, quick=1.0),
    ),
    checks=(_a_room_is_filled,),
    since="full",
    publishes=Publishes.SUBSCRIBERS,
    audience=Audience(
        topic=_topic, hears=_members, first_number=lambda number, _: number * SENDER_STRIDE, receivers=ROOM.of
    ),
    reports=(
        Ranking("latency_p50", "Median latency in a room: "),
        Ranking("cpu", "Server CPU per delivered message: "),
    ),
)
