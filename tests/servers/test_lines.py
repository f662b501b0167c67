"""The wire of the hidden variants: bare lines, both ways, after an upgrade."""

import contextlib

import pytest

import servers
from servers import _limits
from tests.servers._process import WITHIN_S, eventually, new_topic

HIDDEN = [name for name in servers.names(hidden=True) if name not in servers.names()]
REQUEST = b"GET /lines?topic=%s HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"


def subscribe(server, topic):
    """A connection that receives everything published to the topic from now on."""
    connection = server.connect()
    connection.sendall(REQUEST % topic.encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    return connection


def read(connection, size):
    """The next `size` bytes, fewer at the end of the connection."""
    data = b""
    while len(data) < size and (block := connection.recv(size - len(data))):
        data += block
    return data


def ended(connection):
    """Whether the server ends the connection, by an end or a reset."""
    connection.settimeout(WITHIN_S)
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


def test_there_are_hidden_variants_and_they_speak_lines():
    assert "null" in HIDDEN
    assert {servers.load(name).client for name in HIDDEN} == {"lines"}


@pytest.mark.parametrize("name", HIDDEN)
def test_a_subscriber_that_has_read_the_101_receives_every_line_and_nothing_else(name, shared):
    server, topic = shared(name), new_topic()
    server.publish(topic, b"before")
    with subscribe(server, topic) as one, subscribe(server, topic) as other:
        server.publish(topic, b"first", b'{"n":"second"}')
        server.publish(new_topic(), b"elsewhere")
        server.publish(topic, b"x" * 70_000)
        expected = b'first\n{"n":"second"}\n' + b"x" * 70_000 + b"\n"
        for connection in (one, other):
            assert read(connection, len(expected)) == expected


@pytest.mark.parametrize("name", HIDDEN)
def test_a_line_from_a_subscriber_is_published_in_any_segmentation(name, shared):
    server, topic = shared(name), new_topic()
    with subscribe(server, topic) as one, subscribe(server, topic) as other:
        for piece in (topic.encode(), b"\tup", b"stream\n", topic.encode() + b"\ttwo\n"):
            one.sendall(piece)
        for connection in (one, other):
            assert read(connection, 13) == b"upstream\ntwo\n"


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("line", [b"no tab\n", b"bad topic!\ttext\n", b"t\t\x01\n", b"x" * (_limits.LINE_BYTES + 1)])
def test_a_line_against_the_contract_ends_the_connection_and_nothing_else(name, line, shared):
    server, topic = shared(name), new_topic()
    with subscribe(server, topic) as bad, subscribe(server, topic) as good:
        with contextlib.suppress(ConnectionError):  # the server closes before the line is complete
            bad.sendall(line)
        assert ended(bad)
        server.publish(topic, b"still here")
        assert read(good, 11) == b"still here\n"
    assert server.healthy()


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /lines?topic=t HTTP/1.1\r\nHost: localhost\r\n\r\n", b"426"),
        (b"GET /lines?topic=t HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\r\n", b"426"),
        (b"GET /lines?topic=t HTTP/1.0\r\nHost: localhost\r\nUpgrade: lines\r\n\r\n", b"426"),
        (b"GET /lines?topic=! HTTP/1.1\r\nHost: localhost\r\nUpgrade: lines\r\n\r\n", b"400"),
    ],
)
def test_a_request_for_anything_else_is_rejected(name, request_, status, shared):
    assert shared(name).raw(request_).split()[1] == status


@pytest.mark.parametrize("name", HIDDEN)
def test_a_subscriber_that_closes_releases_its_file_descriptor(name, shared):
    server, topic = shared(name), new_topic()
    assert server.healthy()
    before = server.open_files()
    for connection in [subscribe(server, topic) for _ in range(5)]:
        connection.close()
    eventually(lambda: server.open_files() <= before, "the descriptors to be closed")
