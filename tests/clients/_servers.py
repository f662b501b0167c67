"""Servers to test against, none of them of this project: scripted sockets, and official libraries in threads."""

import contextlib
import http.server
import itertools
import json
import socket
import threading
import time
import urllib.parse
from collections.abc import Callable

import gevent
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

WITHIN_S = 10.0  # a test fails if a condition is not true within this time


def eventually(true: Callable[[], object], what: str) -> None:
    """Let the reactor run until a condition is true."""
    deadline = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S:g} s"
        gevent.sleep(0.001)


class Scripted:
    """A TCP server that runs `script(connection, number)` in a thread for every connection it accepts."""

    def __init__(self, script):
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self._listener.getsockname()[1]
        self.connections = []
        self.failures = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            for number in itertools.count():
                connection, _ = self._listener.accept()
                connection.settimeout(WITHIN_S)
                self.connections.append(connection)
                threading.Thread(target=self._run, args=(connection, number), daemon=True).start()

    def _run(self, connection, number):
        try:
            with connection:
                self._script(connection, number)
        except Exception as error:
            self.failures.append(error)

    def close(self):
        # close alone would leave a thread blocked in accept
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def read_head(connection):
    """The head of a request, read byte by byte so that the bytes after it stay unread."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise EOFError("the subscriber closed")
        head += byte
    return head


class Log:
    """What was published to one topic, with cursors. Every server here serves from one."""

    def __init__(self, epoch="e"):
        self.epoch = epoch
        self.texts = []
        self._changed = threading.Condition()

    def publish(self, *texts):
        with self._changed:
            self.texts.extend(texts)
            self._changed.notify_all()

    def cursor(self, offset=None):
        return f"{self.epoch}:{len(self.texts) if offset is None else offset}"

    def since(self, cursor, hold_s=0.0):
        """(offset to start from, texts from there, gap or "")."""
        with self._changed:
            if not cursor:
                return len(self.texts), [], ""
            epoch, offset = cursor.split(":")
            if epoch != self.epoch:
                return len(self.texts), [], "another epoch"
            self._changed.wait_for(lambda: len(self.texts) > int(offset), hold_s)
            return int(offset), self.texts[int(offset) :], ""


class WebSocketServer:
    """The wire contract of `websocket`, on the threading server of websockets."""

    wire = {"subscribe": "/ws?topic={topic}"}  # noqa: RUF012

    def __init__(self):
        self.log = Log()
        self.received = []
        self.close_codes = []
        self._server = serve(self._handle, "127.0.0.1", 0, compression=None)
        self.port = self._server.socket.getsockname()[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _handle(self, connection):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(connection.request.path).query)
        offset, _, gap = self.log.since(query.get("after", [""])[0])
        control = {"cursor": self.log.cursor(offset)} | ({"gap": gap} if gap else {})
        connection.send(json.dumps(control).encode())
        threading.Thread(target=self._deliver, args=(connection, offset), daemon=True).start()
        with contextlib.suppress(ConnectionClosed):
            for text in connection:
                self.received.append(text)
                self.log.publish(text.partition("\t")[2].encode())
        self.close_codes.append(connection.protocol.close_rcvd and connection.protocol.close_rcvd.code)

    def _deliver(self, connection, offset):
        with contextlib.suppress(ConnectionClosed):
            while True:
                _, texts, _ = self.log.since(self.log.cursor(offset), hold_s=0.2)
                for text in texts:
                    connection.send(text.decode())
                offset += len(texts)
                if not texts:
                    connection.ping()

    def close(self):
        # in a thread, because it waits for subscribers whose reactor runs in this one
        closing = threading.Thread(target=self._server.shutdown)
        closing.start()
        eventually(lambda: not closing.is_alive(), "the server to close")


class HttpServer:
    """The wire contracts of `polling`, `long_polling` and `sse`, on http.server."""

    wire = {  # noqa: RUF012
        "polling": {"subscribe": "/poll?topic={topic}", "upstream": "/publish?topic={topic}"},
        "long_polling": {"subscribe": "/wait?topic={topic}", "upstream": "/publish?topic={topic}"},
        "sse": {"subscribe": "/sse?topic={topic}", "upstream": "/publish?topic={topic}"},
    }

    def __init__(self):
        self.log = log = Log()
        self.paths = paths = []
        self.keeps_alive = True
        self.statuses = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def do_GET(self):
                url = urllib.parse.urlsplit(self.path)
                query = {name: value for name, (value,) in urllib.parse.parse_qs(url.query).items()}
                paths.append(self.path)
                if url.path in outer.statuses:
                    self.send_error(outer.statuses[url.path])
                elif url.path == "/sse":
                    self.stream(self.headers.get("Last-Event-ID"))
                else:
                    self.answer(query.get("after", ""), float(query.get("hold", 0)))

            def answer(self, after, hold_s):
                offset, texts, gap = log.since(after, hold_s)
                body = b"".join(text + b"\n" for text in texts)
                self.send_response(200)
                self.send_header("Push-Cursor", log.cursor(offset + len(texts)))
                if gap:
                    self.send_header("Push-Gap", gap)
                if not outer.keeps_alive:
                    self.send_header("Connection", "close")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, after):
                offset, _, gap = log.since(after)
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.write_chunk(b": welcome\n\n")
                if gap:
                    self.write_chunk(b"event: gap\ndata: %s\n\n" % gap.encode())
                self.write_chunk(b"id: %s\n\n" % log.cursor(offset).encode())
                with contextlib.suppress(OSError):
                    while True:
                        _, texts, _ = log.since(log.cursor(offset), hold_s=0.2)
                        for text in texts:
                            offset += 1
                            self.write_chunk(b"id: %s\ndata: %s\n\n" % (log.cursor(offset).encode(), text))
                        if not texts:
                            self.write_chunk(b": still here\n\n")

            def write_chunk(self, part):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                self.wfile.flush()

            def do_POST(self):
                paths.append(self.path)
                text = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.statuses.get("/publish", 204)
                if status == 204:
                    log.publish(text)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a subscriber may close at any time
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
