"""A WebSocket connection, strict to RFC 6455, over a socket taken over from the HTTP server.

The protocol is that of the `websockets` package, which does no I/O: it checks what arrives and returns the answers.
This module adds the socket, the assembly of fragments, and the rules for writing:

* The reader writes its pongs and the deliverer its messages, and each frame is written completely or not at all.
* After a close frame nothing is written any more.
* A length is checked as soon as a frame announces it, before the payload is buffered: a message with more than
  MESSAGE_BYTES is rejected with 1009, a control frame that is too long or a length not in its shortest form with 1002.
* A close frame within a fragmented message is answered as any other (section 5.4).
* Compression is never negotiated.
"""

from __future__ import annotations

import codecs
import struct
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from flask import Request, Response
from gevent.lock import BoundedSemaphore
from websockets.datastructures import Headers
from websockets.frames import Close, Frame
from websockets.frames import CloseCode as CloseCode
from websockets.frames import Opcode as Opcode
from websockets.http11 import Request as Handshake
from websockets.protocol import OPEN, SERVER, Protocol
from websockets.server import ServerProtocol

from servers._http import TAKE_OVER, Socket
from servers._limits import LINE_BYTES

VERSION = "13"
MESSAGE_BYTES = LINE_BYTES
CONTROL_BYTES = 125  # the largest control frame, which may arrive within a message of the largest size
RECEIVE_BYTES = 64 * 1024
CLOSE_S = 2.0  # for the peer to answer a close frame


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """An unfragmented frame from server to client. It is not masked, so it is the same for all subscribers."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x80 | opcode, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


PING = frame(Opcode.PING, b"")


class Closed(Exception):
    """The closing handshake has begun: nothing can be sent any more."""


def upgrade(request: Request, session: Callable[[Connection], None]) -> Response:
    """Answer a handshake. If it is valid, `session` runs with the connection once the view has returned."""
    if request.method != "GET" or request.environ["SERVER_PROTOCOL"] != "HTTP/1.1":
        return Response("a WebSocket begins with a GET over HTTP/1.1\n", 405, {"Allow": "GET"}, mimetype="text/plain")
    headers = Headers()
    for name, value in request.headers:
        headers[name] = value
    answer = ServerProtocol().accept(Handshake(request.path, headers))
    if answer.status_code != 101:
        named = headers.get_all("Sec-WebSocket-Version")
        status = 426 if named and named != [VERSION] else answer.status_code
        refusal = Response(bytes(answer.body), status, list(answer.headers.raw_items()))
        refusal.headers["Sec-WebSocket-Version"] = VERSION  # section 4.2.2
        return refusal

    def take_over(socket: Socket) -> None:
        with suppress(Closed, OSError):  # the peer may close at any time
            socket.send_all(answer.serialize())
            session(Connection(socket))

    request.environ[TAKE_OVER] = take_over
    return Response(status=101)


class Connection:
    """An open connection. One greenlet iterates over `messages`, which also answers pings and closes.

    Any greenlet may send.
    """

    def __init__(self, socket: Socket) -> None:
        self._socket = socket
        self._protocol = Protocol(SERVER, max_size=MESSAGE_BYTES + CONTROL_BYTES)
        self._lengths = _Lengths()
        self._writing = BoundedSemaphore()
        self._closing = False
        self._message: _Fragments | None = None

    def send(self, frames: bytes) -> None:
        """Write complete frames. Raises Closed after a close frame, OSError if the peer has closed."""
        with self._writing:
            if self._closing:
                raise Closed
            self._socket.send_all(frames)

    def close(self, code: int, reason: str = "") -> None:
        """Begin the closing handshake, if it has not begun. `messages` ends with the peer's answer or after CLOSE_S."""
        self._send_last([frame(Opcode.CLOSE, Close(code, reason).serialize())])

    def messages(self) -> Iterator[tuple[Opcode, bytes]]:
        """Complete messages, TEXT (valid UTF-8) or BINARY, until the connection is closed from either side."""
        while not self._protocol.eof_sent:
            data = self._socket.recv(RECEIVE_BYTES)
            if data:
                self._protocol.receive_data(self._lengths.accepted(data))
            else:
                self._protocol.receive_eof()
            answers = deque(filter(None, self._protocol.data_to_send()))  # an empty one means the end
            try:
                yield from self._messages_among(self._protocol.events_received(), answers)
            except _Violation as violation:
                self.close(violation.code, str(violation))
                return
            if self._protocol.state is not OPEN:
                self._send_last(self._last(answers))
            elif (refused := self._lengths.violation) is not None:
                self.close(refused.code, str(refused))
                return

    def _messages_among(self, frames: list[Any], answers: deque[bytes]) -> Iterator[tuple[Opcode, bytes]]:
        """In the order of arrival, so that a pong is sent before the answer to a later message."""
        for received in frames:
            if self._closing:
                return
            if received.opcode is Opcode.PING:
                self.send(answers.popleft())
            elif received.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                message = self._message = self._message or _Fragments(received.opcode)
                if message.add(received):
                    self._message = None
                    yield message.opcode, message.join()

    def _last(self, answers: Iterable[bytes]) -> Iterable[bytes]:
        """The answers to what ended the connection, as section 5.4 has them.

        `websockets` takes a valid close frame within a fragmented message for a fault, and answers 1002.
        """
        received = self._protocol.close_rcvd
        if received is None or self._message is None:
            return answers
        return [frame(Opcode.CLOSE, b"" if received.code == CloseCode.NO_STATUS_RCVD else received.serialize())]

    def _send_last(self, frames: Iterable[bytes]) -> None:
        """Write frames, the last a close frame. Nothing is written after it. A peer that does not read is cut off."""
        self._socket.set_deadline(CLOSE_S)
        with self._writing:
            if self._closing:
                return
            self._closing = True
            for last in frames:
                self._socket.send_all(last)


