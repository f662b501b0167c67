"""Newline-delimited JSON: one HTTP response per subscriber that never ends, with one line per text.

    GET /ndjson?topic=T    the stream; resumes after &after=EPOCH:OFFSET
    POST /publish?topic=T  the body is published

A text is the line `{"id":"EPOCH:OFFSET","text":"..."}`. The stream begins with `{"cursor":"EPOCH:OFFSET"}`, the
subscriber's position. The same line with `"gap":"reason"` means that texts before it may be missing. An empty line
every 15 seconds keeps the connection alive. This is Server-Sent Events without their framing.
"""

import json
from collections.abc import Iterator

from flask import Flask, Response

from servers import _limits, _routes
from servers._broker import HEARTBEAT_S, Batch, Broker, Message
from servers._variant import Capability, Technique, Variant

KEEP_ALIVE = b"\n"


def serve(app: Flask, broker: Broker) -> None:
    """Add the routes."""

    @app.get("/ndjson")
    def ndjson() -> Response:
        lines = stream(broker, _routes.topic(), _routes.after())
        return Response(lines, mimetype="application/x-ndjson",
                        headers={"Cache-Control": "no-store"}, direct_passthrough=True)  # fmt: skip

    @app.post("/publish")
    def publish() -> tuple[str, int]:
        return _routes.publish(broker)


def stream(broker: Broker, topic: str, after: _limits.Cursor | None) -> Iterator[bytes]:
    """The response body, piece by piece. The server writes each piece at once."""
    is_first = True
    for batch in broker.follow(topic, after):
        head = position(batch) if is_first or batch.gap else b""
        yield head + batch.wire(line) or KEEP_ALIVE
        is_first = False


def position(batch: Batch) -> bytes:
    """The line with the subscriber's cursor, and with the reason of a gap if there is one."""
    gap = {"gap": batch.gap} if batch.gap else {}
    return json.dumps({"cursor": str(batch.before), **gap}).encode() + b"\n"


def line(message: Message) -> bytes:
    """A text as a line."""
    return b'{"id":"%b:%d","text":%b}\n' % (
        message.epoch.encode(), message.offset, json.dumps(message.text.decode()).encode(),
    )  # fmt: skip


VARIANT = Variant(
    label="NDJSON stream",
    technique=Technique.STREAM,
    client="ndjson",
    wire={
        "subscribe": "/ndjson?topic={topic}",
        "upstream": "/publish?topic={topic}",
        "heartbeat_s": f"{HEARTBEAT_S:g}",
    },
    serve=serve,
    extra=True,
    capabilities=frozenset({Capability.RESUME}),
    runs_on=("flask", "werkzeug", "gevent"),
)
