"""Bare lines: complete texts in order in every segmentation, and an upgrade whose answer is checked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.clients import ConnectError, Subscription, Target
from bench.clients import lines as lines_module
from bench.clients.lines import Client, LinesProtocol, Upgrade
from bench.reactor.errors import ProtocolError
from tests.clients._receipts import Receipts
from tests.clients._segmentation import every_single_split, fed, pieces, splits
from tests.clients._servers import Scripted, eventually, read_head

ANSWER = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: lines\r\n\r\n"
texts = st.lists(st.binary(max_size=80).map(lambda raw: raw.replace(b"\n", b"")), max_size=12)


def test_texts_are_the_same_in_any_segmentation():
    stream = b'{"n":1}\n\n{"n":2,"p":"a\\tb"}\nlast\n'
    for parts in every_single_split(stream):
        assert fed(LinesProtocol().feed, parts) == stream.split(b"\n")[:-1]


@given(texts, st.binary(max_size=9).map(lambda raw: raw.replace(b"\n", b"")), splits)
def test_complete_lines_are_texts_and_the_rest_is_buffered(script, rest, where):
    protocol = LinesProtocol()
    stream = b"".join(text + b"\n" for text in script) + rest
    assert fed(protocol.feed, pieces(stream, where)) == script
    assert protocol.feed(b"\n") == [rest]
    assert protocol.end_reason == ""


def test_a_line_that_never_ends_is_an_error(monkeypatch):
    monkeypatch.setattr(lines_module, "MAX_LINE_BYTES", 100)
    protocol = LinesProtocol()
    assert fed(protocol.feed, [b"x" * 100]) == []
    assert not protocol.end_reason
    protocol.feed(b"x")
    assert protocol.end_reason == "protocol error: line too large"


def test_the_answer_to_the_upgrade_may_come_in_pieces_and_with_the_first_lines():
    for parts in every_single_split(ANSWER + b"one\ntwo"):
        upgrade, lines = Upgrade("host", "/lines?topic=t"), None
        for number, part in enumerate(parts):
            lines = upgrade.feed(part)
            if lines is not None:
                lines += b"".join(parts[number + 1 :])
                break
        assert lines == b"one\ntwo"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 426 Upgrade Required\r\n\r\n", "status 426"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", "something else"),
        (b"HTTP/1.1 101 Switching Protocols\r\n" + b"x" * 100_000, "too long"),
        (b"no HTTP at all\r\n\r\n", "status line"),
    ],
)
def test_another_answer_is_an_error(answer, reason):
    with pytest.raises(ProtocolError, match=reason):
        Upgrade("host", "/").feed(answer)


def lines_subscriber(reactor, port):
    receipts = Receipts()
    target = Target("127.0.0.1", port, {"subscribe": "/lines?topic={topic}"})
    receipts.subscriber = Client(reactor, Subscription(target, "t", receipts.on_text, receipts.errors.append))
    return receipts


def test_a_subscriber_receives_lines_with_the_answer_and_after_it_and_sends_lines(reactor, closing):
    sent = []

    def script(connection, number):
        assert read_head(connection).startswith(b"GET /lines?topic=t HTTP/1.1\r\n")
        connection.sendall(ANSWER + b"one\ntw")
        connection.sendall(b"o\n")
        sent.append(connection.recv(100))
        connection.recv(1)

    receipts = lines_subscriber(reactor, closing(Scripted(script)).port)
    assert receipts.subscriber.open(10) > 0
    eventually(lambda: receipts.texts == [b"one", b"two"], "the texts")
    receipts.subscriber.publish("other", b"hello")
    eventually(lambda: sent, "the line upstream")
    assert sent == [b"other\thello\n"]
    receipts.subscriber.close()
    receipts.subscriber.publish("t", b"too late")
    assert receipts.errors == ["publish: not connected"]


def test_the_end_of_the_server_is_an_error_and_its_refusal_a_connect_error(reactor, closing):
    def script(connection, number):
        read_head(connection)
        connection.sendall(ANSWER if number == 0 else b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = closing(Scripted(script))
    first, second = lines_subscriber(reactor, server.port), lines_subscriber(reactor, server.port)
    first.subscriber.open(10)
    eventually(lambda: first.errors, "the end")
    assert first.errors == ["closed by the server"]
    with pytest.raises(ConnectError, match="status 400"):
        second.subscriber.open(10)
