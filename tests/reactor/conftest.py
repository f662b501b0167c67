import pytest

from bench.reactor.reactor import Reactor


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
