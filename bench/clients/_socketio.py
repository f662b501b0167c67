"""Socket.IO 5 over Engine.IO 4, text events only, without I/O.

packet       Engine.IO type digit; type 4 holds a Socket.IO packet: type digit, `/namespace,`, ack id, JSON
websocket    one packet per text frame
polling      GETs that wait; their bodies are packets joined by 0x1e. Packets are sent as the bodies of POSTs
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from bench.clients._frames import CLOSE, NORMAL_CLOSURE, TEXT, FrameParser, Handshake, encode
from bench.clients._http import Response, ResponseParser, build_request
from bench.reactor.errors import CLOSED_BY_SERVER, ProtocolError, describe

_T = TypeVar("_T")

SEPARATOR = b"\x1e"
_SUBSCRIBE_ID = 0
_REASON_CHARS = 80
_MAX_TIME_MS = 10**9
_decode_string = msgspec.json.Decoder(str).decode  # a fifth of the time that json.loads takes


class Session:
    """One Engine.IO session with one namespace in it, fed packet by packet: open, connect, subscribe, receive.

    outgoing: packets that are to be sent. session_id: Engine.IO's, once it is open. silence_ms: the time within which
    the server announced to send something; 0: it announced none. subscribed: the server has acknowledged. end_reason:
    why no text can come any more (the server closed, or broke the rules); empty before that.
    An event `refused` with a reason says that an event was refused. Emitted events ask for no acknowledgement: the
    server would send one for each, which no other technique pays for.
    """

    __slots__ = (
        "_event",
        "_prefix",
        "_refusals",
        "_text_start",
        "_topic",
        "end_reason",
        "outgoing",
        "session_id",
        "silence_ms",
        "subscribed",
    )

    def __init__(self, namespace: str, event: str, topic: str) -> None:
        self._prefix = "" if namespace in ("", "/") else f"{namespace},"
        self._event = event
        self._topic = topic
        self._refusals: list[str] = []
        self._text_start = self._packet("42", [event])[:-1] + b","  # how the packet of a text begins
        self.outgoing: list[bytes] = []
        self.session_id = ""
        self.silence_ms = 0
        self.subscribed = False
        self.end_reason = ""

    def receive(self, packets: Iterable[bytes]) -> list[bytes]:
        """The texts among `packets`, up to the first broken rule."""
        texts = []
        try:
            for packet in packets:
                if self.end_reason:
                    break
                text = self._receive(packet)
                if text is not None:
                    texts.append(text)
        except ProtocolError as error:
            self.end_reason = describe(error)
        return texts

    def _receive(self, packet: bytes) -> bytes | None:
        if packet.startswith(self._text_start) and packet.endswith(b"]"):
            try:
                return _decode_string(packet[len(self._text_start) : -1]).encode()
            except (msgspec.MsgspecError, UnicodeError):
                pass  # not one plain string: parsed in full below
        handler = _ENGINE.get(packet[:1])
        if handler is None:
            raise ProtocolError("unexpected Engine.IO packet")
        return handler(self, packet[1:])

    def emit(self, *arguments: str) -> None:
        """Add an event to `outgoing`: its name and its arguments."""
        self.outgoing.append(self._packet("42", arguments))

    def close(self) -> None:
        """Add the packets that end the session to `outgoing`."""
        if self.session_id:
            self.outgoing += [self._packet("41"), b"1"]

    def take_outgoing(self) -> list[bytes]:
        """The packets to be sent now. The next call does not return them again."""
        outgoing, self.outgoing = self.outgoing, []
        return outgoing

    def take_refusals(self) -> list[str]:
        """The reasons of events that the server has refused. The next call does not return them again."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def _packet(self, types: str, arguments: Sequence[str] | None = None, ack_id: str = "") -> bytes:
        data = "" if arguments is None else json.dumps(arguments, separators=(",", ":"))
        return f"{types}{self._prefix}{ack_id}{data}".encode()

    def _on_open(self, payload: bytes) -> None:
        opening = _decode(payload, dict[str, Any])
        session_id = opening.get("sid")
        times_ms = [opening[name] for name in ("pingInterval", "pingTimeout") if name in opening]
        if any(type(time_ms) is not int or not 0 < time_ms < _MAX_TIME_MS for time_ms in times_ms):
            raise ProtocolError("bad open packet")
        if self.session_id or not isinstance(session_id, str) or _SESSION_ID(session_id) is None:
            raise ProtocolError("bad open packet")
        self.session_id = session_id
        self.silence_ms = sum(times_ms) if len(times_ms) == 2 else 0
        self.outgoing.append(self._packet("40"))

    def _on_close(self, _payload: bytes) -> None:
        self.end_reason = CLOSED_BY_SERVER

    def _on_ping(self, payload: bytes) -> None:
        self.outgoing.append(b"3" + payload)

    def _on_noop(self, _payload: bytes) -> None:
        """A noop only answers a poll."""

    def _on_message(self, payload: bytes) -> bytes | None:
        handler = _SOCKET.get(payload[:1])
        if handler is None:
            raise ProtocolError("unexpected Socket.IO packet")
        prefix, rest = b"", payload[1:]
        if rest.startswith(b"/"):
            namespace, comma, rest = rest.partition(b",")
            prefix = namespace + (comma or b",")
        if prefix != self._prefix.encode():
            raise ProtocolError("packet for another namespace")
        return handler(self, rest)

    def _on_connected(self, _rest: bytes) -> None:
        self.outgoing.append(self._packet("42", ["subscribe", self._topic], str(_SUBSCRIBE_ID)))

    def _on_disconnected(self, _rest: bytes) -> None:
        self.end_reason = CLOSED_BY_SERVER

    def _on_refused(self, rest: bytes) -> None:
        refusal = _decode(rest, object)
        raise ProtocolError(f"namespace refused: {refusal.get('message') if isinstance(refusal, dict) else refusal}")

    def _on_event(self, rest: bytes) -> bytes | None:
        ack_id, arguments = _split_ack_id(rest)
        if ack_id:
            self.outgoing.append(self._packet("43", [], ack_id))
        match arguments:
            case [self._event, str(text)]:
                return text.encode()
            case ["refused", str(reason), *_]:
                self._refusals.append(reason[:_REASON_CHARS])
                return None
            case [str(name), *_] if name != self._event:
                return None
        raise ProtocolError("bad event")

    def _on_acknowledgement(self, rest: bytes) -> None:
        ack_id, arguments = _split_ack_id(rest)
        if ack_id != str(_SUBSCRIBE_ID) or self.subscribed:
            raise ProtocolError("acknowledgement of nothing")
        refusal = [argument for argument in arguments if argument is not None]
        if refusal:
            raise ProtocolError(f"subscribe refused: {refusal[0]}")
        self.subscribed = True


