"""The bytes on the wire: cursors, gaps, keep-alives, bounds of a reply, and slow readers."""

import json
import re
import socket
import threading
import time

import pytest
from websockets.sync.client import connect

from servers import _broker
from tests.servers._process import WITHIN_S, Server, eventually, new_topic
from tests.servers._subscribers import subscribed

CURSOR = r"[0-9A-Za-z-]{1,32}:[0-9]{1,18}"
POLLS = {"polling": "/poll", "long_polling": "/wait"}


def poll(server, topic, after=None, hold=5):
    """(texts, cursor, gap) of one poll."""
    path = f"{POLLS[server.name]}?topic={topic}&hold={hold}" + (f"&after={after}" if after else "")
    response = server.request("GET", path)
    assert response.status == 200
    assert response.headers.get_content_type() == "text/plain"
    assert re.fullmatch(CURSOR, response.headers["Push-Cursor"])
    assert response.body == b"" or response.body.endswith(b"\n")
    return response.body.split(b"\n")[:-1], response.headers["Push-Cursor"], response.headers["Push-Gap"]


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_returns_the_texts_after_its_cursor(shared, name):
    server, topic = shared(name), new_topic()
    server.publish(topic, b"before")
    eventually(lambda: poll(server, topic)[1].endswith(":1"), "the earlier text")
    texts, start, gap = poll(server, topic)
    assert (texts, gap) == ([], None)
    assert server.request("POST", f"/publish?topic={topic}", b"a b").status == 204
    assert server.request("POST", f"/publish?topic={topic}", b"").status == 204
    texts, after, gap = poll(server, topic, start)
    assert (texts, gap) == ([b"a b", b""], None)
    assert after == start[:-1] + "3"
    assert poll(server, topic, start)[0] == [b"a b", b""]


@pytest.mark.parametrize("name", POLLS)
@pytest.mark.parametrize(("cursor", "reason"), [("other:0", "other epoch"), ("{epoch}:99", "beyond the end")])
def test_a_poll_with_a_gap_is_signalled_and_continues_at_the_end(shared, name, cursor, reason):
    server, topic = shared(name), new_topic()
    start = poll(server, topic)[1]
    server.request("POST", f"/publish?topic={topic}", b"text")
    texts, after, gap = poll(server, topic, cursor.format(epoch=start.partition(":")[0]))
    assert (texts, gap) == ([], reason)
    assert after == start[:-1] + "1"


@pytest.mark.parametrize("name", POLLS)
def test_a_poll_behind_the_log_returns_what_the_log_still_holds(shared, name):
    server, topic = shared(name), new_topic()
    start = poll(server, topic)[1]
    count = _broker.LOG_MESSAGES + 10
    server.publish(topic, *[b"%d" % number for number in range(count)])
    eventually(lambda: poll(server, topic)[1].endswith(f":{count}"), "all texts")
    texts, after, gap = poll(server, topic, start)
    assert gap == "fallen out of the log"
    assert texts == [b"%d" % number for number in range(10, count)]
    assert after.endswith(f":{count}")


@pytest.mark.parametrize("name", POLLS)
def test_one_reply_holds_a_mebibyte_and_one_text_at_most(shared, name):
    server, topic = shared(name), new_topic()
    start = after = poll(server, topic)[1]
    for number in range(3):
        server.request("POST", f"/publish?topic={topic}", b"%d" % number * 600_000)
    sizes = []
    while (reply := poll(server, topic, after, hold=0))[0]:
        assert reply[2] is None
        sizes.append(len(reply[0]))
        after = reply[1]
    assert sizes == [2, 1]
    assert after == start[:-1] + "3"


def test_a_long_poll_waits_for_a_text_or_the_end_of_the_hold_time(shared):
    server, topic = shared("long_polling"), new_topic()
    after = poll(server, topic)[1]
    assert poll(server, topic, after, hold=0.05) == ([], after, None)
    replies = []
    waiting = threading.Thread(target=lambda: replies.append(poll(server, topic, after, hold=WITHIN_S)))
    waiting.start()
    server.publish(topic, b"text")
    waiting.join(WITHIN_S)
    assert [reply[0] for reply in replies] == [[b"text"]]


