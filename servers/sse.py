"""Server-Sent Events: one HTTP response per subscriber that never ends, to which every text is appended.

    GET /sse?topic=T       the stream; resumes after the header Last-Event-ID, or after &after=EPOCH:OFFSET
    POST /publish?topic=T  the body is published

A text is the event `id: EPOCH:OFFSET`, `data: TEXT`. The stream begins with a comment, so that the response head leaves
at once, and an event of nothing but an id, so that even a subscriber that never gets a text knows where to resume. An
event `gap` says why texts may be missing. A comment every 15 seconds shows that the connection is alive.

No reconnection time (`retry`) is sent: how long to wait after a loss, and with what jitter, is then left to subscribers
of every technique alike, and is no property of this one.
"""

from collections.abc import Iterator

from flask import Flask, Response, request

from servers import _limits, _routes
from servers._broker import Broker, Message
from servers._variant import Capability, Technique, Variant

KEEP_ALIVE = b": still here\n\n"


def serve(app: Flask, broker: Broker) -> None:
    """Add the routes."""

    @app.get("/sse")
    def sse() -> Response:
        after = _limits.cursor(request.headers.get("Last-Event-ID")) or _routes.after()
        # passed through: Flask would otherwise look at every piece whether it has to be encoded
        return Response(stream(broker, _routes.topic(), after), mimetype="text/event-stream",
                        headers={"Cache-Control": "no-store"}, direct_passthrough=True)  # fmt: skip

    @app.post("/publish")
    def publish() -> tuple[str, int]:
        return _routes.publish(broker)


def stream(broker: Broker, topic: str, after: _limits.Cursor | None) -> Iterator[bytes]:
    """The response body, piece by piece; each piece is written as soon as there is something to say."""
    head = b": welcome\n\n"
    for batch in broker.follow(topic, after):
        if head or batch.gap:
            head += position(batch.before, batch.gap)
        yield head + batch.wire(event) or KEEP_ALIVE
        head = b""


def position(cursor: _limits.Cursor, gap: str) -> bytes:
    """Tells where the subscriber is, and with a gap why it is not where it thought."""
    signal = f"event: gap\ndata: {gap}\n" if gap else ""
    return f"{signal}id: {cursor}\n\n".encode()


def event(message: Message) -> bytes:
    """A text as an event."""
    return b"id: %b:%d\ndata: %b\n\n" % (message.epoch.encode(), message.offset, message.text)


VARIANT = Variant(
    label="SSE",
    technique=Technique.SSE,
    client="sse",
    wire={"subscribe": "/sse?topic={topic}", "upstream": "/publish?topic={topic}"},
    serve=serve,
    capabilities=frozenset({Capability.RESUME}),
    runs_on=("flask", "werkzeug", "gevent"),
)
