"""The publisher: one process that owns the clock, sends every message when it is due, and records how late it was.

It is told what to do by lines of JSON on standard input and answers on standard output:

    {"do": "probe", ...}    publish probes until the next line arrives  -> {"done": "probe", "published": 12}
    {"do": "publish", ...}  publish an open-loop schedule               -> {"done": "publish", "slips_ns": [...], ...}

Only the standard library is imported: it starts in tens of milliseconds and shares a core with the load generator.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from bench.messages import PROBE_FROM, Composer
from bench.schedule import due_ns

PROBE_EVERY_S = 0.02
_PR_SET_TIMERSLACK = 29
_SCHED_SETATTR = {"x86_64": 314, "aarch64": 274}  # the C library has no wrapper for it
_SLICE_NS = 100_000  # the shortest that Linux grants


def wake_on_time() -> None:
    """Ask Linux to wake this process when it said, and to let it run although the load generator shares its core.

    The first is the timer slack, 50 µs by default. The second is a short slice, which EEVDF (Linux 6.12) turns into an
    early deadline: the scheduler then need not wait for the load generator to use up its own. Neither needs privileges,
    and where they are unknown nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
    if number := _SCHED_SETATTR.get(platform.machine()):
        # struct sched_attr: size, policy SCHED_OTHER, flags, nice, priority, runtime (the slice), deadline, period
        libc.syscall(number, 0, struct.pack("=IIQiIQQQ", 48, 0, 0, 0, 0, _SLICE_NS, 0, 0), 0)


def sleep_until(due_ns: int) -> None:
    """Return at `due_ns` of the monotonic clock, or at once if that is past."""
    ahead_ns = due_ns - time.monotonic_ns()
    if ahead_ns > 0:
        time.sleep(ahead_ns / 1e9)


class Orders:
    """Lines of JSON from a file descriptor. Nothing is buffered out of sight of `waiting`."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._pending = b""

    def waiting(self, timeout_s: float) -> bool:
        """Whether the next line has begun to arrive within the time."""
        return bool(self._pending or select.select([self._descriptor], [], [], timeout_s)[0])

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The orders, until the other end closes."""
        while True:
            while b"\n" not in self._pending:
                data = os.read(self._descriptor, 1 << 16)
                if not data:
                    return
                self._pending += data
            line, _, self._pending = self._pending.partition(b"\n")
            yield json.loads(line)


class Ingest:
    """The connection to the server's ingest port. One that is lost is opened anew for the next message."""

    def __init__(self, port: int, token: str) -> None:
        """Raises OSError if there is no server."""
        self._port, self._token = port, token
        self._socket: socket.socket | None = None
        self._connect()

    def send(self, data: bytes) -> bool:
        """Whether the data could be handed to the kernel. What the server had not read when it died is lost all the
        same."""
        try:
            if self._socket is None:
                self._connect()
            assert self._socket is not None
            self._socket.sendall(data)
        except OSError:
            self.close()
            return False
        return True

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _connect(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(30)
        self._socket.sendall(self._token.encode() + b"\n")


def probe(
    ingest: Ingest, composer: Composer, orders: Orders, topic: str, every_s: float = PROBE_EVERY_S, **_: Any
) -> dict[str, Any]:
    """Publish probes until there is a next order."""
    published, pause_s = 0, 0.0
    while not orders.waiting(pause_s):
        text = composer.compose(PROBE_FROM + published, time.monotonic_ns())
        published += ingest.send(topic.encode() + b"\t" + text + b"\n")
        pause_s = every_s
    return {"published": published}


def publish(
    ingest: Ingest, composer: Composer, orders: Orders, topic: str,
    start_ns: int, rate_hz: float, count: int, burst: int = 1, **_: Any,
) -> dict[str, Any]:  # fmt: skip
    """Publish `count` messages on the schedule; slip is the moment before the send minus the due time.

    A burst is composed before it is due and sent in one piece: nobody can say that it arrived one by one. What could
    not be sent, because the server was gone, is `unsent`.
    """
    head = topic.encode() + b"\t"
    slips_ns: list[int] = []
    unsent = 0
    for first in range(0, count, burst):
        due = due_ns(start_ns, rate_hz, first, burst)
        numbers = range(first, min(first + burst, count))
        lines = b"".join(head + composer.compose(index, due) + b"\n" for index in numbers)
        sleep_until(due)
        slips_ns += [time.monotonic_ns() - due] * len(numbers)
        unsent += 0 if ingest.send(lines) else len(numbers)
    return {"published": count - unsent, "unsent": unsent, "slips_ns": slips_ns}


ACTIONS: dict[str, Callable[..., dict[str, Any]]] = {"probe": probe, "publish": publish}


def main() -> None:
    """Connect to the ingest port as the first line says, then follow orders until standard input closes."""
    wake_on_time()
    orders = Orders(sys.stdin.fileno())
    following = iter(orders)
    hello = next(following)
    composer = Composer(hello["seed"], hello["payload_bytes"])
    ingest = Ingest(hello["ingest_port"], hello["token"])
    for order in following:
        if order["do"] in ACTIONS:
            answer = ACTIONS[order["do"]](ingest, composer, orders, **order)
            print(json.dumps({"done": order["do"], **answer}), flush=True)
    ingest.close()


if __name__ == "__main__":
    main()