def events(server, topic, headers="", *, until):
    """The body of an event stream until it contains `until`, without the framing of chunks."""
    with server.connect() as connection:
        connection.sendall(f"GET /sse?topic={topic}{headers} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        answer = b""
        while until not in answer:
            block = connection.recv(65536)
            assert block, answer
            answer += block
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b"Content-Type: text/event-stream" in head
    return body


def test_an_event_stream_begins_at_once_with_the_cursor(shared):
    topic = new_topic()
    body = events(shared("sse"), topic, until=b"id: ")
    assert re.match(rb": [^\n]*\n\nid: " + CURSOR.encode() + rb"\n\n", body)


def test_an_event_is_an_id_and_a_line_of_data_and_streams_resume(shared):
    server, topic = shared("sse"), new_topic()
    start = re.search(CURSOR, events(server, topic, until=b"id: ").decode())[0]
    epoch = start.partition(":")[0]
    for text in (b"one", b" two", b""):
        assert server.request("POST", f"/publish?topic={topic}", text).status == 204
    expected = "".join(f"id: {epoch}:{n}\ndata: {text}\n\n" for n, text in ((2, " two"), (3, "")))
    for how in (f"&after={epoch}:1", f" HTTP/1.0\r\nLast-Event-ID: {epoch}:1\r\nX:"):
        body = events(server, topic, how, until=f"{epoch}:3\ndata: \n\n".encode()).decode()
        assert body.endswith(f"id: {epoch}:1\n\n{expected}")
        assert "gap" not in body


@pytest.mark.parametrize(("cursor", "reason"), [("other:0", "other epoch"), ("{epoch}:99", "beyond the end")])
def test_an_event_stream_signals_a_gap(shared, cursor, reason):
    server, topic = shared("sse"), new_topic()
    start = re.search(CURSOR, events(server, topic, until=b"id: ").decode())[0]
    epoch = start.partition(":")[0]
    body = events(server, topic, f"&after={cursor.format(epoch=epoch)}", until=b"\nid: ").decode()
    assert body.endswith(f"event: gap\ndata: {reason}\nid: {start}\n\n")


def test_a_websocket_sends_its_cursor_first_and_resumes(shared):
    server, topic = shared("websocket"), new_topic()
    url = f"ws://{server.address}/ws?topic={topic}"
    with connect(url) as connection:
        start = json.loads(connection.recv(WITHIN_S))["cursor"]
        assert re.fullmatch(CURSOR, start)
        server.publish(topic, b"one", b"two")
        assert [connection.recv(WITHIN_S), connection.recv(WITHIN_S)] == ["one", "two"]
    epoch = start.partition(":")[0]
    with connect(f"{url}&after={epoch}:1") as connection:
        assert json.loads(connection.recv(WITHIN_S)) == {"cursor": f"{epoch}:1"}
        assert connection.recv(WITHIN_S) == "two"
    for cursor, reason in (("other:0", "other epoch"), (f"{epoch}:99", "beyond the end")):
        with connect(f"{url}&after={cursor}") as connection:
            assert json.loads(connection.recv(WITHIN_S)) == {"cursor": f"{epoch}:2", "gap": reason}


SLOW = {
    "sse": "GET /sse?topic={topic} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
    "ndjson": "GET /ndjson?topic={topic} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
    "flask_sse": "GET /stream?channel={topic} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n",
    "websocket": "GET /ws?topic={topic} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
}


@pytest.mark.parametrize("name", SLOW)
def test_a_slow_reader_receives_every_byte_and_delays_no_other_subscriber(shared, name):
    server, topic = shared(name), new_topic()
    texts = [bytes([65 + number]) * 1_048_576 for number in range(8)]
    with slow_reader(server, SLOW[name].format(topic=topic)) as slow, subscribed(server, topic) as quick:
        if name == "flask_sse":
            eventually(lambda: server.publish(topic, b"probe") or quick.texts, "a probe")
            assert slow.recv(1)  # so the slow reader is subscribed too
            server.publish(topic, b"start")
            eventually(lambda: b"start" in quick.texts, "the start")
            quick.texts.clear()
        server.publish(topic, *texts)
        quick.expect(texts)
        received = bytearray()
        deadline = time.monotonic() + WITHIN_S
        while len(received) < len(texts) << 20 or texts[-1] not in received[-1_048_700:]:
            assert time.monotonic() < deadline
            received += slow.recv(1 << 20)
    position = 0
    for text in texts:
        start = received.find(text, position)
        assert 0 <= start - position < 4000, "a text is incomplete, or other bytes lie between two texts"
        position = start + len(text)


def slow_reader(server: Server, request: str) -> socket.socket:
    """A connection with a small buffer that has sent a request and read only the first byte of the head."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.settimeout(WITHIN_S)
    connection.connect(("127.0.0.1", server.port))
    connection.sendall(request.encode())
    if "channel=" not in request:
        assert connection.recv(1) == b"H"
    return connection


def test_a_reader_overtaken_by_the_log_receives_a_gap(fresh):
    server, topic = fresh("websocket"), new_topic()
    with slow_reader(server, SLOW["websocket"].format(topic=topic)) as slow, subscribed(server, topic) as quick:
        count = 70  # more than the log holds of such texts
        text = b"x" * 1_048_576
        for number in range(count):
            server.publish(topic, text)
            eventually(lambda: len(quick.texts) == number + 1, "the text at the quick reader")  # noqa: B023
        received = b""
        deadline = time.monotonic() + WITHIN_S
        while b'"gap": "fallen out of the log"' not in received:
            assert time.monotonic() < deadline
            received = received[-200:] + slow.recv(1 << 20)
    assert server.healthy()


SIGNALS = {"sse": b"event: gap\ndata: fallen out of the log", "ndjson": b'"gap": "fallen out of the log"'}


@pytest.mark.parametrize("name", SIGNALS)
def test_a_stream_overtaken_by_the_log_signals_a_gap_and_continues(fresh, name):
    server, topic = fresh(name, "import servers._broker; servers._broker.LOG_MESSAGES = 4"), new_topic()
    with slow_reader(server, SLOW[name].format(topic=topic)) as slow, subscribed(server, topic) as quick:
        texts = [bytes([65 + number]) * 1_048_576 for number in range(16)]
        for number, text in enumerate(texts):
            server.publish(topic, text)
            eventually(lambda: len(quick.texts) == number + 1, "the text at the quick reader")  # noqa: B023
        received = bytearray()
        deadline = time.monotonic() + WITHIN_S
        while texts[-1] not in received[-1_048_700:]:
            assert time.monotonic() < deadline
            received += slow.recv(1 << 20)
    before, _, after = bytes(received).partition(SIGNALS[name])
    complete = [[text for text in texts if text in part] for part in (before, after)]
    assert complete == [texts[: len(complete[0])], texts[-4:]]
    assert len(complete[0]) < 12


@pytest.mark.parametrize(("name", "sign"), [("sse", b"\n: "), ("websocket", b"\x89\x00")])
def test_an_idle_stream_is_kept_alive(fresh, name, sign):
    server = fresh(name, "import servers._broker; servers._broker.HEARTBEAT_S = 0.05")
    with server.connect() as connection:
        connection.sendall(SLOW[name].format(topic=new_topic()).encode())
        received = b""
        while received.count(sign) < 3:
            block = connection.recv(4096)
            assert block
            received += block


def test_a_subscriber_that_closes_without_reading_is_disconnected(fresh):
    short_deadlines = "import servers._http as h, servers._rfc6455 as w; h.SWEEP_S = h.LINGER_S = w.CLOSE_S = 0.05"
    server, topic = fresh("websocket", short_deadlines), new_topic()
    server.publish(topic, b"this opens the connection to the ingest")
    assert server.healthy()
    with slow_reader(server, SLOW["websocket"].format(topic=topic)) as silent:
        during = server.open_files()
        server.publish(topic, *[b"x" * 1_048_576] * 9)
        silent.sendall(b"\x88\x80\0\0\0\0")
        eventually(lambda: server.open_files() < during, "the end of the connection")
    assert server.healthy()
