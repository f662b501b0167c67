"""The ingest: lines in, messages out, and nothing without the token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers import _ingest, _limits
from tests.servers._process import TOKEN, eventually, new_topic
from tests.servers._subscribers import subscribed


@given(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), max_size=8), st.data())
def test_lines_are_the_same_in_any_segmentation(lines, data):
    stream = b"".join(line + b"\n" for line in lines) + b"incomplete"
    splits = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    blocks = [stream[a:b] for a, b in zip([0, *splits], [*splits, len(stream)], strict=True)]
    assert [line for batch in _ingest.lines(iter(blocks)) for line in batch] == lines


def test_a_line_without_end_is_rejected_before_it_is_buffered():
    blocks = (b"x" * 65536 for _ in range(10**6))
    with pytest.raises(_limits.TooLarge):
        list(_ingest.lines(blocks))
    assert next(blocks, None) is not None


def test_a_connection_with_a_wrong_token_is_closed_and_publishes_nothing(shared):
    server, topic = shared("sse"), new_topic()
    with subscribed(server, topic) as subscriber:
        with server.ingest("a-wrong-token") as connection:
            try:
                connection.sendall(f"{topic}\tforged\n".encode())
                assert connection.recv(1) == b""
            except ConnectionError:
                pass
        server.publish(topic, b"genuine")
        subscriber.expect([b"genuine"])
    assert "wrong token" in server.errors()


@pytest.mark.parametrize(
    "line", [b"no tab", b"a b\ttext", b"\ttext", b"topic\tb\x01", b"topic\t\xff", b"t\t" + b"x" * 1048577],
    ids=["no tab", "bad topic", "no topic", "control character", "not ascii", "too large"],
)  # fmt: skip
def test_a_malformed_line_ends_the_connection_and_is_logged_in_one_line(shared, line):
    server, topic = shared("websocket"), new_topic()
    logged = len(server.errors().splitlines())
    with subscribed(server, topic) as subscriber, server.ingest() as publisher:
        publisher.sendall(f"{topic}\tbefore\n".encode())
        subscriber.expect([b"before"])
        try:
            publisher.sendall(line + b"\n" + f"{topic}\tafter\n".encode())
            assert publisher.recv(1) == b""
        except ConnectionError:
            pass
        eventually(lambda: len(server.errors().splitlines()) == logged + 1, "one line in the log")
        server.publish(topic, b"from another")
        subscriber.expect([b"before", b"from another"])
    assert server.healthy()


def test_the_token_may_come_in_pieces_and_with_the_first_messages(shared):
    server, topic = shared("sse"), new_topic()
    with subscribed(server, topic) as subscriber, server.ingest(TOKEN[:3]) as split:
        split.close()
        with server.ingest(f"{TOKEN}\n{topic}\tone\n{topic}\ttwo"):
            subscriber.expect([b"one", b"two"])
