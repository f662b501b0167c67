"""Flask-SocketIO over Engine.IO long polling: what it falls back to where no WebSocket gets through.

Set on it: `async_mode` gevent; `transports` polling alone and no `allow_upgrades`, so that it stays with that; no
`http_compression`, because otherwise of all variants only this one would be compressed; `max_decode_packets` of
Engine.IO, whose default makes it give up on a poll of more than 16 messages; `max_http_buffer_size` for our largest
text; `ping_interval` 25 s without jitter and `ping_timeout` 20 s, its defaults. The values are in `_socketio`.
"""

from flask import Flask

from servers import _socketio
from servers._broker import Broker
from servers._variant import Technique, Variant, Wiring

TRANSPORT = "polling"


def serve(app: Flask, _broker: Broker) -> Wiring:
    """Add the Socket.IO server; the broker of the techniques is not used."""
    return _socketio.serve(app, TRANSPORT)


VARIANT = Variant(
    label="Flask-SocketIO (polling)",
    technique=Technique.LONG_POLLING,
    product="Flask-SocketIO",
    client="socketio",
    wire={"transport": TRANSPORT, "namespace": _socketio.NAMESPACE, "path": "/socket.io/", "event": "message"},
    serve=serve,
    needs=_socketio.NEEDS,
    options=_socketio.options(TRANSPORT),
    by_hand=_socketio.by_hand(TRANSPORT),
    runs_on=_socketio.RUNS_ON,
)
