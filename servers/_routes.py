"""What the HTTP variants read from a request and write into a reply."""

from __future__ import annotations

from flask import Response, request

from servers import _limits
from servers._broker import Batch, Broker, Message


def topic() -> str:
    """The topic that `?topic=` names."""
    return _limits.topic(request.args.get("topic"))


def after() -> _limits.Cursor | None:
    """The cursor after which the subscriber resumes, from `&after=`; None for a new one."""
    return _limits.cursor(request.args.get("after"))


def publish(broker: Broker) -> tuple[str, int]:
    """Upstream over HTTP: the body is the text."""
    broker.publish(topic(), _limits.text(request.get_data()))
    return "", 204


def reply(batch: Batch) -> Response:
    """The answer to a poll: every text as one line, and the cursor for the next poll."""
    headers = {"Push-Cursor": str(batch.cursor), "Cache-Control": "no-store"}
    if batch.gap:
        headers["Push-Gap"] = batch.gap
    return Response(batch.wire(_line), mimetype="text/plain", headers=headers)


def _line(message: Message) -> bytes:
    return message.text + b"\n"
