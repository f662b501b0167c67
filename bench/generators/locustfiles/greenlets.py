"""A Locust user per subscriber that blocks in websocket-client's `recv`: the usual way, a greenlet per connection."""

from locust import User, task
from websocket import create_connection

from bench.generators.locustfiles._counting import COUNTS


class Subscriber(User):
    """One subscriber of the one topic."""

    def on_start(self) -> None:
        topic = self.environment.parsed_options.topic
        self.connection = create_connection(f"{self.host}/ws?topic={topic}", enable_multithread=False)
        COUNTS["connected"] += 1

    @task
    def listen(self) -> None:
        receive = self.connection.recv
        while True:
            receive()
            COUNTS["received"] += 1
