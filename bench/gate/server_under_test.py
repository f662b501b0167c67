"""A server under examination: our client halves and the ingest, with deadlines, for the conformance checks."""

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
from bench.clients._reactor import Reactor
from bench.processes.server import Server
from servers import Variant

WITHIN_S = 5.0
PROBE_EVERY_S = 0.05
_LOOK_EVERY_S = 0.002
_PROBE = b'{"probe":1}'


class Refuted(AssertionError):
    """A check found something else than it expects."""


class Ear:
    """A subscriber that keeps what it hears, probes apart."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.errors: list[str] = []
        self.primed = False
        self.subscriber: Subscriber

    def on_text(self, text: bytes, received_ns: int) -> None:
        """Keep a text."""
        if text == _PROBE:
            self.primed = True
        else:
            self.heard.append(bytes(text))


class Subject:
    """A running server of `variant` and everything a check does to it. Use as a context manager."""

    def __init__(self, name: str, variant: Variant, within_s: float = WITHIN_S) -> None:
        self.name, self.variant = name, variant
        self.within_s = within_s
        self.reactor = Reactor()
        self._client = clients.load(variant.client)
        self._ears: list[Ear] = []
        self._topics = 0

    def __enter__(self) -> Self:
        self.server = Server(self.name, ())
        try:
            self.server.wait_until_ready()
            self._ingest = socket.create_connection(("127.0.0.1", self.server.ingest_port), timeout=WITHIN_S)
            self._ingest.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._ingest.sendall(self.server.token.encode() + b"\n")
        except BaseException:
            self.server.end(gently=False)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up()
        self._ingest.close()
        self.server.end(gently=True)

    def topic(self) -> str:
        """A topic nobody has used."""
        self._topics += 1
        return f"check-{self.server.nonce}-{self._topics}"

    def publish(self, topic: str, *texts: bytes) -> None:
        """Publish through the ingest port, letting subscribers be served meanwhile."""
        data = memoryview(b"".join(topic.encode() + b"\t" + text + b"\n" for text in texts))
        self._ingest.setblocking(False)
        deadline = time.monotonic() + self.within_s
        while data:
            try:
                data = data[self._ingest.send(data) :]
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Refuted(f"the ingest port took nothing for {self.within_s:g} s") from None
                gevent.sleep(_LOOK_EVERY_S)

    def subscribe(self, topic: str, *, after: str | None = None, reactor: Reactor | None = None) -> Ear:
        """Open a subscription; it may not stand yet when this returns (see `primed`)."""
        ear = Ear()
        target = Target("127.0.0.1", self.server.port, self.variant.wire, poll_interval_s=0.02, hold_s=20.0)
        subscription = Subscription(target, topic, ear.on_text, ear.errors.append, after)
        ear.subscriber = self._client(reactor or self.reactor, subscription)
        try:
            ear.subscriber.open(self.within_s)
        except ConnectError as error:
            raise Refuted(f"could not subscribe: {error}") from error
        self._ears.append(ear)
        return ear

    def primed(self, topic: str, count: int = 1, *, reactor: Reactor | None = None) -> list[Ear]:
        """Subscribers of `topic` who have each received a probe: from now on every text must reach them."""
        ears = [self.subscribe(topic, reactor=reactor) for _ in range(count)]
        self.prime(topic, ears)
        return ears

    def prime(self, topic: str, ears: Sequence[Ear]) -> None:
        """Publish probes until all `ears` have received one."""
        deadline = time.monotonic() + self.within_s
        while not all(ear.primed for ear in ears):
            if time.monotonic() > deadline:
                raise Refuted(
                    f"{sum(ear.primed for ear in ears)} of {len(ears)} received a probe within {self.within_s:g} s"
                )
            self.publish(topic, _PROBE)
            self._until(lambda: all(ear.primed for ear in ears), PROBE_EVERY_S)

    def expect(self, what: str, true: Callable[[], bool], within_s: float | None = None) -> None:
        """Wait until something is true. Raises Refuted with `what` was expected."""
        if not self._until(true, within_s or self.within_s):
            raise Refuted(f"expected {what} within {within_s or self.within_s:g} s")

    def expect_heard(self, ear: Ear, texts: Sequence[bytes], within_s: float | None = None) -> None:
        """Wait until an ear has heard as many texts, and compare all of them. Raises Refuted."""
        self._until(lambda: len(ear.heard) >= len(texts) or bool(ear.errors), within_s or self.within_s)
        if ear.heard != list(texts):
            raise Refuted(_difference(ear.heard, texts) + (f"; errors: {ear.errors[:3]}" if ear.errors else ""))

    def settle(self, topic: str, ears: Sequence[Ear]) -> None:
        """Publish one more text and wait until all have it: whatever was to come before it has come."""
        self.publish(topic, last := b'{"last":1}')
        self.expect("the last text to arrive", lambda: all(last in ear.heard for ear in ears))
        for ear in ears:
            ear.heard.remove(last)

    @staticmethod
    def _until(true: Callable[[], bool], within_s: float) -> bool:
        deadline = time.monotonic() + within_s
        while not true():
            if time.monotonic() > deadline:
                return False
            gevent.sleep(_LOOK_EVERY_S)
        return True

    def leave(self, *ears: Ear) -> None:
        """Close subscriptions."""
        for ear in ears:
            ear.subscriber.close()
            self._ears.remove(ear)

    def hang_up(self) -> None:
        """Close every subscription."""
        self.leave(*list(self._ears))

    def health(self) -> dict[str, Any]:
        """What /health says."""
        status, body = self.get("/health")
        if status != 200:
            raise Refuted(f"/health answered {status}")
        facts: dict[str, Any] = json.loads(body)
        return facts

    def get(self, path: str, connection: http.client.HTTPConnection | None = None) -> tuple[int, bytes]:
        """(status, body) of a GET, on a connection of its own unless one is given."""
        used = connection or http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=self.within_s)
        used.request("GET", path)
        response = used.getresponse()
        body = response.read()
        if connection is None:
            used.close()
        return response.status, body


def _difference(heard: Sequence[bytes], expected: Sequence[bytes]) -> str:
    """Where two sequences of texts part."""
    for index, (left, right) in enumerate(zip(heard, expected, strict=False)):
        if left != right:
            return (
                f"text {index} of {len(expected)} is {left[:60]!r} ({len(left)} B), not {right[:60]!r} ({len(right)} B)"
            )
    return f"heard {len(heard)} texts, not {len(expected)}"
