import hypothesis
import pytest

from bench import clients
from bench.clients import Subscription, Target
from bench.clients._reactor import Reactor
from tests.clients._receipts import INTERVAL_S, WIRES, Receipts
from tests.clients._servers import HttpServer, WebSocketServer

# no deadline: how long an example takes depends on the machine more than on a parser
hypothesis.settings.register_profile("clients", deadline=None)
hypothesis.settings.load_profile("clients")


@pytest.fixture(params=["epoll", "bypassing", "watchers"])
def reactor(request):
    """A reactor, with every way of waiting for readiness."""
    one = Reactor(use_epoll=request.param != "watchers")
    one.readiness.bypasses_hub = request.param == "bypassing"
    yield one
    one.close()


@pytest.fixture
def closing():
    """Registers servers and closes them after the test."""
    servers = []

    def register(server):
        servers.append(server)
        return server

    yield register
    for server in servers:
        server.close()


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
