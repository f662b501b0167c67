"""Server-Sent Events: one HTTP response per subscriber that never ends, with one event per text.

    GET /sse?topic=T       the stream; resumes after the header Last-Event-ID, or after &after=EPOCH:OFFSET
    POST /publish?topic=T  the body is published

A text is the event `id: EPOCH:OFFSET`, `data: TEXT`. The stream begins with a comment, so that the response head is
sent at once, and an event that has only an id, so that a subscriber can resume before its first text. An event `gap`
carries the reason why texts may be missing. A comment every 15 seconds keeps the connection alive.

The server sends no reconnection time (`retry`). Subscribers of every technique then choose alike how long they wait
after a loss, and with what jitter.
"""

from collections.abc import Iterator

from flask import Flask, Response, request

from servers import _limits, _routes
from servers._broker import HEARTBEAT_S, Broker, Message
from servers._variant import Capability, Technique, Variant

KEEP_ALIVE = b": still here\n\n"


def serve(app: Flask, broker: Broker) -> None:
    """Add the routes."""

    @app.get("/sse")
    def sse() -> Response:
        after = _limits.cursor(request.headers.get("Last-Event-ID")) or _routes.after()
        # direct_passthrough: otherwise Flask checks for every piece whether it must be encoded
        return Response(stream(broker, _routes.topic(), after), mimetype="text/event-stream",
                        headers={"Cache-Control": "no-store"}, direct_passthrough=True)  # fmt: skip

    @app.post("/publish")
    def publish() -> tuple[str, int]:
        return _routes.publish(broker)


def stream(broker: Broker, topic: str, after: _limits.Cursor | None) -> Iterator[bytes]:
    """The response body, piece by piece. The server writes each piece at once."""
    head = b": welcome\n\n"
    for batch in broker.follow(topic, after):
        if head or batch.gap:
            head += position(batch.before, batch.gap)
        yield head + batch.wire(event) or KEEP_ALIVE
        head = b""


def position(cursor: _limits.Cursor, gap: str) -> bytes:
    """The event with the subscriber's cursor, and with the reason of a gap if there is one."""
    signal = f"event: gap\ndata: {gap}\n" if gap else ""
    return f"{signal}id: {cursor}\n\n".encode()


def event(message: Message) -> bytes:
    """A text as an event."""
    return b"id: %b:%d\ndata: %b\n\n" % (message.epoch.encode(), message.offset, message.text)


VARIANT = Variant(
    label="SSE",
    technique=Technique.SSE,
    client="sse",
    wire={
        "subscribe": "/sse?topic={topic}",
        "upstream": "/publish?topic={topic}",
        "heartbeat_s": f"{HEARTBEAT_S:g}",
    },
    serve=serve,
    capabilities=frozenset({Capability.RESUME}),
    runs_on=("flask", "werkzeug", "gevent"),
)
