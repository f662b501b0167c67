"""Subscribers by official libraries, one per wire protocol, each in a thread that records what it receives."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import httpx_sse
import pytest
import requests
import socketio
from engineio.payload import Payload
from websockets.sync.client import connect

import servers
from tests.servers._process import WITHIN_S, Server, eventually

Payload.max_decode_packets = 10_000  # the library rejects a poll of more than 16 messages by default


class Subscriber:
    """What one subscriber has received. `is_subscribed` is set when the server has confirmed the subscription."""

    def __init__(self, server: Server, topic: str) -> None:
        self.server = server
        self.topic = topic
        self.texts: list[bytes] = []
        self.is_subscribed = threading.Event()
        self.closing = threading.Event()
        self.failure: Exception | None = None
        self.wire = servers.load(server.name).wire
        self.publish_upstream: Callable[[bytes], object] = self._post

    def address_of(self, route: str = "subscribe") -> str:
        """Host, port and path of a route of the variant's wire protocol."""
        return self.server.address + self.wire[route].format(topic=self.topic)

    def _post(self, text: bytes) -> None:
        answer = requests.post(f"http://{self.address_of('upstream')}", text, timeout=WITHIN_S)
        assert answer.status_code == 204

    def expect(self, texts: list[bytes]) -> None:
        """Wait for that number of texts, and compare them."""
        eventually(lambda: self.failure or len(self.texts) >= len(texts), f"{self.server.name}: {len(texts)} texts")
        assert self.failure is None
        assert self.texts == texts


@contextmanager
def subscribed(server: Server, topic: str) -> Iterator[Subscriber]:
    """A subscriber of the topic, by an official library for the variant's wire protocol."""
    if servers.load(server.name).client not in _RECEIVE:
        pytest.skip(f"{server.name}: no subscriber by another library")
    subscriber = Subscriber(server, topic)
    thread = threading.Thread(target=_receive, args=(subscriber,), daemon=True)
    thread.start()
    try:
        assert subscriber.is_subscribed.wait(WITHIN_S)
        yield subscriber
    finally:
        subscriber.closing.set()
        if server.process.poll() is None:
            server.publish(topic, b"last")  # a thread that is reading returns, and finds `closing` set
        thread.join(WITHIN_S)
        assert not thread.is_alive()


def _receive(subscriber: Subscriber) -> None:
    try:
        _RECEIVE[servers.load(subscriber.server.name).client](subscriber)
    except Exception as failure:  # such as the end of the server: the test decides whether that is an error
        subscriber.failure = failure


def _polling(subscriber: Subscriber) -> None:
    after = None
    with requests.Session() as session:
        while not subscriber.closing.wait(0.005):
            parameters = {"hold": "5"} | ({"after": after} if after else {})
            answer = session.get(f"http://{subscriber.address_of()}", params=parameters, timeout=WITHIN_S)
            assert answer.status_code == 200
            assert "Push-Gap" not in answer.headers
            after = answer.headers["Push-Cursor"]
            subscriber.texts += answer.content.split(b"\n")[:-1]
            subscriber.is_subscribed.set()


def _server_sent_events(subscriber: Subscriber) -> None:
    if subscriber.wire.get("head") == "late":  # this wire protocol does not confirm the subscription
        subscriber.is_subscribed.set()
    with (
        httpx.Client(timeout=WITHIN_S) as client,
        httpx_sse.connect_sse(client, "GET", f"http://{subscriber.address_of()}") as source,
    ):
        assert source.response.status_code == 200
        subscriber.is_subscribed.set()
        events = source.iter_sse()
        while not subscriber.closing.is_set():
            subscriber.texts += [event.data.encode() for event in [next(events)] if event.data]


def _ndjson(subscriber: Subscriber) -> None:
    with requests.get(f"http://{subscriber.address_of()}", stream=True, timeout=WITHIN_S) as answer:
        lines = answer.iter_lines(chunk_size=None, delimiter=b"\n")
        assert set(json.loads(next(lines))) == {"cursor"}
        subscriber.is_subscribed.set()
        while not subscriber.closing.is_set():
            subscriber.texts += [json.loads(line)["text"].encode() for line in [next(lines)] if line]


def _websocket(subscriber: Subscriber) -> None:
    with connect(f"ws://{subscriber.address_of()}", max_size=None) as connection:
        subscriber.publish_upstream = lambda text: connection.send(f"{subscriber.topic}\t{text.decode()}")
        while not subscriber.closing.is_set():
            try:
                message = connection.recv(timeout=0.05)
            except TimeoutError:
                continue
            if isinstance(message, str):
                subscriber.texts.append(message.encode())
            subscriber.is_subscribed.set()


def _socketio(subscriber: Subscriber) -> None:
    client = socketio.Client(reconnection=False)  # otherwise a thread of it tries for ever after the end of a server
    wire, namespace = subscriber.wire, subscriber.wire["namespace"]
    client.on(wire["event"], lambda text: subscriber.texts.append(text.encode()), namespace=namespace)
    client.connect(f"http://{subscriber.server.address}", transports=[wire["transport"]], namespaces=[namespace])
    subscriber.publish_upstream = lambda text: client.emit(
        "publish", (subscriber.topic, text.decode()), namespace=namespace
    )
    assert client.call("subscribe", subscriber.topic, namespace=namespace, timeout=WITHIN_S) is None
    subscriber.is_subscribed.set()
    subscriber.closing.wait()
    client.disconnect()


_RECEIVE: dict[str, Callable[[Subscriber], None]] = {
    "polling": _polling,
    "long_polling": _polling,
    "sse": _server_sent_events,
    "ndjson": _ndjson,
    "websocket": _websocket,
    "socketio": _socketio,
}
