"""The Flask-SocketIO application that both Socket.IO variants run, each over its own transport.

    namespace /push   "subscribe" (topic)        joins the room of the topic; the acknowledgement is empty, or a reason
                      "publish" (topic, text)    is published
                      "refused" (reason)         from the server, to the sender of a publish that it refuses
                      "message" (text)           from the server: a published text

A publish is an `emit` to the room: Flask-SocketIO encodes it once and puts it into a queue per subscriber. Those queues
have no bound, and there is no resume: a subscriber does not receive what is published while it is disconnected.

gevent-websocket, the WebSocket implementation that Flask-SocketIO uses on gevent, accepts unmasked frames and buffers a
message of any length before Engine.IO checks `max_http_buffer_size`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from servers import _limits
from servers._variant import Wiring, package

if TYPE_CHECKING:
    from flask import Flask

NAMESPACE = "/push"
PACKET_BYTES = 2 * _limits.TEXT_BYTES + 1024  # a text that is only quotes, each escaped, and its packet
PACKETS_PER_POLL = 10_000  # with the library's 16 a poll fails once more messages wait for it

NEEDS = (package("flask_socketio"), package("geventwebsocket"))
RUNS_ON = (
    "flask", "werkzeug", "gevent", "flask-socketio", "python-socketio", "python-engineio", "gevent-websocket",
)  # fmt: skip

SET: MappingProxyType[str, Any] = MappingProxyType(
    {
        "async_mode": "gevent",
        "ping_interval": 25,
        "ping_timeout": 20,
        "allow_upgrades": False,
        "http_compression": False,
        "max_http_buffer_size": PACKET_BYTES,
    }
)


def options(transport: str) -> dict[str, str]:
    """All options set on the libraries, as shown in the report."""
    shown = {name: str(value) for name, value in SET.items()}
    return shown | {"transports": transport, "max_decode_packets": str(PACKETS_PER_POLL)}


def serve(app: Flask, transport: str) -> Wiring:
    """Add Flask-SocketIO to the application, with `transport` only."""
    from engineio.payload import Payload
    from flask_socketio import SocketIO, emit, join_room
    from geventwebsocket.handler import WebSocketHandler

    from servers._http import Handler

    Payload.max_decode_packets = PACKETS_PER_POLL
    app.config["MAX_CONTENT_LENGTH"] = PACKET_BYTES
    socketio = SocketIO(app, transports=[transport], **SET)

    def publish(topic: str, text: bytes) -> None:
        socketio.emit("message", text.decode("ascii"), namespace=NAMESPACE, to=topic)

    @socketio.on("subscribe", namespace=NAMESPACE)  # type: ignore[untyped-decorator]
    def on_subscribe(topic: object = None, *_more: object) -> str | None:
        try:
            join_room(_limits.topic(str(topic)))
        except _limits.Refused as error:
            return str(error)
        return None

    @socketio.on("publish", namespace=NAMESPACE)  # type: ignore[untyped-decorator]
    def on_publish(topic: object = None, text: object = None, *_more: object) -> None:
        try:
            if not isinstance(text, str) or not text.isascii():
                raise _limits.Refused("a text is a string of ASCII")
            publish(_limits.topic(str(topic)), _limits.text(text.encode()))
        except _limits.Refused as error:
            emit("refused", str(error))

    class BothHandlers(Handler, WebSocketHandler):  # type: ignore[misc]
        """Our admission and deadlines, then the WebSocket handshake that Flask-SocketIO needs."""

        def upgrade_connection(self) -> list[str] | None:
            try:
                refusal: list[str] | None = super().upgrade_connection()
            except ValueError:  # gevent-websocket expects the TypeError of Python 2 for a key that is not base64
                self.start_response("400 Bad Request", [])
                return ["the key is not base64"]
            return refusal

        def write(self, data: bytes | str) -> None:
            # gevent-websocket gives the reason of a refused handshake as a string
            super().write(data.encode("latin-1") if isinstance(data, str) else data)

    return Wiring(publish=publish, handler_class=BothHandlers)


def by_hand(transport: str) -> str:
    """The shell line that subscribes; curl does not speak Socket.IO."""
    lines = (
        "import socketio",
        "c = socketio.Client()",
        f"c.on('message', print, namespace='{NAMESPACE}')",
        f"c.connect('http://{{address}}', namespaces=['{NAMESPACE}'], transports=['{transport}'])",
        f"c.call('subscribe', '{{topic}}', namespace='{NAMESPACE}')",
        "c.wait()",
    )
    return f'python -c "{"; ".join(lines)}"'
