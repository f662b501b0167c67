"""WebSocket (RFC 6455): one open connection per subscriber, a frame of two bytes more per text, both ways.

    /ws?topic=T[&after=EPOCH:OFFSET]   subscribe to T, or resume
    /echo                              every message comes back, for conformance suites

From the server: text frames are texts, each of which moves the subscriber's cursor on by one. A binary frame of JSON
says where the cursor is: one comes first, {"cursor": "EPOCH:OFFSET"}, and again with {"gap": why} whenever texts may be
missing. A ping every 15 seconds shows that the connection is alive.
To the server: a text frame `topic<TAB>text` is published.

A connection has two greenlets: this one reads, the other follows the topic and writes.
"""

import json
from contextlib import suppress

import gevent
from flask import Flask, Response, request

from servers import _limits, _routes
from servers._broker import Batch, Broker, Message
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
    """One subscriber, from the handshake to the end of the connection."""
    deliverer = gevent.spawn(deliver, connection, broker, topic, after)
    try:
        receive(connection, broker)
    finally:
        deliverer.kill()


def deliver(connection: Connection, broker: Broker, topic: str, after: _limits.Cursor | None) -> None:
    """Write what is published to the topic, until the server stops or the connection ends."""
    opening = True
    with suppress(Closed, OSError):
        for batch in broker.follow(topic, after):
            head = position(batch) if opening or batch.gap else b""
            connection.send(head + batch.wire(as_frame) or PING)
            opening = False
        connection.close(CloseCode.GOING_AWAY, "the server stops")


def receive(connection: Connection, broker: Broker) -> None:
    """Publish what the subscriber sends, until it closes or breaks the contract."""
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
    """Echo."""
    for opcode, data in connection.messages():
        connection.send(frame(opcode, data))


def as_frame(message: Message) -> bytes:
    """A text as a frame; the same for all subscribers, since a server does not mask."""
    return frame(Opcode.TEXT, message.text)


def position(batch: Batch) -> bytes:
    """Tells where the subscriber is, and with a gap why it is not where it thought."""
    control = {"cursor": str(batch.before)} | ({"gap": batch.gap} if batch.gap else {})
    return frame(Opcode.BINARY, json.dumps(control).encode())


VARIANT = Variant(
    label="WebSocket",
    technique=Technique.WEBSOCKET,
    client="websocket",
    wire={"subscribe": "/ws?topic={topic}"},
    serve=serve,
    capabilities=frozenset({Capability.RESUME}),
    options={
        "implementation": "the sans-I/O protocol of `websockets` over gevent's socket",
        "permessage-deflate": "never negotiated",
    },
    by_hand="python -m websockets 'ws://{address}/ws?topic={topic}'",
    runs_on=("flask", "werkzeug", "gevent", "websockets"),
)
