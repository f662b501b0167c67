"""The proxy as a process: it passes on every byte and the end of a stream, really resets, and ends with the bench."""

import socket
import sys
import threading
import time
from types import SimpleNamespace

import pytest

from bench.processes.load_side import Proxy
from bench.processes.member import answer
from bench.processes.orders import ProxyCounts, ReportCounts

WITHIN_S = 20.0


@pytest.fixture
def echo():
    """The port of a server that sends back what it receives, and ends its side after the other has ended."""

    def serve(connection):
        with connection:
            try:
                while data := connection.recv(1 << 16):
                    connection.sendall(data)
            except OSError:
                return

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def proxy_to(echo):
    """Starts a proxy that leads to the echo over a path."""
    started = []

    def start(path, port=echo):
        started.append(Proxy(()))
        started[-1].open(SimpleNamespace(port=port), path, 1)
        return started[-1]

    yield start
    for one in started:
        one.end(gently=False)


def counts(proxy):
    proxy.send(ReportCounts())
    return answer(proxy, ProxyCounts, WITHIN_S, [proxy])


@pytest.mark.parametrize(("path", "size"), [("direct", 3_000_000), ("fragments", 400), ("far", 3_000)])
def test_every_byte_and_the_end_of_the_stream_come_through(proxy_to, path, size):
    proxy = proxy_to(path)
    sent = bytes(number % 251 for number in range(size))
    received = b""
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=WITHIN_S) as connection:

        def write():
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)

        writer = threading.Thread(target=write, daemon=True)
        writer.start()
        reads = 0
        while data := connection.recv(1 << 16):
            received += data
            reads += 1
        writer.join()
    assert received == sent
    counted = counts(proxy)
    assert (counted.connections, counted.resets) == (1, 0)
    if path == "fragments":
        assert counted.pieces >= 2 * size // 7
        assert reads > 10


def test_a_reset_is_a_real_one_and_comes_only_after_the_order(proxy_to):
    proxy = proxy_to("resets")
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=WITHIN_S) as connection:
        connection.sendall(b"hello")
        assert connection.recv(5) == b"hello"
        assert counts(proxy).resets == 0
        now_ns = time.monotonic_ns()
        proxy.disturb(now_ns, now_ns + 10**11)
        with pytest.raises(ConnectionResetError):
            connection.recv(1)
    assert counts(proxy).resets == 1


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has every address of 127.0.0.0/8")
def test_the_server_is_reached_from_the_address_of_the_subscriber_which_has_ports_of_its_own(proxy_to):
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = proxy_to("direct", server.getsockname()[1])
        for address in ("127.0.0.1", "127.0.0.7"):
            near = ("127.0.0.1", proxy.port)
            with socket.create_connection(near, timeout=WITHIN_S, source_address=(address, 0)):
                connection, peer = server.accept()
                connection.close()
                assert peer[0] == address


def test_a_proxy_that_is_killed_resets_its_connections_so_that_no_port_waits(proxy_to):
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = proxy_to("direct", server.getsockname()[1])
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=WITHIN_S) as near:
            far, _ = server.accept()
            with far:
                proxy.end(gently=False)
                for end in (near, far):
                    end.settimeout(WITHIN_S)
                    with pytest.raises(ConnectionResetError):
                        end.recv(1)


def test_without_a_server_the_connection_is_reset_and_the_proxy_goes_on(proxy_to):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    proxy = proxy_to("direct", free)
    for _ in range(2):
        with (
            pytest.raises(ConnectionResetError),  # from the connect or from the read
            socket.create_connection(("127.0.0.1", proxy.port), timeout=WITHIN_S) as connection,
        ):
            connection.recv(1)
    assert counts(proxy).connections == 2


def test_a_proxy_ends_when_the_bench_closes_its_end(proxy_to):
    proxy = proxy_to("direct")
    proxy.process.stdin.close()
    assert proxy.process.wait(WITHIN_S) == 0
