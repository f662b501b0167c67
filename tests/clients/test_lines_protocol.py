"""Bare lines: texts whole and in order wherever the bytes are cut, and an upgrade that is held to its answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clients import ConnectError, Subscription, Target
from bench.clients import lines as lines_module
from bench.clients._errors import ProtocolError
from bench.clients.lines import Client, LinesProtocol, Upgrade
from tests.clients._cutting import cuts, every_single_cut, fed, pieces
from tests.clients._servers import Scripted, eventually, read_head

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"
texts = st.lists(st.binary(max_size=80).map(lambda raw: raw.replace(b"\n", b"")), max_size=12)


def test_texts_are_the_same_wherever_the_stream_is_cut():
    stream = b'{"n":1}\n\n{"n":2,"p":"a\\tb"}\nlast\n'
    for parts in every_single_cut(stream):
        assert fed(LinesProtocol().feed, parts) == stream.split(b"\n")[:-1]


@given(texts, st.binary(max_size=9).map(lambda raw: raw.replace(b"\n", b"")), cuts)
def test_whole_lines_are_texts_and_the_rest_waits(script, rest, where):
    protocol = LinesProtocol()
    stream = b"".join(text + b"\n" for text in script) + rest
    assert fed(protocol.feed, pieces(stream, where)) == script
    assert protocol.feed(b"\n") == [rest]
    assert protocol.end_reason == ""


def test_a_line_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 100)
    protocol = LinesProtocol()
    assert fed(protocol.feed, [b"x" * 100]) == []
    assert not protocol.end_reason
    protocol.feed(b"x")
    assert protocol.end_reason == "protocol error: line too large"


def test_the_answer_to_the_upgrade_may_come_in_pieces_and_with_the_first_lines():
    for parts in every_single_cut(ANSWER + b"one\ntwo"):
        upgrade, left = Upgrade("host", "/lines?topic=t"), None
        for number, part in enumerate(parts):
            left = upgrade.feed(part)
            if left is not None:
                left += b"".join(parts[number + 1 :])
                break
        assert left == b"one\ntwo"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 426 Upgrade Required\r\n\r\n", "status 426"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "something else"),
        (b"HTTP/1.1 101 Switching Protocols\r\n" + b"x" * 100_000, "too long"),
        (b"no HTTP at all\r\n\r\n", "status line"),
    ],
)
def test_another_answer_is_an_error(answer, said):
    with pytest.raises(ProtocolError, match=said):
        Upgrade("host", "/").feed(answer)


class Ear:
    """Keeps what a subscriber hears."""

    def __init__(self, reactor, port):
        self.texts, self.errors = [], []
        target = Target("127.0.0.1", port, {"subscribe": "/lines?topic={topic}"})
        subscription = Subscription(target, "t", lambda text, _: self.texts.append(text), self.errors.append)
        self.subscriber = Client(reactor, subscription)


def test_a_subscriber_hears_what_comes_with_the_answer_and_after_it_and_sends_lines(reactor, closing):
    sent = []

    def script(connection, number):
        assert read_head(connection).startswith(b"GET /lines?topic=t HTTP/1.1\r\n")
        connection.sendall(ANSWER + b"one\ntw")
        connection.sendall(b"o\n")
        sent.append(connection.recv(100))
        connection.recv(1)

    ear = Ear(reactor, closing(Scripted(script)).port)
    assert ear.subscriber.open(10) > 0
    eventually(lambda: ear.texts == [b"one", b"two"], "the texts")
    ear.subscriber.publish("other", b"hello")
    eventually(lambda: sent, "the line upstream")
    assert sent == [b"other\thello\n"]
    ear.subscriber.close()
    ear.subscriber.publish("t", b"too late")
    assert ear.errors == ["publish: not connected"]


def test_the_end_of_the_server_is_an_error_and_its_refusal_no_subscription(reactor, closing):
    def script(connection, number):
        read_head(connection)
        connection.sendall(ANSWER if number == 0 else b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = closing(Scripted(script))
    first, second = Ear(reactor, server.port), Ear(reactor, server.port)
    first.subscriber.open(10)
    eventually(lambda: first.errors, "the end")
    assert first.errors == ["closed by the server"]
    with pytest.raises(ConnectError, match="status 400"):
        second.subscriber.open(10)
