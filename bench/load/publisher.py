"""The publisher: one process that sends every message when it is due by its clock, and records how late it was.

Its orders arrive as lines on standard input and are answered on standard output (see `bench.processes.orders`). It
imports only the standard library, msgspec and the schema: it must start fast, and it shares a core with the load
generator.
"""

from __future__ import annotations

import socket
import sys
import time

import msgspec

from bench.messages import PROBE_FROM, Composer
from bench.processes.lines import Orders, encode
from bench.processes.orders import Answer, Probe, Probed, Publish, Published, PublisherHello, PublisherOrder, Stop
from bench.processes.waking import wake_on_time

PROBE_EVERY_S = 0.02


def sleep_until(due_ns: int) -> None:
    """Return at `due_ns` of the monotonic clock, or at once if that is in the past."""
    ahead_ns = due_ns - time.monotonic_ns()
    if ahead_ns > 0:
        time.sleep(ahead_ns / 1e9)


class Ingest:
    """The connection to the ingest port of the server. A lost connection is opened anew for the next message."""

    def __init__(self, port: int, token: str) -> None:
        """Raises OSError if there is no server."""
        self._port, self._token = port, token
        self._socket: socket.socket | None = None
        self._connect()

    def send(self, data: bytes) -> bool:
        """Whether the kernel accepted the data. A server that dies still loses what it had not read."""
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


def probe(ingest: Ingest, composer: Composer, orders: Orders[PublisherOrder], order: Probe) -> Probed:
    """Publish probes until the next order arrives."""
    published, pause_s = 0, 0.0
    while not orders.waiting(pause_s):
        text = composer.compose(PROBE_FROM + published, time.monotonic_ns())
        published += ingest.send(order.topic.encode() + b"\t" + text + b"\n")
        pause_s = order.every_s
    return Probed(published=published)


def publish(ingest: Ingest, composer: Composer, order: Publish) -> Published:
    """Publish all messages of the schedule; slip is the moment before the send minus the due time.

    A burst is composed before it is due and sent in one piece, as messages that are due at once. `unsent` counts the
    messages that could not be sent because the server was gone.
    """
    head, schedule = order.topic.encode() + b"\t", order.schedule
    slips_ns: list[int] = []
    unsent = 0
    for first in range(0, order.count, schedule.burst):
        due = schedule.due_ns(first)
        numbers = range(first, min(first + schedule.burst, order.count))
        lines = b"".join(head + composer.compose(index, due) + b"\n" for index in numbers)
        sleep_until(due)
        slips_ns += [time.monotonic_ns() - due] * len(numbers)
        unsent += 0 if ingest.send(lines) else len(numbers)
    return Published(published=order.count - unsent, unsent=unsent, slips_ns=slips_ns)


def carry_out(
    order: PublisherOrder, ingest: Ingest, composer: Composer, orders: Orders[PublisherOrder]
) -> Answer | None:
    """The answer to an order that was carried out; None for one without an answer."""
    match order:
        case Probe():
            return probe(ingest, composer, orders, order)
        case Publish():
            return publish(ingest, composer, order)
        case Stop():
            return None


def main() -> None:
    """Connect to the ingest port of the first line, then carry out orders until standard input closes."""
    wake_on_time()
    orders: Orders[PublisherOrder] = Orders("publisher", msgspec.json.Decoder(PublisherOrder), sys.stdin.fileno())
    hello = orders.hello(PublisherHello)
    if hello is None:
        return
    composer = Composer(hello.seed, hello.payload_bytes)
    ingest = Ingest(hello.ingest_port, hello.token)
    while (order := orders.next()) is not None:
        answer = carry_out(order, ingest, composer, orders)
        if answer is not None:
            sys.stdout.buffer.write(encode(answer))
            sys.stdout.buffer.flush()
    ingest.close()


if __name__ == "__main__":
    main()
