"""HTTP as every variant gets it: gevent's pywsgi with what it lacks, alike for all.

* A request that is not meant for us is refused before the application sees it: a foreign Host (DNS rebinding), a
  foreign Origin (a page elsewhere that posts or opens a WebSocket here), a body whose length is not announced or too
  large.
* A request head, a body, and the time between two requests have a deadline. One sweeper per server looks for what is
  overdue, in place of a timer per request.
* Head and first bytes of a reply leave in one write, and a write that the kernel takes whole is one system call.
* The application may take over the socket: that is how the plain WebSocket variant works.

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
SWEEP_S = 1.0
LOOK_S = 0.02

PEER_LISTENS = (1, 4, 5)  # established, and closing from our side alone: as the kernel numbers the states of TCP

TAKE_OVER = "pushbench.take_over"
LOOPBACK = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE)

Refusal = tuple[str, str]  # status line, what to tell


class Socket(Protocol):
    """What a taken-over connection may do."""

    def recv(self, size: int, /) -> bytes: ...
    def send_all(self, data: bytes, /) -> None: ...
    def due(self, seconds: float, /) -> None: ...


class Server(pywsgi.WSGIServer):  # type: ignore[misc]
    """Serves one application on a listening socket. `max_body_bytes` caps the announced length of a body."""

    def __init__(
        self, listener: socket.socket, application: Any, handler_class: type, max_body_bytes: int = TEXT_BYTES
    ) -> None:
        super().__init__(listener, application, spawn=Pool(), log=None, handler_class=handler_class)
        self.max_body_bytes = max_body_bytes
        self.handlers: set[Handler] = set()
        self.deadlines: dict[Handler, float] = {}
        self.draining = False
        self.sweeper = gevent.spawn(self._sweep)

    def drain(self, timeout_s: float) -> None:
        """Accept nothing any more, cut who is between requests, give the others some time to end by themselves, as
        long as there is anybody to whom that makes a difference: not those whose peer has left."""
        self.draining = True
        self.close()
        self._cut(list(self.deadlines))
        until = time.monotonic() + timeout_s
        while any(handler.has_peer() for handler in self.handlers) and (left_s := until - time.monotonic()) > 0:
            self.pool.join(min(LOOK_S, left_s))

    def _sweep(self) -> None:
        """Shut down what is overdue: whoever reads or writes it is woken with the end of the connection."""
        while True:
            gevent.sleep(SWEEP_S)
            now = time.monotonic()
            self._cut([handler for handler, deadline in self.deadlines.items() if deadline < now])

    @staticmethod
    def _cut(handlers: list[Handler]) -> None:
        for handler in handlers:
            handler.cut()


class Handler(pywsgi.WSGIHandler):  # type: ignore[misc]
    """One connection."""

    environ: dict[str, Any]
    _requests = 0
    _held: bytearray | None = None
    _early = b""

    # -- deadlines

    def due(self, seconds: float) -> None:
        """The connection is cut unless `due` or `not_due` is called within this time."""
        self.server.deadlines[self] = time.monotonic() + seconds

    def not_due(self) -> None:
        """The connection may take its time."""
        self.server.deadlines.pop(self, None)

    def cut(self) -> None:
        """End the connection under whoever uses it."""
        self.not_due()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):  # already closed, or never opened
            return

    def has_peer(self) -> bool:
        """Whether anybody is there who still listens. Only Linux tells without reading; elsewhere it is assumed."""
        if sys.platform != "linux":
            return True
        try:
            information = self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)  # begins with the state
        except (OSError, AttributeError):  # already closed
            return False
        return information[0] in PEER_LISTENS

    def handle(self) -> None:
        self.server.handlers.add(self)
        try:
            super().handle()
        except OSError:  # the peer is gone
            return
        finally:
            self.server.handlers.discard(self)
            self.not_due()

    def read_requestline(self) -> str:
        self.due(IDLE_S if self._requests else HEAD_S)
        self._requests += 1
        line: str = super().read_requestline()
        return line

    def read_request(self, raw_requestline: str) -> bool:
        self.due(HEAD_S)
        valid: bool = super().read_request(raw_requestline)
        return valid

    def MessageClass(self, *args: Any) -> Any:
        return pywsgi.headers_factory(_Head(self.rfile))

    # -- admission

    def run_application(self) -> None:
        refusal = self._refusal() or self._read_body()
        self.not_due()
        if refusal is None:
            super().run_application()
            # HTTP is over on an upgraded connection; who ends answers no further request
            self.close_connection |= self.connection_upgraded or self.server.draining
        else:
            self._refuse(*refusal)

    def _refusal(self) -> Refusal | None:
        """Why this request must not reach the application, judged by its head alone."""
        host = self.environ.get("HTTP_HOST")
        if host is None:
            return "400 Bad Request", "a request names its host"
        if not LOOPBACK.fullmatch(host):
            return "403 Forbidden", "this server answers to loopback names only"
        if self.environ.get("HTTP_ORIGIN", f"http://{host}") != f"http://{host}":
            return "403 Forbidden", "this server does not answer pages of another origin"
        if "HTTP_TRANSFER_ENCODING" in self.environ:
            return "411 Length Required", "announce the length of the body"
        if not self.environ.get("CONTENT_LENGTH", "0").isdecimal():
            return "400 Bad Request", "the length of the body is not a number"
        if (self.content_length or 0) > self.server.max_body_bytes:
            return "413 Content Too Large", f"a body has at most {self.server.max_body_bytes} bytes"
        return None

    def _read_body(self) -> Refusal | None:
        """Read an announced body before the application runs, so that a dribbling one costs it nothing."""
        if not self.content_length:
            return None
        self.due(BODY_S)
        try:
            self.environ["wsgi.input"] = BytesIO(self.wsgi_input.read(self.content_length))
        except OSError:
            return "400 Bad Request", "the body ended before its announced length"
        return None

    def _refuse(self, status: str, why: str) -> None:
        body = f"{why}\n".encode()
        self.close_connection = True
        self.wsgi_input.content_length = 0  # nobody shall read on to the end of the body
        self.wsgi_input.chunked_input = False
        headers = [("Content-Type", "text/plain"), ("Connection", "close"), ("Content-Length", str(len(body)))]
        self.start_response(status, headers)
        self.write(body)
        self._linger()

    def _handle_client_error(self, ex: Exception) -> tuple[str, bytes]:
        """A head that is not HTTP: answered, not logged, because a stranger could fill the log with it."""
        return "400", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

    def log_request(self) -> None:
        """Nothing: a line per request would cost more than some of the requests."""

    def _linger(self) -> None:
        """End our direction, then read until the peer ends its own: closing earlier could destroy what we sent last."""
        self.due(LINGER_S)
        try:
            self.socket.shutdown(socket.SHUT_WR)
            left = LINGER_BYTES
            while left > 0 and (data := self.socket.recv(65536)):
                left -= len(data)
        except OSError:
            return

    # -- writing

    def _sendall(self, data: bytes | bytearray) -> None:
        if self._held is not None:
            self._held += data
            return
        self.send_all(data)
        self.response_length += len(data)

    def _write_with_headers(self, data: bytes) -> None:
        """Head and body of a small reply as one segment and one system call."""
        self._held = held = bytearray()
        try:
            super()._write_with_headers(data)
        finally:
            self._held = None
        self._sendall(held)

    def send_all(self, data: bytes | bytearray) -> None:
        """socket.sendall, but without the getsockopt that gevent's does on each call."""
        sent = self.socket.send(data)
        if sent < len(data):
            self.socket.sendall(memoryview(data)[sent:])

    # -- taking over the socket

    def process_result(self) -> None:
        take_over: Callable[[Socket], None] | None = self.environ.get(TAKE_OVER)
        if take_over is None:
            super().process_result()
            return
        self.close_connection = True
        self.response_length = 1  # whatever happens: from here on no HTTP may be written into the connection
        self._early = self._read_ahead()
        self.environ = {}  # nothing of the request is kept for as long as the connection lives
        self.headers = None
        take_over(self)
        self._linger()

    def _read_ahead(self) -> bytes:
        """What has been read from the socket beyond the request; the reader's buffer is given back."""
        self.socket.settimeout(0)
        early: bytes = self.rfile.peek()
        self.socket.settimeout(None)
        self.rfile.close()
        return early

    def recv(self, size: int) -> bytes:
        """What has arrived, beginning with what came together with the request; empty at the end."""
        if self._early:
            early, self._early = self._early[:size], self._early[size:]
            return early
        data: bytes = self.socket.recv(size)
        return data


class _Head:
    """The lines of a request's head, cut off at REQUEST_HEAD_BYTES."""

    def __init__(self, rfile: Any) -> None:
        self._readline = rfile.readline
        self._left = REQUEST_HEAD_BYTES

    def readline(self, limit: int) -> bytes:
        line: bytes = self._readline(min(limit, self._left + 1))
        self._left -= len(line)
        if self._left < 0:
            raise ValueError(f"a request head has at most {REQUEST_HEAD_BYTES} bytes")
        return line
