"""WebSocket (RFC 6455): one open connection per subscriber and one frame per text, in both directions.

    /ws?topic=T[&after=EPOCH:OFFSET]   subscribe to T, or resume
    /echo                              every message is sent back, for conformance suites

The server sends every text as a text frame, which advances the subscriber's cursor by one. A binary frame of JSON sets
the cursor: the first frame is {"cursor": "EPOCH:OFFSET"}, and where texts may be missing another follows with
{"gap": reason} as well. A ping every 15 seconds keeps the connection alive.
The server publishes every text frame `topic<TAB>text` that it receives.

A connection has two greenlets: one reads, the other follows the topic and writes.
"""

import json
from contextlib import suppress

import gevent
from flask import Flask, Response, request

from servers import _limits, _routes
from servers._broker import HEARTBEAT_S, Batch, Broker, Message
from servers._rfc6455 import PING, CloseCode, Closed, Connection, Opcode, frame, upgrade
from servers._variant import Capability, Technique, Variant


def serve(app: Flask, broker: Broker) -> None:
    """Add the routes."""

    @app.get("/ws", websocket=True)
    def ws() -> Response:
        topic, after = _routes.topic(), _routes.after()
        return upgrade(request, lambda connection: subscribe(connection, broker, topic, after))

    @app.get("/echo", websocket=True)
    def echo() -> Response:
        return upgrade(request, send_back)


def subscribe(connection: Connection, broker: Broker, topic: str, after: _limits.Cursor | None) -> None:
    """Serve one subscriber, from the handshake to the end of the connection."""
    deliverer = gevent.spawn(deliver, connection, broker, topic, after)
    try:
        receive(connection, broker)
    finally:
        deliverer.kill()


def deliver(connection: Connection, broker: Broker, topic: str, after: _limits.Cursor | None) -> None:
    """Write the texts of the topic, until the server stops or the connection ends."""
    opening = True
    with suppress(Closed, OSError):
        for batch in broker.follow(topic, after):
            head = position(batch) if opening or batch.gap else b""
            connection.send(head + batch.wire(as_frame) or PING)
            opening = False
        connection.close(CloseCode.GOING_AWAY, "the server stops")


def receive(connection: Connection, broker: Broker) -> None:
    """Publish the texts that the subscriber sends, until it closes or breaks the contract."""
    try:
        for opcode, data in connection.messages():
            if opcode is not Opcode.TEXT:
                return connection.close(CloseCode.UNSUPPORTED_DATA, "upstream is text frames `topic<TAB>text`")
            broker.publish(*_limits.line(data))
    except _limits.TooLarge as error:
        connection.close(CloseCode.MESSAGE_TOO_BIG, str(error))
    except _limits.Refused as error:
        connection.close(CloseCode.POLICY_VIOLATION, str(error))


def send_back(connection: Connection) -> None:
    """Send every message back."""
    for opcode, data in connection.messages():
        connection.send(frame(opcode, data))


def as_frame(message: Message) -> bytes:
    """A text as a frame. A server does not mask, so it is the same for all subscribers."""
    return frame(Opcode.TEXT, message.text)


def position(batch: Batch) -> bytes:
    """The frame with the subscriber's cursor, and with the reason of a gap if there is one."""
    control = {"cursor": str(batch.before)} | ({"gap": batch.gap} if batch.gap else {})
    return frame(Opcode.BINARY, json.dumps(control).encode())


VARIANT = Variant(
    label="WebSocket",
    technique=Technique.WEBSOCKET,
    client="websocket",
    wire={"subscribe": "/ws?topic={topic}", "heartbeat_s": f"{HEARTBEAT_S:g}"},
    serve=serve,
    capabilities=frozenset({Capability.RESUME}),
    options={
        "implementation": "the sans-I/O protocol of `websockets` over gevent's socket",
        "permessage-deflate": "never negotiated",
    },
    by_hand="python -m websockets 'ws://{address}/ws?topic={topic}'",
    runs_on=("flask", "werkzeug", "gevent", "websockets"),
)
