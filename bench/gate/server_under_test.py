"""A server under test: our client halves and the ingest, with deadlines, for the conformance checks."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import gevent

from bench import clients
from bench.clients import ConnectError, Subscriber, Subscription, Target
from bench.processes.server import Server
from bench.reactor.reactor import Reactor
from bench.results import BrokerFacts
from servers import Variant

WITHIN_S = 5.0
# With it, the 500 texts of a check take half of the deadline. A Redis on this machine takes a fifth of it.
EXPECTED_PUBLISH_NS = 5_000_000
MOST_TIMES = 40.0
PROBE_EVERY_S = 0.05
_CHECK_EVERY_S = 0.002
_PROBE = b'{"probe":1}'


class Refuted(AssertionError):
    """A server does not do what a check expects. The message says what it did."""


class Receiver:
    """A subscriber that keeps the texts it receives, except probes. probed: it has received a probe."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.errors: list[str] = []
        self.probed = False
        self.subscriber: Subscriber

    def on_text(self, text: bytes, received_ns: int) -> None:
        """Keep a text."""
        if text == _PROBE:
            self.probed = True
        else:
            self.texts.append(bytes(text))


def times_longer(broker: BrokerFacts | None) -> float:
    """The factor by which the deadlines of checks are longer: as many times as one publish over the broker takes longer
    than expected. A distant broker is no fault of the variant."""
    publish_ns = (broker.publish_ns or 0) if broker else 0
    return min(max(1.0, publish_ns / EXPECTED_PUBLISH_NS), MOST_TIMES)


class ServerUnderTest:
    """A running server of `variant`, and everything that a check does to it. Use as a context manager."""

    def __init__(self, name: str, variant: Variant, within_s: float = WITHIN_S) -> None:
        self.name, self.variant = name, variant
        self.within_s = within_s
        self.reactor = Reactor()
        self._client = clients.load(variant.client)
        self._receivers: list[Receiver] = []
        self._topics = 0

    def __enter__(self) -> Self:
        self.process = Server(self.name, ())
        try:
            self.process.wait_until_ready()
            self.within_s *= times_longer(self.process.used_broker)
            self._ingest = socket.create_connection(("127.0.0.1", self.process.ingest_port), timeout=WITHIN_S)
            self._ingest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ingest.sendall(self.process.token.encode() + b"\n")
        except BaseException:
            self.process.end(gently=False)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close_all()
        self._ingest.close()
        self.process.end(gently=True)

    def new_topic(self) -> str:
        """A topic that was never used."""
        self._topics += 1
        return f"check-{self.process.nonce}-{self._topics}"

    def publish(self, topic: str, *texts: bytes) -> None:
        """Publish through the ingest port. Subscribers are served meanwhile."""
        data = memoryview(b"".join(topic.encode() + b"\t" + text + b"\n" for text in texts))
        self._ingest.setblocking(False)
        deadline = time.monotonic() + self.within_s
        while data:
            try:
                data = data[self._ingest.send(data) :]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refuted(f"the ingest port read nothing for {self.within_s:g} s") from None
                gevent.sleep(_CHECK_EVERY_S)

    def subscribe(self, topic: str, *, after: str | None = None, reactor: Reactor | None = None) -> Receiver:
        """Open a subscription. The server may not know it yet when this returns (see `subscribed`)."""
        receiver = Receiver()
        target = Target("127.0.0.1", self.process.port, self.variant.wire, poll_interval_s=0.02, hold_s=20.0)
        subscription = Subscription(target, topic, receiver.on_text, receiver.errors.append, after)
        receiver.subscriber = self._client(reactor or self.reactor, subscription)
        try:
            receiver.subscriber.open(self.within_s)
        except ConnectError as error:
            raise Refuted(f"could not subscribe: {error}") from error
        self._receivers.append(receiver)
        return receiver

    def subscribed(self, topic: str, count: int = 1, *, reactor: Reactor | None = None) -> list[Receiver]:
        """Subscribers of `topic` that have each received a probe: from now on every text must reach them."""
        receivers = [self.subscribe(topic, reactor=reactor) for _ in range(count)]
        self.probe(topic, receivers)
        return receivers

    def probe(self, topic: str, receivers: Sequence[Receiver]) -> None:
        """Publish probes until all `receivers` have received one. Raises Refuted."""
        deadline = time.monotonic() + self.within_s
        while not all(receiver.probed for receiver in receivers):
            if time.monotonic() > deadline:
                probed = sum(receiver.probed for receiver in receivers)
                raise Refuted(f"{probed} of {len(receivers)} received a probe within {self.within_s:g} s")
            self.publish(topic, _PROBE)
            self._until(lambda: all(receiver.probed for receiver in receivers), PROBE_EVERY_S)

    def expect(self, what: str, true: Callable[[], bool], within_s: float | None = None) -> None:
        """Wait until a condition is true. Raises Refuted, which names `what` was expected."""
        if not self._until(true, within_s or self.within_s):
            raise Refuted(f"expected {what} within {within_s or self.within_s:g} s")

    def expect_texts(self, receiver: Receiver, texts: Sequence[bytes], within_s: float | None = None) -> None:
        """Wait until a subscriber has received this number of texts, and compare all of them. Raises Refuted."""
        self._until(lambda: len(receiver.texts) >= len(texts) or bool(receiver.errors), within_s or self.within_s)
        if receiver.texts != list(texts):
            errors = f"; errors: {receiver.errors[:3]}" if receiver.errors else ""
            raise Refuted(_difference(receiver.texts, texts) + errors)

    def drain(self, topic: str, receivers: Sequence[Receiver]) -> None:
        """Publish one more text and wait until all have received it, and so everything that was sent before it."""
        self.publish(topic, last := b'{"last":1}')
        self.expect("the last text to arrive", lambda: all(last in receiver.texts for receiver in receivers))
        for receiver in receivers:
            receiver.texts.remove(last)

    @staticmethod
    def _until(true: Callable[[], bool], within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while not true():
            if time.monotonic() > deadline:
                return False
            gevent.sleep(_CHECK_EVERY_S)
        return True

    def close(self, *receivers: Receiver) -> None:
        """Close subscriptions."""
        for receiver in receivers:
            receiver.subscriber.close()
            self._receivers.remove(receiver)

    def close_all(self) -> None:
        """Close every subscription."""
        self.close(*list(self._receivers))

    def health(self) -> dict[str, Any]:
        """The answer to GET /health. Raises Refuted."""
        status, body = self.get("/health")
        if status != 200:
            raise Refuted(f"/health answered {status}")
        facts: dict[str, Any] = json.loads(body)
        return facts

    def get(self, path: str, connection: http.client.HTTPConnection | None = None) -> tuple[int, bytes]:
        """(status, body) of a GET, on a connection of its own unless one is given."""
        used = connection or http.client.HTTPConnection("127.0.0.1", self.process.port, timeout=self.within_s)
        used.request("GET", path)
        response = used.getresponse()
        body = response.read()
        if connection is None:
            used.close()
        return response.status, body


def _difference(received: Sequence[bytes], expected: Sequence[bytes]) -> str:
    """The first difference between two sequences of texts, in words."""
    for index, (left, right) in enumerate(zip(received, expected, strict=False)):
        if left != right:
            return (
                f"text {index} of {len(expected)} is {left[:60]!r} ({len(left)} B), not {right[:60]!r} ({len(right)} B)"
            )
    return f"received {len(received)} texts, not {len(expected)}"
