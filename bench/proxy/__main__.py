"""The process of the proxy: a port on loopback whose every connection leads over a path to the server.

Its orders arrive as lines on standard input and are answered on standard output (see `bench.processes.orders`). It ends
when standard input closes.
"""

from __future__ import annotations

import selectors
import socket
import sys

import msgspec

from bench.paths import PATHS, Path, Unrest
from bench.processes.lines import Orders, encode
from bench.processes.orders import Answer, Disturb, Listening, ProxyCounts, ProxyHello, ProxyOrder, ReportCounts
from bench.processes.waking import wake_on_time
from bench.proxy._connection import HOST, Connection, Counts, reset
from bench.proxy._loop import Loop


class Proxy:
    """A listening port on loopback whose every connection leads over a path to the server."""

    def __init__(self, loop: Loop, port: int, path: Path, seed: int) -> None:
        self._loop, self._port, self._path, self._seed = loop, port, path, seed
        self._connections: set[Connection] = set()
        self._unrest: Unrest | None = None
        self.counts = Counts()
        self._listener = socket.create_server((HOST, 0), backlog=4096)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        loop.watch(self._listener.fileno(), selectors.EVENT_READ, self._accept)

    def disturb(self, unrest: Unrest) -> None:
        """Let connections stall and be reset from now on, later connections included."""
        self._unrest = unrest
        for connection in list(self._connections):
            connection.disturb(unrest)

    def counted(self) -> ProxyCounts:
        """What the proxy has done so far."""
        counts = self.counts
        stalls = sum(one.up.lane.stalls + one.down.lane.stalls for one in self._connections)  # of those still open
        return ProxyCounts(
            connections=counts.connections, resets=counts.resets, stalls=counts.stalls + stalls, pieces=counts.pieces
        )

    def _accept(self, _events: int) -> None:
        while True:
            try:
                near, (address, _) = self._listener.accept()
            except BlockingIOError:
                return
            self.counts.connections += 1
            seed = f"{self._seed}/{self.counts.connections}"
            try:
                connection = Connection(
                    self._loop, near, address, self._port, self._path, seed, self.counts, self._connections.discard
                )
            except OSError:
                reset(near)
                continue
            self._connections.add(connection)
            if self._unrest is not None:
                connection.disturb(self._unrest)


def _write(answer: Answer) -> None:
    sys.stdout.buffer.write(encode(answer))
    sys.stdout.buffer.flush()


def _carry_out(order: ProxyOrder, proxy: Proxy) -> None:
    match order:
        case Disturb():
            proxy.disturb(Unrest(order.from_ns, order.until_ns))
        case ReportCounts():
            _write(proxy.counted())


def main() -> None:
    """Listen as the first line says, then carry bytes and carry out orders until standard input closes."""
    wake_on_time()
    orders: Orders[ProxyOrder] = Orders("proxy", msgspec.json.Decoder(ProxyOrder), sys.stdin.fileno())
    hello = orders.hello(ProxyHello)
    if hello is None:
        return
    loop = Loop()
    proxy = Proxy(loop, hello.port, PATHS[hello.path], hello.seed)
    _write(Listening(port=proxy.port))
    is_over = False

    def obey(_events: int) -> None:
        nonlocal is_over
        while not is_over and orders.waiting(0):
            order = orders.next()
            if order is None:
                is_over = True
            else:
                _carry_out(order, proxy)

    loop.watch(sys.stdin.fileno(), selectors.EVENT_READ, obey)
    while not is_over:
        loop.turn()


if __name__ == "__main__":
    main()
