"""HTTP for every variant: gevent's pywsgi with additions that are the same for all.

* Some requests are rejected before the application sees them: a foreign Host (DNS rebinding), a foreign Origin (a page
  of another site that posts or opens a WebSocket here), a body whose length is not announced or too large.
* A request head, a body, and the time between two requests have a deadline. One sweeper per server closes overdue
  connections, in place of a timer per request.
* Head and first bytes of a reply are sent in one write. A write that the kernel takes completely is one system call.
* A peer that has closed is noticed within a second, also by a reply that waits for its next text. If a reply is still
  running at the next sweep, the event loop watches its socket from then on, so that waiting costs nothing. That needs
  Linux; elsewhere the next write finds it.
* Every reply says `nosniff`; one without an end asks proxies not to buffer it. A reply to HEAD has no body.
* The application may take over the socket, as the plain WebSocket variant does.

Nothing is logged per request.
"""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol

import gevent
from gevent import pywsgi
from gevent.pool import Pool

from servers._limits import REQUEST_HEAD_BYTES, TEXT_BYTES

HEAD_S = 15.0  # from the first request line to the end of the head
BODY_S = 30.0
IDLE_S = 75.0  # between two requests of a connection; longer than the longest poll interval
LINGER_S = 2.0
LINGER_BYTES = 16 * 1024 * 1024
SWEEP_S = 0.5  # a closed peer is noticed within twice this time
_READ = 1  # the event of libev
DRAIN_CHECK_S = 0.02

PEER_READS = (1, 4, 5)  # the kernel's TCP states: established, and those in which only our side has closed

TAKE_OVER = "pushbench.take_over"
LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE | re.ASCII)

Refusal = tuple[str, str]  # status line, reason


class Socket(Protocol):
    """The operations of a taken-over connection."""

    def recv(self, size: int, /) -> bytes: ...
    def send_all(self, data: bytes, /) -> None: ...
    def set_deadline(self, seconds: float, /) -> None: ...


class Server(pywsgi.WSGIServer):  # type: ignore[misc]
    """Serves one application on a listening socket. `max_body_bytes` caps the announced length of a body."""

    def __init__(
        self, listener: socket.socket, application: Any, handler_class: type, max_body_bytes: int = TEXT_BYTES
    ) -> None:
        super().__init__(listener, application, spawn=Pool(), log=None, handler_class=handler_class)
        self.max_body_bytes = max_body_bytes
        self.handlers: set[Handler] = set()
        self.deadlines: dict[Handler, float] = {}
        self.unwatched: set[Handler] = set()  # those whose reply has begun and whose peer is not watched yet
        self.draining = False
        self.sweeper = gevent.spawn(self._sweep)

    def drain(self, timeout_s: float) -> None:
        """Stop accepting, close connections between two requests, and wait for the others to end by themselves.

        The wait ends after `timeout_s`, or when no peer of an open connection can read any more.
        """
        self.draining = True
        self.close()
        self._shut_down(list(self.deadlines))
        deadline = time.monotonic() + timeout_s
        while any(handler.has_peer() for handler in self.handlers) and (left_s := deadline - time.monotonic()) > 0:
            self.pool.join(min(DRAIN_CHECK_S, left_s))

    def _sweep(self) -> None:
        """Shut down overdue connections, and watch the peers of replies that take longer. The greenlet that reads or
        writes an overdue connection then gets its end."""
        while True:
            gevent.sleep(SWEEP_S)
            now = time.monotonic()
            self._shut_down([handler for handler, deadline in self.deadlines.items() if deadline < now])
            unwatched, self.unwatched = self.unwatched, set()
            for handler in unwatched:
                handler.watch_peer()

    @staticmethod
    def _shut_down(handlers: list[Handler]) -> None:
        for handler in handlers:
            handler.shut_down()


