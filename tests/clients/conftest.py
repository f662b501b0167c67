import hypothesis
import pytest

from bench.clients._reactor import Reactor

# how long an example takes says more about the machine than about a parser
hypothesis.settings.register_profile("clients", deadline=None)
hypothesis.settings.load_profile("clients")


@pytest.fixture(params=[True, False], ids=["epoll", "watchers"])
def reactor(request):
    """A reactor, over either way of waiting for readiness."""
    one = Reactor(use_epoll=request.param)
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