class _Violation(Exception):
    """The peer breaks a rule that `websockets` does not check."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class _Lengths:
    """Follows the headers of incoming frames.

    violation: the rule that an announced length breaks; None before that. Other faults are left to `websockets`.
    """

    def __init__(self) -> None:
        self.violation: _Violation | None = None
        self._header = b""  # of a frame whose length is not complete yet
        self._to_come = 0  # bytes of mask and payload
        self._message_bytes = 0  # of the fragments so far
        self._unmasked = False

    def accepted(self, data: bytes) -> bytes:
        """`data` up to the header that breaks a rule."""
        position, size = 0, len(data)
        while position < size and not self._unmasked:
            if self._to_come:
                step = min(self._to_come, size - position)
                self._to_come -= step
                position += step
                continue
            begins = position
            header = self._header + data[position : position + 10 - len(self._header)]
            end = _length_ends(header)
            if len(header) < end:
                self._header = header
                break
            position += end - len(self._header)
            self._header = b""
            try:
                self._check(header[:end])
            except _Violation as violation:
                self.violation = violation
                return data[:begins]
        return data

    def _check(self, header: bytes) -> None:
        """Check a header up to its length. Raises _Violation."""
        if not header[1] & 0x80:
            self._unmasked = True  # `websockets` refuses it
            return
        length = header[1] & 0x7F if len(header) == 2 else int.from_bytes(header[2:], "big")
        if (len(header) == 4 and length < 126) or (len(header) == 10 and not 65536 <= length < 2**63):
            raise _Violation(CloseCode.PROTOCOL_ERROR, "a length is sent in its shortest form")
        if header[0] & 0x08:
            if length > CONTROL_BYTES:
                raise _Violation(CloseCode.PROTOCOL_ERROR, f"a control frame has at most {CONTROL_BYTES} bytes")
        elif self._message_bytes + length > MESSAGE_BYTES:
            raise _Violation(CloseCode.MESSAGE_TOO_BIG, f"a message has at most {MESSAGE_BYTES} bytes")
        else:
            self._message_bytes = 0 if header[0] & 0x80 else self._message_bytes + length
        self._to_come = length + 4  # with the mask


def _length_ends(header: bytes) -> int:
    """Where the length ends in a frame's header."""
    short = header[1] & 0x7F if len(header) > 1 else 0
    return {126: 4, 127: 10}.get(short, 2)


class _Fragments:
    """A message as it arrives. `websockets` has checked that its frames come in order."""

    def __init__(self, opcode: Opcode) -> None:
        self.opcode = opcode
        self._payload = bytearray()  # one buffer, so that many tiny fragments do not cost an object each
        self._utf8 = codecs.getincrementaldecoder("utf-8")()

    def add(self, received: Frame) -> bool:
        """Add a frame; whether the message is now complete. Raises _Violation."""
        self._payload += received.data
        if len(self._payload) > MESSAGE_BYTES:
            raise _Violation(CloseCode.MESSAGE_TOO_BIG, f"a message has at most {MESSAGE_BYTES} bytes")
        if self.opcode is Opcode.TEXT:
            try:
                self._utf8.decode(bytes(received.data), final=received.fin)
            except UnicodeDecodeError:
                raise _Violation(CloseCode.INVALID_DATA, "the text is not UTF-8") from None
        return received.fin

    def join(self) -> bytes:
        """The complete message."""
        return bytes(self._payload)
