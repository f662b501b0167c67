"""Which process a Redis on this machine is: the kernel is asked, and a number from elsewhere is not believed."""

import os
import socket
import sys
from contextlib import contextmanager

import pytest

from servers import _redis_process
from servers._redis_process import address_here, find, of_port, of_unix_socket
from tests.servers._redis_servers import FakeRedis, binary, free_port, real_redis

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux shows the process")
needs_redis = pytest.mark.skipif(binary() is None, reason="no Redis server to start")
NUMBER_ELSEWHERE = 1  # of a Redis in a container


@linux
@needs_redis
def test_the_redis_behind_a_unix_socket_is_the_one_that_listens_there(tmp_path):
    path = tmp_path / "redis.sock"
    with real_redis(unix_socket=path) as redis:
        assert find({"path": str(path)}, "") == (True, redis.pid)
        assert find({"path": str(path)}, str(NUMBER_ELSEWHERE)) == (True, redis.pid)


@linux
@needs_redis
@pytest.mark.parametrize(
    ("bound", "host"), [("127.0.0.2", "127.0.0.2"), ("127.0.0.1", "localhost"), ("0.0.0.0", "127.0.0.3")]
)
def test_the_redis_at_an_address_of_loopback_is_the_one_that_listens_there(bound, host):
    with real_redis(address=bound, port=(port := free_port())) as redis:
        assert find({"host": host, "port": port}, str(redis.pid)) == (True, redis.pid)
        assert find({"host": host, "port": port}, "") == (True, redis.pid)


@linux
@needs_redis
def test_of_two_redis_the_one_that_listens_is_named_whatever_number_is_reported():
    ports = [free_port(), free_port()]
    with real_redis(port=ports[0]) as one, real_redis(port=ports[1]) as other:
        assert of_port("127.0.0.1", ports[0], other.pid) == one.pid
        assert of_port("127.0.0.1", ports[1], other.pid) == other.pid


@needs_redis
def test_a_redis_elsewhere_that_reports_the_number_of_a_redis_here_is_not_taken_for_it():
    with real_redis(port=free_port()) as here, FakeRedis() as forwarded:
        assert find({"host": "127.0.0.1", "port": forwarded.port}, str(here.pid)) == (True, None)


def test_a_program_that_is_no_redis_is_not_taken_for_one(tmp_path):
    with socket.socket(socket.AF_UNIX) as listener, FakeRedis() as fake:
        listener.bind(str(tmp_path / "proxy.sock"))
        listener.listen()
        assert of_unix_socket(str(tmp_path / "proxy.sock")) is None
        assert of_port("127.0.0.1", fake.port, os.getpid()) is None


def test_where_nothing_answers_there_is_no_process(tmp_path):
    assert find({"path": str(tmp_path / "none.sock")}, "1") == (True, None)
    assert find({"host": "127.0.0.1", "port": free_port()}, "1") == (False, None)


@linux
@pytest.mark.parametrize(("reported", "known"), [("own", True), ("other", False), ("none", False)])
def test_where_open_files_are_hidden_the_reported_number_decides(reported, known, monkeypatch):
    monkeypatch.setattr(_redis_process, "_holds", lambda pid, inodes: None)
    monkeypatch.setattr(_redis_process, "_named_as_redis", lambda: iter([os.getpid()]))
    numbers = {"own": os.getpid(), "other": NUMBER_ELSEWHERE, "none": None}
    with FakeRedis() as fake:
        assert of_port("127.0.0.1", fake.port, numbers[reported]) == (os.getpid() if known else None)


@linux
def test_where_open_files_are_hidden_the_owner_of_the_socket_must_be_that_of_the_process(monkeypatch):
    monkeypatch.setattr(_redis_process, "_holds", lambda pid, inodes: None)
    monkeypatch.setattr(_redis_process, "_named_as_redis", lambda: iter([os.getpid()]))
    monkeypatch.setattr(_redis_process, "_owner", lambda pid: -1)
    with FakeRedis() as fake:
        assert of_port("127.0.0.1", fake.port, os.getpid()) is None


@pytest.mark.parametrize(
    ("peer", "own", "here"),
    [
        ("127.0.0.2", "127.0.0.1", True),
        ("::1", "::1", True),
        ("192.0.2.7", "192.0.2.7", True),  # the machine's own address
        ("192.0.2.7", "192.0.2.8", False),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.1", True),
    ],
)
def test_an_address_is_of_this_machine_if_loopback_or_its_own_leads_there(peer, own, here, monkeypatch):
    class Connection:
        def getpeername(self):
            return (peer, 6379)

        def getsockname(self):
            return (own, 40000)

    @contextmanager
    def connected(place, timeout):
        yield Connection()

    monkeypatch.setattr(_redis_process.socket, "create_connection", connected)
    assert address_here("a-host", 6379) == (peer if here else None)


@pytest.mark.skipif(sys.byteorder == "big", reason="the kernel writes addresses in the order of the processor")
@pytest.mark.parametrize(
    ("bound", "address", "covers"),
    [
        ("0100007F", "127.0.0.1", True),
        ("0100007F", "127.0.0.2", False),
        ("0200007F", "127.0.0.2", True),
        ("00000000", "127.0.0.2", True),
        ("0" * 32, "127.0.0.2", True),
        ("0000000000000000FFFF00000100007F", "127.0.0.1", True),
        ("00000000000000000000000001000000", "::1", True),
        ("00000000000000000000000001000000", "127.0.0.1", False),
    ],
)
def test_a_socket_accepts_what_it_is_bound_to(bound, address, covers):
    assert _redis_process._covers(bound, address) is covers
