"""The ingest: how the publisher's messages reach a variant, at the same small cost for all.

Plain TCP on loopback. The first line of a connection is the token, every other line `topic<TAB>text`. The server never
answers. A line that breaks the contract ends the connection and is reported in one line on stderr.
"""

from __future__ import annotations

import hmac
import socket
import sys
from collections.abc import Callable, Iterator

import gevent
from gevent.pool import Pool
from gevent.server import StreamServer

from servers import _limits

RECEIVE_BYTES = 256 * 1024
TOKEN_S = 5.0

Publish = Callable[[str, bytes], object]


def server(listener: socket.socket, token: str, publish: Publish) -> StreamServer:
    """A server that calls `publish(topic, text)` for every message of every publisher with the token."""

    def handle(connection: socket.socket, _address: object) -> None:
        try:
            _ingest(connection, token.encode(), publish)
        except OSError:  # the publisher has closed
            return
        except Exception as error:
            print(f"ingest: connection closed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)

    return StreamServer(listener, handle, spawn=Pool())


def _ingest(connection: socket.socket, token: bytes, publish: Publish) -> None:
    """Publish until the connection ends. Raises Refused at the first line that is not a message."""
    batches = lines(iter(lambda: connection.recv(RECEIVE_BYTES), b""))
    with gevent.Timeout(TOKEN_S, _limits.Refused("no token")):
        first = next(batches, None)
    if first is None:
        return
    if not hmac.compare_digest(first[0].rstrip(b"\r"), token):
        raise _limits.Refused("wrong token")
    for line in first[1:]:
        publish(*_limits.line(line))
    for batch in batches:
        for line in batch:
            publish(*_limits.line(line))


def lines(blocks: Iterator[bytes]) -> Iterator[list[bytes]]:
    """The complete lines of a stream, in non-empty lists as they arrive. Raises TooLarge before buffering too much."""
    parts: list[bytes] = []  # of a line that is not complete yet
    buffered_bytes = 0
    for block in blocks:
        complete, newline, rest = block.rpartition(b"\n")
        if newline:
            parts.append(complete)
            yield b"".join(parts).split(b"\n")
            parts, buffered_bytes = [], 0
        parts.append(rest)
        buffered_bytes += len(rest)
        if buffered_bytes > _limits.LINE_BYTES:
            raise _limits.TooLarge(f"a line has at most {_limits.LINE_BYTES} bytes")
