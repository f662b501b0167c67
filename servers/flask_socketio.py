"""Flask-SocketIO over its WebSocket transport: rooms, acknowledgements and reconnection come with it.

Every option that is set on it is in `_socketio.SET`; most are its defaults, written down because results depend on
them. `transports` allows WebSocket alone, from the first request on: nothing is upgraded from polling.
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
