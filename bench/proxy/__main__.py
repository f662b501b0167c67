"""The proxy's process: a port on loopback whose every connection leads over a path to the server.

It is told what to do by lines of JSON on standard input and answers on standard output:

    {"port": 8000, "path": "far", "seed": 1}              listen           -> {"done": "listen", "port": 40001}
    {"do": "disturb", "from_ns": ..., "until_ns": ...}    stalls and resets may begin, between these moments
    {"do": "count"}                                       say what was done -> {"done": "count", "connections": 50, ...}

It ends when standard input closes.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
from typing import Any

from bench.load.publisher import Orders, wake_on_time
from bench.paths import PATHS, Path, Unrest
from bench.proxy._connection import HOST, Connection, reset
from bench.proxy._loop import Loop


class Proxy:
    """A listening port on loopback whose every connection leads over a path to the server."""

    def __init__(self, loop: Loop, port: int, path: Path, seed: int) -> None:
        self._loop, self._port, self._path, self._seed = loop, port, path, seed
        self._connections: set[Connection] = set()
        self._unrest: Unrest | None = None
        self.counts = {"connections": 0, "resets": 0, "stalls": 0, "pieces": 0}
        self._listener = socket.create_server((HOST, 0), backlog=4096)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        loop.watch(self._listener.fileno(), selectors.EVENT_READ, self._accept)

    def disturb(self, unrest: Unrest) -> None:
        """From now on connections may stall and be reset, those to come included."""
        self._unrest = unrest
        for connection in list(self._connections):
            connection.disturb(unrest)

    def count(self) -> dict[str, int]:
        """What was done so far."""
        open_now = sum(one.up.lane.stalls + one.down.lane.stalls for one in self._connections)
        return {**self.counts, "stalls": self.counts["stalls"] + open_now}

    def _accept(self, _events: int) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except BlockingIOError:
                return
            self.counts["connections"] += 1
            seed = f"{self._seed}/{self.counts['connections']}"
            try:
                connection = Connection(
                    self._loop, near, self._port, self._path, seed, self.counts, self._connections.discard
                )
            except OSError:
                reset(near)
                continue
            self._connections.add(connection)
            if self._unrest is not None:
                connection.disturb(self._unrest)


def _say(done: str, **facts: Any) -> None:
    print(json.dumps({"done": done, **facts}), flush=True)


def main() -> None:
    """Listen as the first line says, then hand on what comes and follow orders until standard input closes."""
    wake_on_time()
    orders = Orders(sys.stdin.fileno())
    following = iter(orders)
    hello = next(following)
    loop = Loop()
    proxy = Proxy(loop, hello["port"], PATHS[hello["path"]], hello["seed"])
    _say("listen", port=proxy.port)
    going_on = True

    def obey(_events: int) -> None:
        nonlocal going_on
        while going_on and orders.waiting(0):
            order = next(following, None)
            if order is None:
                going_on = False
            elif order["do"] == "disturb":
                proxy.disturb(Unrest(order["from_ns"], order["until_ns"]))
            elif order["do"] == "count":
                _say("count", **proxy.count())

    loop.watch(sys.stdin.fileno(), selectors.EVENT_READ, obey)
    while going_on:
        loop.turn()


if __name__ == "__main__":
    main()
