"""Orders and answers as lines of JSON: bytes that arrive in pieces are cut into lines, and every line is checked."""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

import msgspec

from bench.processes.errors import Misfit

_SHOWN_BYTES = 80  # of a line that does not fit
_READ_BYTES = 1 << 16

T = TypeVar("T")
Hello = TypeVar("Hello")


class Lines:
    """Bytes that arrive in pieces, taken out as whole lines."""

    def __init__(self) -> None:
        self.pending = b""

    def feed(self, data: bytes) -> None:
        """Add bytes that have arrived."""
        self.pending += data

    def take(self) -> bytes | None:
        """The next whole line without its end; None if it has not arrived yet."""
        if b"\n" not in self.pending:
            return None
        line, _, self.pending = self.pending.partition(b"\n")
        return line


def encode(message: msgspec.Struct) -> bytes:
    """An order or an answer as a line."""
    return msgspec.json.encode(message) + b"\n"


def decode(line: bytes, decoder: msgspec.json.Decoder[T], what: str) -> T:
    """The message in a line. Raises Misfit, which begins with `what` and names the reason and the line."""
    try:
        return decoder.decode(line)
    except msgspec.DecodeError as error:
        raise Misfit(f"{what}: {error} (the line: {line[:_SHOWN_BYTES]!r})") from None


class Orders(Generic[T]):
    """The orders that the bench gives to a process. No byte is buffered where `waiting` does not see it."""

    def __init__(
        self, process: str, decoder: msgspec.json.Decoder[T], descriptor: int,
        receive: Callable[[int], bytes] | None = None,
    ) -> None:  # fmt: skip
        """`process` names the reader in errors. `receive` reads from the descriptor; by default it is os.read."""
        self._process, self._decoder, self._descriptor = process, decoder, descriptor
        self._receive = receive or partial(os.read, descriptor)
        self._lines = Lines()

    def waiting(self, timeout_s: float) -> bool:
        """Whether the next line has begun to arrive within the time."""
        return bool(self._lines.pending or select.select([self._descriptor], [], [], timeout_s)[0])

    def hello(self, kind: type[Hello]) -> Hello | None:
        """The first line, which says what this process works with; otherwise as `next`."""
        return self._next(msgspec.json.Decoder(kind), "the first line")

    def next(self) -> T | None:
        """The next order; None once the bench has closed its end. Raises Misfit."""
        return self._next(self._decoder, "an order")

    def _next(self, decoder: msgspec.json.Decoder[Hello], what: str) -> Hello | None:
        while (line := self._lines.take()) is None:
            data = self._receive(_READ_BYTES)
            if not data:
                return None
            self._lines.feed(data)
        return decode(line, decoder, f"{what} to the {self._process} does not fit")
