"""Flask-SocketIO over Engine.IO long polling: what it falls back to where no WebSocket gets through.

Every option that is set on it is in `_socketio.SET`. `transports` leaves polling alone and `allow_upgrades` keeps it
that way; `http_compression` is off because otherwise only this transport would be compressed.
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