_Handler = Callable[[Session, bytes], bytes | None]
_ENGINE: dict[bytes, _Handler] = {
    b"0": Session._on_open,
    b"1": Session._on_close,
    b"2": Session._on_ping,
    b"4": Session._on_message,
    b"6": Session._on_noop,
}
_SOCKET: dict[bytes, _Handler] = {
    b"0": Session._on_connected,
    b"1": Session._on_disconnected,
    b"2": Session._on_event,
    b"3": Session._on_acknowledgement,
    b"4": Session._on_refused,
}
_SESSION_ID = re.compile(r"[-.\w~]{1,256}", re.ASCII).fullmatch
_ACK_ID = re.compile(rb"([0-9]{0,18})(\[.*)", re.DOTALL).fullmatch


def _split_ack_id(rest: bytes) -> tuple[str, list[Any]]:
    match = _ACK_ID(rest)
    if match is None:
        raise ProtocolError("bad event")
    return match[1].decode(), _decode(match[2], list[Any])


def _decode(data: bytes, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise ProtocolError("bad JSON in a packet") from None


class OverWebSocket:
    """A session over one WebSocket. The handshake is its only request."""

    keep_alive = True

    def __init__(self, session: Session, authority: str, path: str) -> None:
        self.session = session
        self.end_reason = ""
        self._handshake = Handshake(authority, f"{path}?EIO=4&transport=websocket")
        self._request = self._handshake.request
        self._frames: FrameParser | None = None  # once the handshake is done

    def next_request(self) -> bytes:
        """The HTTP request to be sent next; empty if there is none."""
        request, self._request = self._request, b""
        return request

    def feed(self, data: bytes) -> list[bytes]:
        """The texts completed by `data`, in order, up to the first broken rule."""
        if self._frames is None and not self.end_reason:
            data = self._read_handshake(data)
        if self._frames is None or not data or self.end_reason:
            return []
        texts = self.session.receive(self._frames.feed(data))
        self.end_reason = self.session.end_reason or self._frames.end_reason
        return texts

    def take_outgoing(self) -> bytes:
        """The frames to be sent now. The next call does not return them again."""
        if self._frames is None:
            return b""
        packets = [encode(TEXT, packet) for packet in self.session.take_outgoing()]
        return b"".join((*packets, self._frames.take_outgoing()))

    def close(self) -> bytes:
        """The frames that end session and connection."""
        if self._frames is None:
            return b""
        self.session.close()
        return self.take_outgoing() + encode(CLOSE, NORMAL_CLOSURE.to_bytes(2, "big"))

    def _read_handshake(self, data: bytes) -> bytes:
        """The first frames after the handshake's answer; empty until it is complete."""
        try:
            frames = self._handshake.feed(data)
        except ProtocolError as error:
            self.end_reason = describe(error)
            return b""
        if frames is None:
            return b""
        self._frames = FrameParser()
        return frames


class OverPolling:
    """A session over HTTP: it is fed the answers to the requests that `next_request` returns.

    keep_alive: the next request may use the same connection.
    """

    def __init__(self, session: Session, authority: str, path: str) -> None:
        self.session = session
        self.end_reason = ""
        self.keep_alive = True
        self._authority = authority
        self._path = f"{path}?EIO=4&transport=polling"
        self._parser = ResponseParser()
        self._waiting = False

    def next_request(self) -> bytes:
        """The next GET; empty while one is waiting."""
        if self._waiting or self.end_reason:
            return b""
        self._waiting = True
        if not self.keep_alive:
            self._parser, self.keep_alive = ResponseParser(), True
        return build_request("GET", self._session_path(), self._authority)

    def feed(self, data: bytes) -> list[bytes]:
        """The texts of the answers completed by `data`, in order, up to the first broken rule."""
        texts: list[bytes] = []
        if self.end_reason:
            return texts
        try:
            for response in self._parser.feed(data):
                texts += self.session.receive(self._packets(response))
            self.end_reason = self.session.end_reason
        except ProtocolError as error:
            self.end_reason = describe(error)
        return texts

    def take_outgoing(self) -> bytes:
        """The POST with the packets to be sent now; empty if there are none. The next call does not repeat them."""
        packets = self.session.take_outgoing()
        if not packets:
            return b""
        headers = (("Content-Type", "text/plain;charset=UTF-8"),)
        return build_request("POST", self._session_path(), self._authority, headers, SEPARATOR.join(packets))

    def close(self) -> bytes:
        """The POST that ends the session."""
        self.session.close()
        return self.take_outgoing()

    def _packets(self, response: Response) -> list[bytes]:
        if not self._waiting:
            raise ProtocolError("answer without a poll")
        self._waiting = False
        self.keep_alive = response.keep_alive
        if response.status != 200:
            raise ProtocolError(f"poll answered with status {response.status}")
        return response.body.split(SEPARATOR)

    def _session_path(self) -> str:
        return f"{self._path}&sid={self.session.session_id}" if self.session.session_id else self._path


TRANSPORTS: Mapping[str, type[OverWebSocket] | type[OverPolling]] = {
    "websocket": OverWebSocket,
    "polling": OverPolling,
}
