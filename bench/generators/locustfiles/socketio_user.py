"""Locust's own Socket.IO user, as its documentation shows it: every receipt is logged through Locust's statistics."""

from typing import Any

from locust import task
from locust.contrib.socketio import SocketIOUser

from bench.generators.locustfiles._counting import COUNTS
from servers.flask_socketio import VARIANT


class Subscriber(SocketIOUser):
    """One subscriber of the one topic."""

    def on_start(self) -> None:
        namespace, event = VARIANT.wire["namespace"], VARIANT.wire["event"]

        def on_text(text: Any) -> None:
            self.sio.on_message(event, text)
            COUNTS["received"] += 1

        self.sio.on(event, on_text, namespace=namespace)
        self.sio.connect(self.host, transports=["websocket"], namespaces=[namespace])
        self.sio.call("subscribe", self.environment.parsed_options.topic, namespace=namespace)
        COUNTS["connected"] += 1

    @task
    def listen(self) -> None:
        self.sio.wait()
