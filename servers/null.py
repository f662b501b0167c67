"""Bare TCP push through the same host: what the harness itself costs, without a technique.

    GET /lines?topic=T    with `Upgrade: lines`; then every text is a line, and every line `topic<TAB>text` is published

It has the same ingest, broker and WSGI server, and nothing else (see `_lines`). Its latency is the floor for every
variant.
"""

from flask import Flask, Response, request

from servers import _lines, _routes
from servers._broker import Broker
from servers._variant import Technique, Variant


def serve(app: Flask, broker: Broker) -> None:
    """Add the route."""

    @app.get("/lines")
    def lines() -> Response:
        topic = _routes.topic()
        return _lines.upgrade(
            request, lambda connection: _lines.exchange(connection, broker.follow(topic, None), broker.publish)
        )


VARIANT = Variant(
    label="harness floor",
    technique=Technique.BARE,
    client="lines",
    wire={"subscribe": "/lines?topic={topic}"},
    serve=serve,
    by_hand=_lines.BY_HAND,
    runs_on=("flask", "werkzeug", "gevent"),
    hidden=True,
)
