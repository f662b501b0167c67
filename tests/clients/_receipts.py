"""What the tests of subscribers share: objects that record what they receive, and how each server opens."""

from websockets.utils import accept_key

from tests.clients._servers import HttpServer, WebSocketServer

RESUMABLE = ["websocket", "sse", "polling", "long_polling"]
HTTP = ["sse", "polling", "long_polling"]
WIRES = {**HttpServer.wire, "websocket": WebSocketServer.wire, "socketio": {
    "transport": "websocket", "namespace": "/push", "path": "/socket.io/", "event": "message",
}}  # fmt: skip
INTERVAL_S = 0.01


class Receipts:
    """Records what a subscriber receives."""

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


class RecordingReceiver:
    """A receiver of a connection that records every call."""

    def __init__(self):
        self.data = b""
        self.read_ns = []
        self.lost_reasons = []
        self.connected_ns = 0

    def connected(self, now_ns):
        self.connected_ns = now_ns

    def receive(self, data, now_ns):
        self.data += data
        self.read_ns.append(now_ns)

    def lost(self, reason):
        self.lost_reasons.append(reason)
