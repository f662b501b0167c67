import pytest

from bench import clients
from bench.clients import Subscription, Target
from tests.clients._receipts import INTERVAL_S, WIRES, Receipts
from tests.clients._servers import HttpServer, WebSocketServer
from tests.reactor.conftest import closing, reactor

__all__ = ["closing", "reactor", "server_for", "subscribe"]


@pytest.fixture
def subscribe(reactor):
    """Makes subscribers, opens them unless `opened` is false, and closes them after the test."""
    subscribers = []

    def make(name, port, topic="t", *, wire=None, after=None, phase=0.0, hold_s=5.0, opened=True, on_text=None):
        receipts = Receipts()
        target = Target("127.0.0.1", port, wire or WIRES[name], poll_interval_s=INTERVAL_S, hold_s=hold_s)
        subscription = Subscription(target, topic, on_text or receipts.on_text, receipts.errors.append, after, phase)
        subscriber = clients.load(name)(reactor, subscription)
        receipts.subscriber = subscriber
        subscribers.append(subscriber)
        if opened:
            receipts.opened_ns = subscriber.open(10)
        return receipts

    yield make
    for subscriber in subscribers:
        subscriber.close()


@pytest.fixture
def server_for(closing):
    """Starts the server for the wire protocol of a client half."""
    return lambda name: closing(WebSocketServer() if name == "websocket" else HttpServer())
