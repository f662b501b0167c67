"""Bare lines over TCP: the wire of the hidden variants, which serve the instrument and enter no comparison.

    GET /lines?topic=T with `Upgrade: lines`   answered with 101; no HTTP follows

The server sends every text as the line `text\n`, and publishes every line `topic<TAB>text\n` that it receives. There is
no cursor, no framing and no keep-alive: a push without everything that a technique adds. The server ends a connection
that breaks the contract, and one whose subscriber is overtaken by the tail of the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress

import gevent
from flask import Request, Response

from servers import _ingest, _limits
from servers._broker import Batch, Message
from servers._http import TAKE_OVER, Socket

PROTOCOL = "lines"
RECEIVE_BYTES = 64 * 1024
BY_HAND = (
    r"printf 'GET /lines?topic={topic} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n'"
    " | curl -sN telnet://{address}"
)
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"

Publish = Callable[[str, bytes], object]


def upgrade(request: Request, session: Callable[[Socket], None]) -> Response:
    """Answer a request for lines. If it is valid, `session` runs with the connection once the view has returned."""
    if request.headers.get("Upgrade", "").lower() != PROTOCOL or request.environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        return Response("this is spoken after `Upgrade: lines`\n", 426, {"Upgrade": PROTOCOL}, mimetype="text/plain")
    request.environ[TAKE_OVER] = session
    return Response(status=101)


def exchange(connection: Socket, batches: Iterable[Batch], publish: Publish) -> None:
    """Serve one subscriber until it closes or breaks the contract: write `batches`, publish the lines it sends."""
    deliverer = gevent.spawn(_deliver, connection, batches)
    try:
        with suppress(_limits.Refused, OSError):
            for lines in _ingest.lines(iter(lambda: connection.recv(RECEIVE_BYTES), b"")):
                for line in lines:
                    publish(*_limits.line(line))
    finally:
        deliverer.kill()


def _deliver(connection: Socket, batches: Iterable[Batch]) -> None:
    """Write every text. The 101 precedes the first batch: a subscriber that has read it misses nothing from then on."""
    head = SWITCHED
    with suppress(OSError):  # the peer has closed, which the reader finds too
        for batch in batches:
            if batch.gap:
                # lines cannot signal a gap: ending the connection is better than silent loss
                connection.set_deadline(0)
                return
            if piece := head + batch.wire(as_line):
                connection.send_all(piece)
            head = b""


def as_line(message: Message) -> bytes:
    """A text as a line."""
    return message.text + b"\n"
