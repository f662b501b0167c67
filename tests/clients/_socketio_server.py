"""A Socket.IO server of python-socketio on gevent, for the tests of our client half; run as a program.

    python _socketio_server.py websocket|polling      prints its port

"subscribe" (topic) joins a room; the topic "refused" is refused; the topic "goodbye" is disconnected after one text.
"publish" (topic, text) emits "message" to the room; the text "bad" emits an object, "binary" emits bytes.
A publish of the text "refused" is refused.
"""

import sys

from gevent import monkey

monkey.patch_all()

import engineio.payload  # noqa: E402
import socketio  # noqa: E402
from gevent import pywsgi, socket  # noqa: E402
from geventwebsocket.handler import WebSocketHandler  # noqa: E402

engineio.payload.Payload.max_decode_packets = 10_000
server = socketio.Server(
    async_mode="gevent", transports=[sys.argv[1]], allow_upgrades=False, ping_interval=1, ping_timeout=5
)


@server.on("subscribe", namespace="/push")
def subscribe(sid, topic):
    if topic == "refused":
        return "no such topic"
    server.enter_room(sid, topic, namespace="/push")
    if topic == "goodbye":
        server.emit("message", "goodbye", to=sid, namespace="/push")
        server.disconnect(sid, namespace="/push")
    return None


@server.on("publish", namespace="/push")
def publish(sid, topic, text):
    if text == "refused":
        server.emit("refused", "no such text", to=sid, namespace="/push")
        return
    special = {"bad": {"n": 1}, "binary": b"\0"}
    server.emit("message", special.get(text, text), to=topic, namespace="/push")


@server.on("disconnect", namespace="/push")
def disconnect(sid, reason):
    print(f"disconnect: {reason}", flush=True)


listener = socket.socket()
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
listener.bind(("127.0.0.1", 0))
listener.listen(64)
print(listener.getsockname()[1], flush=True)
pywsgi.WSGIServer(listener, socketio.WSGIApp(server), handler_class=WebSocketHandler, log=None).serve_forever()
