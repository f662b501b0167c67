"""Servers for the tests of this folder: one shared per variant, and fresh ones for tests that stop or break them."""

from collections.abc import Callable, Iterator

import pytest

import servers
from tests.servers._process import Server


@pytest.fixture(scope="session")
def shared() -> Iterator[Callable[[str], Server]]:
    """A running server of a variant, started on first use. Tests share it and use topics of their own."""
    running: dict[str, Server] = {}

    def server(name: str) -> Server:
        if name not in running:
            skip_if_unavailable(name)
            running[name] = Server(name)
        return running[name]

    yield server
    for one in running.values():
        one.close()


@pytest.fixture
def fresh() -> Iterator[Callable[..., Server]]:
    """Starts a server of a variant for this test only."""
    running: list[Server] = []

    def server(name: str, change: str = "", **environment: str) -> Server:
        skip_if_unavailable(name)
        running.append(Server(name, change, **environment))
        return running[-1]

    yield server
    for one in running:
        one.close()


def skip_if_unavailable(name: str) -> None:
    """Skip the test with the reason why the variant cannot run here."""
    reason = servers.unavailable(servers.load(name))
    if reason is not None:
        pytest.skip(f"{name}: {reason}")
