"""Newline-delimited JSON: one HTTP response per subscriber that never ends, to which every text adds one line.

    GET /ndjson?topic=T    the stream; resumes after &after=EPOCH:OFFSET
    POST /publish?topic=T  the body is published

A text is the line `{"id":"EPOCH:OFFSET","text":"..."}`. The stream begins with `{"cursor":"EPOCH:OFFSET"}`, which tells
where the subscriber is; the same line with `"gap":"reason"` says that texts before it may be missing. An empty line
every 15 seconds shows that the connection is alive. What Server-Sent Events do, without their framing.
"""

import json
from collections.abc import Iterator

from flask import Flask, Response

from servers import _limits, _routes
from servers._broker import Batch, Broker, Message
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
    """The response body, piece by piece; each piece is written as soon as there is something to say."""
    is_first = True
    for batch in broker.follow(topic, after):
        head = position(batch) if is_first or batch.gap else b""
        yield head + batch.wire(line) or KEEP_ALIVE
        is_first = False


def position(batch: Batch) -> bytes:
    """Tells where the subscriber is, and with a gap why it is not where it thought."""
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
    wire={"subscribe": "/ndjson?topic={topic}", "upstream": "/publish?topic={topic}"},
    serve=serve,
    extra=True,
    capabilities=frozenset({Capability.RESUME}),
    runs_on=("flask", "werkzeug", "gevent"),
)
