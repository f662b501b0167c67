import hypothesis
import pytest

from bench import clients
from bench.clients import Subscription, Target
from bench.clients._reactor import Reactor
from tests.clients._ears import INTERVAL_S, WIRES, Ear
from tests.clients._servers import HttpServer, WebSocketServer

# how long an example takes says more about the machine than about a parser
hypothesis.settings.register_profile("clients", deadline=None)
hypothesis.settings.load_profile("clients")


@pytest.fixture(params=["epoll", "lingering", "watchers"])
def reactor(request):
    """A reactor, over every way of waiting for readiness."""
    one = Reactor(use_epoll=request.param != "watchers")
    one.readiness.bypasses_hub = request.param == "lingering"
    yield one
    one.close()


@pytest.fixture
def closing():
    """Takes servers and closes them after the test."""
    open_ones = []

    def take(server):
        open_ones.append(server)
        return server

    yield take
    for server in open_ones:
        server.close()


@pytest.fixture
def subscribe(reactor):
    """Makes subscribers, opens them unless told otherwise, and closes them after the test."""
    subscribers = []

    def make(name, port, topic="t", *, wire=None, after=None, phase=0.0, hold_s=5.0, opened=True, on_text=None):
        ear = Ear()
        target = Target("127.0.0.1", port, wire or WIRES[name], poll_interval_s=INTERVAL_S, hold_s=hold_s)
        subscription = Subscription(target, topic, on_text or ear.on_text, ear.errors.append, after, phase)
        subscriber = clients.load(name)(reactor, subscription)
        ear.subscriber = subscriber
        subscribers.append(subscriber)
        if opened:
            ear.opened_ns = subscriber.open(10)
        return ear

    yield make
    for subscriber in subscribers:
        subscriber.close()


@pytest.fixture
def server_for(closing):
    """Starts the server that speaks a client half's wire contract."""
    return lambda name: closing(WebSocketServer() if name == "websocket" else HttpServer())
