"""What the subscribers' connections carried: counted by the kernel per connection, and here per request and text."""

from __future__ import annotations

import _socket
import struct
import sys
from dataclasses import dataclass, fields
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Counters:
    """Counters over all connections, open and closed, since the reactor's start. The difference of two is a window.

    received_bytes, sent_bytes: TCP payload; retransmitted bytes count once.
    segments_in, segments_out: as the kernel counts them, with retransmissions; on loopback one segment can hold 64 KiB.
    These four are None where the kernel does not report TCP_INFO.
    payload_*: the texts alone. requests: HTTP requests sent, with handshakes.
    """

    received_bytes: int | None
    sent_bytes: int | None
    segments_in: int | None
    segments_out: int | None
    connections_opened: int
    requests: int
    payload_received_bytes: int
    payload_sent_bytes: int

    def __sub__(self, earlier: Counters) -> Counters:
        differences: dict[str, int | None] = {}
        for name in (field.name for field in fields(self)):
            now, then = getattr(self, name), getattr(earlier, name)
            differences[name] = None if now is None or then is None else now - then
        return Counters(**differences)  # type: ignore[arg-type]  # only what was None can be None


class OwnCounters:
    """The counters that the load generator keeps itself; client halves add to them."""

    __slots__ = ("connections_opened", "payload_received_bytes", "payload_sent_bytes", "requests")

    def __init__(self) -> None:
        self.connections_opened = 0
        self.requests = 0
        self.payload_received_bytes = 0
        self.payload_sent_bytes = 0


class ConnectionCounters(NamedTuple):
    """What the kernel counted for one connection."""

    received_bytes: int
    sent_bytes: int
    segments_in: int
    segments_out: int


# struct tcp_info of Linux: bytes_received u64 at 128, segs_out u32 at 136, segs_in u32 at 140, bytes_sent u64 at 200,
# bytes_retrans u64 at 208
_READ = struct.Struct("=128xQII56xQQ").unpack_from
_SIZE = 216
_AVAILABLE = sys.platform == "linux" and hasattr(_socket, "TCP_INFO")


def kernel_counters(sock: _socket.socket, *, end_received: bool) -> ConnectionCounters | None:
    """The counters of a connection that is still open here, or None where the kernel does not report them.

    end_received: whether the peer's FIN has arrived, which the kernel counts as one received byte.
    """
    if not _AVAILABLE:
        return None
    try:
        info = sock.getsockopt(_socket.IPPROTO_TCP, _socket.TCP_INFO, _SIZE)
    except OSError:
        return None
    if len(info) < _SIZE:
        return None
    received_bytes, segments_out, segments_in, sent_bytes, retransmitted_bytes = _READ(info)
    return ConnectionCounters(
        received_bytes - end_received, sent_bytes - retransmitted_bytes, segments_in, segments_out
    )
