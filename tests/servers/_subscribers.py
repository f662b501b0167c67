"""Subscribers by official libraries, one per wire protocol, each in a thread that keeps what it hears."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import httpx_sse
import requests
import socketio
from engineio.payload import Payload
from websockets.sync.client import connect

from servers import _variant
from tests.servers._process import WITHIN_S, Server, eventually

Payload.max_decode_packets = 10_000  # the client gives up on a poll of more than 16 messages


class Subscriber:
    """What one subscriber has heard; `stands` is set when the server has shown that it is subscribed."""

    def __init__(self, server: Server, topic: str) -> None:
        self.server = server
        self.topic = topic
        self.texts: list[bytes] = []
        self.stands = threading.Event()
        self.leaving = threading.Event()
        self.failure: Exception | None = None
        self.publish_upstream: Callable[[bytes], object] = self._post

    def _post(self, text: bytes) -> None:
        path = _variant.load(self.server.name).wire["upstream"].format(topic=self.topic)
        answer = requests.post(f"http://{self.server.address}{path}", text, timeout=WITHIN_S)
        assert answer.status_code == 204

    def expect(self, texts: list[bytes]) -> None:
        """Wait for as many texts, and compare them."""
        eventually(lambda: self.failure or len(self.texts) >= len(texts), f"{self.server.name}: {len(texts)} texts")
        assert self.failure is None
        assert self.texts == texts


@contextmanager
def subscribed(server: Server, topic: str) -> Iterator[Subscriber]:
    """A subscriber of the topic, by the library that speaks the variant's wire protocol."""
    subscriber = Subscriber(server, topic)
    thread = threading.Thread(target=_listen, args=(subscriber,), daemon=True)
    thread.start()
    try:
        assert subscriber.stands.wait(WITHIN_S)
        yield subscriber
    finally:
        subscriber.leaving.set()
        if server.process.poll() is None:
            server.publish(topic, b"farewell")  # who is reading comes to see that it is to leave
        thread.join(WITHIN_S)
        assert not thread.is_alive()


def _listen(subscriber: Subscriber) -> None:
    try:
        _LISTEN[subscriber.server.name](subscriber)
    except Exception as failure:  # the end of the server among others: the test knows whether it was to end
        subscriber.failure = failure


def _poll(subscriber: Subscriber, path: str, interval_s: float) -> None:
    after = None
    with requests.Session() as session:
        while not subscriber.leaving.wait(interval_s):
            parameters = {"topic": subscriber.topic, "hold": "5"} | ({"after": after} if after else {})
            answer = session.get(f"http://{subscriber.server.address}{path}", params=parameters, timeout=WITHIN_S)
            assert answer.status_code == 200
            assert "Push-Gap" not in answer.headers
            after = answer.headers["Push-Cursor"]
            subscriber.texts += answer.content.split(b"\n")[:-1]
            subscriber.stands.set()


def _server_sent_events(subscriber: Subscriber) -> None:
    path = _variant.load(subscriber.server.name).wire["subscribe"].format(topic=subscriber.topic)
    with (
        httpx.Client(timeout=WITHIN_S) as client,
        httpx_sse.connect_sse(client, "GET", f"http://{subscriber.server.address}{path}") as source,
    ):
        assert source.response.status_code == 200
        subscriber.stands.set()
        events = source.iter_sse()
        while not subscriber.leaving.is_set():
            subscriber.texts += [event.data.encode() for event in [next(events)] if event.data]


def _flask_sse(subscriber: Subscriber) -> None:
    """Its head leaves with the first event only: the subscription stands, as far as one can tell, at once."""
    subscriber.stands.set()
    _server_sent_events(subscriber)


def _websocket(subscriber: Subscriber) -> None:
    with connect(f"ws://{subscriber.server.address}/ws?topic={subscriber.topic}", max_size=None) as connection:
        subscriber.publish_upstream = lambda text: connection.send(f"{subscriber.topic}\t{text.decode()}")
        while not subscriber.leaving.is_set():
            try:
                message = connection.recv(timeout=0.05)
            except TimeoutError:
                continue
            if isinstance(message, str):
                subscriber.texts.append(message.encode())
            subscriber.stands.set()


def _socketio(subscriber: Subscriber) -> None:
    wire = _variant.load(subscriber.server.name).wire
    client = socketio.Client()
    namespace = wire["namespace"]
    client.on(wire["event"], lambda text: subscriber.texts.append(text.encode()), namespace=namespace)
    client.connect(f"http://{subscriber.server.address}", transports=[wire["transport"]], namespaces=[namespace])
    subscriber.publish_upstream = lambda text: client.emit(
        "publish", (subscriber.topic, text.decode()), namespace=namespace
    )
    assert client.call("subscribe", subscriber.topic, namespace=namespace, timeout=WITHIN_S) is None
    subscriber.stands.set()
    subscriber.leaving.wait()
    client.disconnect()


_LISTEN: dict[str, Callable[[Subscriber], None]] = {
    "polling": lambda subscriber: _poll(subscriber, "/poll", 0.01),
    "long_polling": lambda subscriber: _poll(subscriber, "/wait", 0.0),
    "sse": _server_sent_events,
    "websocket": _websocket,
    "flask_sse": _flask_sse,
    "flask_socketio": _socketio,
    "flask_socketio_polling": _socketio,
}
