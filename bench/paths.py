"""The paths between server and subscribers that the bench can emulate: a table, and the decisions of a path. Pure.

A *path* defines when bytes are passed on, in what pieces, and when a connection ends. Every decision follows from a
seed and from the times in the table; `bench.proxy` carries the decisions out in user space. TCP itself is unchanged: no
segment is lost or reordered, the path changes no window, and a reset is a real one. So a path emulates what an
application observes of a poor network, not the network.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

MS = 1_000_000
S = 1_000 * MS
Range = tuple[int, int]  # drawn evenly from the first to the second, both included


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A path. It applies to each direction of every connection separately.

    delay_ns, jitter_ns: the delay of bytes, and the most that chance adds to it; the order of bytes is kept. The first
    bytes to the server wait one round trip longer, in place of the handshake of TCP.
    bytes_per_s: the rate; 0: unlimited. piece_bytes, apart_ns: the sizes of the pieces that bytes are cut into, and the
    time between two pieces. stall_every_ns, stall_ns: the time between two stalls, and the length of a stall.
    life_ns: when a connection is reset. Stalls and resets happen only while faults are injected (see `Unrest`).
    """

    name: str
    description: str
    delay_ns: int = 0
    jitter_ns: int = 0
    bytes_per_s: int = 0
    piece_bytes: Range | None = None
    apart_ns: int = 0
    stall_every_ns: Range | None = None
    stall_ns: int = 0
    life_ns: Range | None = None

    @property
    def carries_bytes_per_s(self) -> float:
        """How many bytes per second pass in one direction of a connection on average; 0: unlimited."""
        piece_bytes = sum(self.piece_bytes) / 2 if self.piece_bytes else 0.0
        apart = S * piece_bytes / self.apart_ns if self.apart_ns else 0.0
        return min((rate for rate in (float(self.bytes_per_s), apart) if rate), default=0.0)


DIRECT = "direct"
# The time before the end of the measured part without stalls and resets, so that every subscriber can reconnect.
CALM_NS = S
_TABLE = (
    Path(name=DIRECT, description="nothing is added"),
    Path(name="far", description="20 ms one way, and up to 5 ms more by chance", delay_ns=20 * MS, jitter_ns=5 * MS),
    Path(name="narrow", description="8,000 bytes per second in each direction of every connection", bytes_per_s=8_000,
         piece_bytes=(256, 256)),
    Path(name="fragments", description="cut into pieces of 1 to 7 bytes that follow each other by 2 ms",
         piece_bytes=(1, 7), apart_ns=2 * MS),
    Path(name="resets", description="every connection is reset after 0.25 to 1 s", life_ns=(S // 4, S)),
    Path(name="stalls", description="nothing passes for 0.25 s, every 0.25 to 0.5 s in each direction of every"
         " connection", stall_every_ns=(S // 4, S // 2), stall_ns=S // 4),
)  # fmt: skip
PATHS: Mapping[str, Path] = MappingProxyType({path.name: path for path in _TABLE})

# The note beside every number that was measured over a path that is not direct.
EMULATED = "emulated in user space by a TCP proxy of the bench"


def leads_elsewhere(parameters: Mapping[str, Any]) -> bool:
    """Whether a trial with these parameters goes over a path that is not direct. Laws and claims hold for
    loopback and do not apply to it."""
    path: object = parameters.get("path", DIRECT)
    return path != DIRECT


@dataclass(frozen=True, slots=True)
class Unrest:
    """When stalls and resets may begin: from `from_ns` until `until_ns`."""

    from_ns: int
    until_ns: int


class Lane:
    """One direction of one connection: in what pieces its bytes are passed on, and when.

    Times are arguments and never decrease. `handshake_until_ns`: before that time no byte is passed on.
    """

    __slots__ = ("_free_ns", "_path", "_rng", "_stall_ns", "_unrest", "handshake_until_ns", "stalls")

    def __init__(self, path: Path, seed: str) -> None:
        self._path = path
        self._rng = random.Random(seed)
        self._free_ns = 0  # when the previous piece has passed
        self._unrest: Unrest | None = None
        self._stall_ns = 0  # when the next stall begins, once faults are injected
        self.handshake_until_ns = 0
        self.stalls = 0

    def disturb(self, unrest: Unrest, now_ns: int) -> None:
        """Allow stalls within `unrest` from now on."""
        if self._path.stall_every_ns is not None:
            self._unrest = unrest
            self._stall_ns = max(unrest.from_ns, now_ns) + self._rng.randint(*self._path.stall_every_ns)

    def feed(self, data: bytes, now_ns: int) -> Iterator[tuple[int, bytes]]:
        """(due_ns, piece) of every piece of `data`, which arrived at `now_ns`: complete, in order, and never due
        before an earlier piece."""
        path = self._path
        begins_ns = max(now_ns, self.handshake_until_ns)
        ready_ns = begins_ns + path.delay_ns + (self._rng.randint(0, path.jitter_ns) if path.jitter_ns else 0)
        for piece in self._cut(data):
            due_ns = max(ready_ns, self._free_ns)
            if path.bytes_per_s:
                due_ns += len(piece) * S // path.bytes_per_s
            if self._unrest is not None:
                due_ns = self._past_stalls(self._unrest, due_ns)
            self._free_ns = due_ns + path.apart_ns
            yield due_ns, piece

    def end(self, now_ns: int) -> int:
        """When the end of the stream, which arrived at `now_ns`, is passed on: after all pieces."""
        return max(now_ns + self._path.delay_ns, self._free_ns)

    def _cut(self, data: bytes) -> Iterator[bytes]:
        sizes, start = self._path.piece_bytes, 0
        while start < len(data):
            size = self._rng.randint(*sizes) if sizes else len(data)
            yield data[start : start + size]
            start += size

    def _past_stalls(self, unrest: Unrest, due_ns: int) -> int:
        """`due_ns`, or the end of the stall that contains it."""
        path = self._path
        assert path.stall_every_ns is not None
        while self._stall_ns <= due_ns and self._stall_ns < unrest.until_ns:
            ends_ns = self._stall_ns + path.stall_ns
            if due_ns < ends_ns:
                due_ns = ends_ns
                self.stalls += 1
            self._stall_ns = ends_ns + self._rng.randint(*path.stall_every_ns)
        return due_ns


def handshake_ns(path: Path) -> int:
    """How long the handshake of TCP would take over the path: one round trip."""
    return 2 * path.delay_ns


def reset_ns(path: Path, seed: str, opened_ns: int, unrest: Unrest) -> int | None:
    """When a connection that was opened at `opened_ns` is reset; None: never."""
    if path.life_ns is None:
        return None
    at_ns = max(opened_ns, unrest.from_ns) + random.Random(seed).randint(*path.life_ns)
    return at_ns if at_ns < unrest.until_ns else None
