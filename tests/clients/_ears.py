"""What the tests of subscribers share: who listens, and how each server opens."""

from websockets.utils import accept_key

from tests.clients._servers import HttpServer, WebSocketServer

RESUMABLE = ["websocket", "sse", "polling", "long_polling"]
HTTP = ["sse", "polling", "long_polling"]
WIRES = {**HttpServer.wire, "websocket": WebSocketServer.wire, "socketio": {
    "transport": "websocket", "namespace": "/push", "path": "/socket.io/", "event": "message",
}}  # fmt: skip
INTERVAL_S = 0.01


class Ear:
    """Keeps what a subscriber hears."""

    def __init__(self):
        self.texts, self.at_ns, self.errors = [], [], []

    def on_text(self, text, now_ns):
        self.texts.append(text)
        self.at_ns.append(now_ns)


def texts(start, count):
    return [b'{"n":%d}' % number for number in range(start, start + count)]


def websocket_opening(head):
    key = next(line for line in head.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key")).partition(b": ")[2]
    control = b'{"cursor":"e:0"}'
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n\x82%c%b" % (accept_key(key.decode()).encode(), len(control), control)
    )


def stream_opening(_head):
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def poll_opening(_head):
    return b"HTTP/1.1 200 OK\r\nPush-Cursor: e:0\r\nContent-Length: 0\r\n\r\n"


class Listener:
    """A receiver that keeps everything."""

    def __init__(self):
        self.data = b""
        self.reads = []
        self.lost_because = []
        self.connected_at = 0

    def connected(self, now_ns):
        self.connected_at = now_ns

    def receive(self, data, now_ns):
        self.data += data
        self.reads.append(now_ns)

    def lost(self, reason):
        self.lost_because.append(reason)
