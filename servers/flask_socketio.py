"""Flask-SocketIO over its WebSocket transport, with rooms, acknowledgements and reconnection.

Options set, most of them to their defaults, because results depend on them: `async_mode` gevent; `transports` WebSocket
only, from the first request on, and no `allow_upgrades`; `ping_interval` 25 s without jitter and `ping_timeout` 20 s,
so that subscribers that connected together are pinged together; `max_http_buffer_size` and `max_decode_packets` of
Engine.IO as large as our texts and rates need; no `http_compression`, which is for polling only. The values are in
`_socketio`.
"""

from flask import Flask

from servers import _socketio
from servers._broker import Broker
from servers._variant import Technique, Variant, Wiring

TRANSPORT = "websocket"


def serve(app: Flask, _broker: Broker) -> Wiring:
    """Add the Socket.IO server; the broker of the techniques is not used."""
    return _socketio.serve(app, TRANSPORT)


VARIANT = Variant(
    label="Flask-SocketIO",
    technique=Technique.WEBSOCKET,
    product="Flask-SocketIO",
    client="socketio",
    wire={"transport": TRANSPORT, "namespace": _socketio.NAMESPACE, "path": "/socket.io/", "event": "message"},
    serve=serve,
    needs=_socketio.NEEDS,
    options=_socketio.options(TRANSPORT),
    by_hand=_socketio.by_hand(TRANSPORT),
    runs_on=_socketio.RUNS_ON,
)
