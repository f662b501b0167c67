"""Chat: rooms whose members all write and all read. What does a message cost that goes up once and down many times?

Every member publishes to its room at `rate_hz` on an open-loop schedule with a seeded phase, and must get every message
of its room, its own included, and none of another room. Latency runs from the moment a message was due at its writer
to its arrival at each member. The figure "Rooms beside the echo" of the report (section Workloads) shows it, with what
an echo of the same run took. Alone, against a server started by hand:

    locust -f bench/scenarios/chat.py --variant websocket --host http://127.0.0.1:8000 --users 50 --spawn-rate 50
"""

from bench.load.session import SubscriberUser
from bench.measure.recorder import SENDER_STRIDE

TRAFFIC = "subscribers"
SINCE = "full"
PARAMETERS = {
    "subscribers": 100,
    "room": 10,
    "rate_hz": 1.0,
    "payload_bytes": 100,
    "path": "direct",
    "poll_interval_s": 0.25,
    "hold_s": 25.0,
    "warm_up_s": 1.0,
    "measure_s": 3.0,
}
PROFILES = {"quick": {"subscribers": 50, "measure_s": 1.0}}


class ChatMember(SubscriberUser):
    """One member of one room."""

    @property
    def room(self) -> int:
        """Members are seated in the order of their numbers."""
        return self.number // int(self.session.parameters["room"])

    def topic(self) -> str:
        return f"{self.session.topic}.{self.room}"

    def heard(self) -> range:
        size = int(self.session.parameters["room"])
        return range(self.room * size, min((self.room + 1) * size, int(self.session.parameters["subscribers"])))

    def numbered(self, index: int) -> int:
        return self.number * SENDER_STRIDE + index
