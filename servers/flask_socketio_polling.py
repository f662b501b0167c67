"""Flask-SocketIO over Engine.IO long polling, its fallback where a WebSocket cannot be opened.

Options set: `async_mode` gevent; `transports` polling only and no `allow_upgrades`, so that it does not upgrade; no
`http_compression`, because no other variant is compressed; `max_decode_packets` of Engine.IO, with whose default a poll
of more than 16 messages fails; `max_http_buffer_size` for our largest text; `ping_interval` 25 s without jitter and
`ping_timeout` 20 s, its defaults. The values are in `_socketio`.
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
    connections=2,  # packets are sent by POST while a poll waits
    descriptors=2,
    runs_on=_socketio.RUNS_ON,
)