class Handler(pywsgi.WSGIHandler):  # type: ignore[misc]
    """One connection."""

    environ: dict[str, Any]
    headers: Any
    response_headers: list[tuple[bytes, bytes]]
    response_use_chunked: bool
    connection_upgraded: bool
    _requests = 0
    _reply: bytearray | None = None
    _early = b""
    _answering: gevent.Greenlet | None = None  # while the application runs, unless it has the socket
    _watcher: Any = None

    # -- deadlines

    def set_deadline(self, seconds: float) -> None:
        """Close the connection after `seconds`, unless this or `clear_deadline` is called before."""
        self.server.deadlines[self] = time.monotonic() + seconds

    def clear_deadline(self) -> None:
        """The connection has no deadline any more."""
        self.server.deadlines.pop(self, None)

    def shut_down(self) -> None:
        """End the connection, also for the greenlet that uses it."""
        self.clear_deadline()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):  # already closed, or never opened
            return

    def has_peer(self) -> bool:
        """Whether the peer may still read. Only Linux reports that without reading; elsewhere it is assumed."""
        if sys.platform != "linux":
            return True
        try:
            information = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)  # begins with the state
        except (OSError, AttributeError):  # already closed
            return False
        return information[0] in PEER_READS

    def watch_peer(self) -> None:
        """End the reply as soon as no peer reads it any more. Its greenlet may wait for a text and would not notice."""
        if sys.platform != "linux" or self._answering is None or self.connection_upgraded:
            return
        self._watcher = gevent.get_hub().loop.io(self.socket.fileno(), _READ)
        self._watcher.start(self._on_readable)

    def _on_readable(self) -> None:
        """The peer has closed, or has sent its next request before the reply to this one."""
        self._stop_watching()
        if self.has_peer():
            self.server.unwatched.add(self)
        elif self._answering is not None:
            self._answering.kill(block=False)
            self._answering = None

    def _stop_watching(self) -> None:
        self.server.unwatched.discard(self)
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None

    def handle(self) -> None:
        self.server.handlers.add(self)
        try:
            super().handle()
        except OSError:  # the peer has closed
            return
        finally:
            self.server.handlers.discard(self)
            self.clear_deadline()

    def handle_one_request(self) -> Any:
        result = super().handle_one_request()
        if isinstance(result, tuple):  # a head that pywsgi refuses, and its complete reply
            status, reply = result
            return status, reply.replace(b"\r\n", b"\r\nX-Content-Type-Options: nosniff\r\n", 1)
        return result

    def read_requestline(self) -> str:
        self.set_deadline(IDLE_S if self._requests else HEAD_S)
        self._requests += 1
        line: str = super().read_requestline()
        return line

    def read_request(self, raw_requestline: str) -> bool:
        self.set_deadline(HEAD_S)
        valid: bool = super().read_request(raw_requestline)
        return valid

    def MessageClass(self, *args: Any) -> Any:
        return pywsgi.headers_factory(_Head(self.rfile))

    # -- admission

    def run_application(self) -> None:
        refusal = self._refusal() or self._read_body()
        self.clear_deadline()
        if refusal is None:
            self._answering = gevent.getcurrent()
            self.server.unwatched.add(self)
            try:
                super().run_application()
            finally:
                self._answering = None
                self._stop_watching()
            # No HTTP follows on an upgraded connection, and a draining server answers no further request.
            self.close_connection |= self.connection_upgraded or self.server.draining
        else:
            self._refuse(*refusal)

    def _refusal(self) -> Refusal | None:
        """Why this request must not reach the application, from its head alone, or None."""
        host = self.environ.get("HTTP_HOST")
        if host is None:
            return "400 Bad Request", "a request names its host"
        if "," in host:  # pywsgi joins repeated headers
            return "400 Bad Request", "a request names one host"
        if not LOOPBACK.fullmatch(host):
            return "403 Forbidden", "this server answers to loopback names only"
        if self.environ.get("HTTP_ORIGIN", f"http://{host}") != f"http://{host}":
            return "403 Forbidden", "this server does not answer pages of another origin"
        if "HTTP_TRANSFER_ENCODING" in self.environ:
            return "411 Length Required", "announce the length of the body"
        if len(self.headers.get_all("Content-Length", ())) > 1:
            return "400 Bad Request", "a body has one length"
        if not self.environ.get("CONTENT_LENGTH", "0").isdecimal():
            return "400 Bad Request", "the length of the body is not a number"
        if (self.content_length or 0) > self.server.max_body_bytes:
            return "413 Content Too Large", f"a body has at most {self.server.max_body_bytes} bytes"
        return None

    def _read_body(self) -> Refusal | None:
        """Read an announced body before the application runs, so that a slow sender does not block it."""
        if not self.content_length:
            return None
        self.set_deadline(BODY_S)
        try:
            self.environ["wsgi.input"] = BytesIO(self.wsgi_input.read(self.content_length))
        except OSError:
            return "400 Bad Request", "the body ended before its announced length"
        return None

    def _refuse(self, status: str, reason: str) -> None:
        body = f"{reason}\n".encode()
        self.close_connection = True
        self.wsgi_input.content_length = 0  # pywsgi must not read the rest of the body
        self.wsgi_input.chunked_input = False
        headers = [("Content-Type", "text/plain"), ("Connection", "close"), ("Content-Length", str(len(body)))]
        self.start_response(status, headers)
        self.write(body)
        self._linger()

    def _handle_client_error(self, ex: Exception) -> tuple[str, bytes]:
        """Answers a head that is not HTTP. It is not logged: a client could fill the log with them."""
        return "400", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    def log_request(self) -> None:
        """Logs nothing: a line per request would cost more than some requests."""

    def _linger(self) -> None:
        """Close our direction, then read until the peer closes its own: closing at once could destroy sent bytes."""
        self.set_deadline(LINGER_S)
        try:
            self.socket.shutdown(socket.SHUT_WR)
            left = LINGER_BYTES
            while left > 0 and (data := self.socket.recv(65536)):
                left -= len(data)
        except OSError:
            return

    # -- writing

    def _sendall(self, data: bytes | bytearray) -> None:
        if self._reply is not None:
            self._reply += data
            return
        self.send_all(data)
        self.response_length += len(data)

    def finalize_headers(self) -> None:
        super().finalize_headers()
        if self.connection_upgraded:
            return
        self.response_headers.append((b"X-Content-Type-Options", b"nosniff"))
        names = {name.lower() for name, _ in self.response_headers}
        if b"content-length" not in names and self.code not in (204, 304):
            self.response_headers.append((b"X-Accel-Buffering", b"no"))
            if not self.response_use_chunked:  # an HTTP/1.0 peer: the end of the connection ends the body
                self.close_connection = True
                others = [header for header in self.response_headers if header[0].lower() != b"connection"]
                self.response_headers = [*others, (b"Connection", b"close")]
        if self.command == "HEAD":
            self.response_use_chunked = False  # announced, but not sent

    def _write_with_headers(self, data: bytes) -> None:
        """Send head and body of a small reply as one segment, in one system call."""
        self._reply = reply = bytearray()
        try:
            super()._write_with_headers(b"" if self.command == "HEAD" else data)
        finally:
            self._reply = None
        self._sendall(reply)

    def send_all(self, data: bytes | bytearray) -> None:
        """socket.sendall without the getsockopt that gevent's does on each call."""
        sent = self.socket.send(data)
        if sent < len(data):
            self.socket.sendall(memoryview(data)[sent:])

    # -- taking over the socket

    def process_result(self) -> None:
        take_over: Callable[[Socket], None] | None = self.environ.get(TAKE_OVER)
        if take_over is None:
            if self.command == "HEAD":
                self.write(b"")
            else:
                super().process_result()
            return
        self._answering = None
        self.close_connection = True
        self.response_length = 1  # pywsgi then writes no error reply into the connection
        self._early = self._read_ahead()
        self.environ = {}  # the request's memory is freed while the connection stays open
        self.headers = None
        take_over(self)
        self._linger()

    def _read_ahead(self) -> bytes:
        """The bytes read from the socket beyond the request. Frees the reader's buffer."""
        self.socket.settimeout(0)
        early: bytes = self.rfile.peek()
        self.socket.settimeout(None)
        self.rfile.close()
        return early

    def recv(self, size: int) -> bytes:
        """The next bytes, first those that arrived with the request; empty at the end."""
        if self._early:
            early, self._early = self._early[:size], self._early[size:]
            return early
        data: bytes = self.socket.recv(size)
        return data


class _Head:
    """The lines of a request's head, at most REQUEST_HEAD_BYTES. Raises ValueError beyond that."""

    def __init__(self, rfile: Any) -> None:
        self._readline = rfile.readline
        self._left = REQUEST_HEAD_BYTES

    def readline(self, limit: int) -> bytes:
        line: bytes = self._readline(min(limit, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise ValueError(f"a request head has at most {REQUEST_HEAD_BYTES} bytes")
        return line
