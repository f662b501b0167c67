"""What the HTTP server guarantees to every variant: admission, deadlines, complete writes, no failure by bad input."""

import http.client
import io
import random
import sys
import time
from contextlib import contextmanager

import flask
import gevent
import gevent.event
import pytest
from gevent import socket

import servers
from servers import _http
from tests.servers._process import WITHIN_S, eventually, new_topic

TECHNIQUES = ("polling", "long_polling", "sse")
TAKING_POSTS = (*TECHNIQUES, "flask_sse")
ALL_VARIANTS = tuple(servers.names())
LOCAL = b"Host: 127.0.0.1\r\n"


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:80]
    return int(answer[9:12])


# -- which requests are admitted


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"Host: 127.0.0.1", 200),
        (b"Host: localhost", 200),
        (b"Host: LOCALHOST:8000", 200),
        (b"Host: 127.9.9.9:1", 200),
        (b"Host: [::1]:8000", 200),
        (b"Host: 127.0.0.1:8000\r\nOrigin: http://127.0.0.1:8000", 200),
        (b"Host: evil.example", 403),
        (b"Host: 127.0.0.1.evil.example", 403),
        (b"Host: localhost.evil.example:80", 403),
        (b"Host: evil.example@127.0.0.1", 403),
        (b"Host: 10.0.0.1", 403),
        (b"Host: 127.0.0.1:8000\r\nOrigin: http://evil.example", 403),
        (b"Host: 127.0.0.1:8000\r\nOrigin: http://127.0.0.1:8001", 403),
        (b"Host: 127.0.0.1:8000\r\nOrigin: https://127.0.0.1:8000", 403),
        (b"Host: 127.0.0.1:8000\r\nOrigin: null", 403),
        (b"Host: 127.0.0.1\r\nHost: evil.example", 400),
        (b"Host: 127.0.0.1\r\nHost: 127.0.0.1", 400),
        (b"X: no host", 400),
    ],
    ids=lambda value: value.decode().replace("\r\n", " ") if isinstance(value, bytes) else "",
)
def test_only_loopback_names_and_own_pages_are_answered(shared, head, expected):
    answer = shared("polling").raw(b"GET /health HTTP/1.1\r\n" + head + b"\r\n\r\n")
    assert status(answer) == expected


@pytest.mark.parametrize("name", ALL_VARIANTS)
def test_every_variant_rejects_a_page_of_another_origin(shared, name):
    server = shared(name)
    for path in ("/health", "/socket.io/?EIO=4&transport=websocket", "/ws?topic=t"):
        for evil in (b"Host: evil.example\r\n", LOCAL + b"Origin: http://evil.example\r\n"):
            upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            key = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            answer = server.raw(b"GET " + path.encode() + b" HTTP/1.1\r\n" + evil + upgrade + key + b"\r\n")
            assert status(answer) == 403
            assert b"101" not in answer.splitlines()[0]


# -- which input is rejected

TOO_LONG = b"x" * 1_048_577
BAD = {
    "no topic": (b"GET {route} HTTP/1.1\r\n" + LOCAL, b"", 400),
    "bad topic": (b"GET {route}?topic=a/b HTTP/1.1\r\n" + LOCAL, b"", 400),
    "topic of other letters": (b"GET {route}?topic=%C3%A9 HTTP/1.1\r\n" + LOCAL, b"", 400),
    "topic not UTF-8": (b"GET {route}?topic=%ff%fe HTTP/1.1\r\n" + LOCAL, b"", 400),
    "bad cursor": (b"GET {route}?topic=t&after=x HTTP/1.1\r\n" + LOCAL, b"", 400),
    "endless offset": (b"GET {route}?topic=t&after=e:" + b"9" * 4000 + b" HTTP/1.1\r\n" + LOCAL, b"", 400),
    "post to the subscribe route": (b"POST {route}?topic=t HTTP/1.1\r\nContent-Length: 0\r\n" + LOCAL, b"", 405),
    "get of the publish route": (b"GET /publish?topic=t HTTP/1.1\r\n" + LOCAL, b"", 405),
    "no such path": (b"GET /nowhere HTTP/1.1\r\n" + LOCAL, b"", 404),
    "publish to no topic": (b"POST /publish HTTP/1.1\r\nContent-Length: 1\r\n" + LOCAL, b"x", 400),
    "publish two lines": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 3\r\n" + LOCAL, b"a\nb", 400),
    "publish bytes": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 2\r\n" + LOCAL, b"\xff\x00", 400),
    "publish too much": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 1048577\r\n" + LOCAL, TOO_LONG, 413),
    "announce too much": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 99999999999\r\n" + LOCAL, b"x", 413),
    "announce nothing": (
        b"POST /publish?topic=t HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + LOCAL,
        b"0\r\n\r\n",
        411,
    ),
    "less than announced": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 9\r\n" + LOCAL, b"x", 400),
    "length below zero": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: -1\r\n" + LOCAL, b"", 400),
    "length in words": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: one\r\n" + LOCAL, b"x", 400),
    "length with a sign": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: +1\r\n" + LOCAL, b"x", 400),
    "length with a separator": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 1_0\r\n" + LOCAL, b"x" * 10, 400),
    "length in superscript": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: \xb2\r\n" + LOCAL, b"xx", 400),
    "length after a hard space": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: \xa01\r\n" + LOCAL, b"x", 400),
    "no length": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length:\r\n" + LOCAL, b"x", 400),
    "two lengths": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 9\r\n" + LOCAL, b"x", 400),
    "a list of lengths": (b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: 1, 9\r\n" + LOCAL, b"x", 400),
    "endless length": (
        b"POST /publish?topic=t HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n" + LOCAL,
        b"x",
        400,
    ),
    "unknown method": (b"BREW /publish?topic=t HTTP/1.1\r\n" + LOCAL, b"", 405),
    "long request line": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + LOCAL, b"", 414),
    "long header": (b"GET /health HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n" + LOCAL, b"", 400),
    "many headers": (b"GET /health HTTP/1.1\r\n" + b"X: y\r\n" * 200 + LOCAL, b"", 400),
    "not HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", b"", 400),
    "other version": (b"GET /health HTTP/7.0\r\n" + LOCAL, b"", 400),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.parametrize("name", TECHNIQUES)
def test_bad_input_is_answered_with_its_status(shared, name, case):
    server = shared(name)
    head, body, expected = BAD[case]
    route = servers.load(name).wire["subscribe"].partition("?")[0].encode()
    answer = server.raw(head.replace(b"{route}", route) + b"\r\n" + body)
    assert status(answer) == expected
    assert b"\r\nX-Content-Type-Options: nosniff\r\n" in answer
    assert server.healthy()


@pytest.mark.parametrize("name", ["flask_sse", "flask_socketio", "flask_socketio_polling", "websocket"])
def test_bad_input_leaves_every_other_variant_healthy_too(shared, name):
    server = shared(name)
    routes = {"flask_sse": b"/stream", "websocket": b"/ws"}
    for head, body, _ in BAD.values():
        answer = server.raw(head.replace(b"{route}", routes.get(name, b"/socket.io/")) + b"\r\n" + body)
        assert 400 <= status(answer) < 500 or b"{route}" in head
    assert server.healthy()


@pytest.mark.parametrize("name", ALL_VARIANTS)
def test_noise_leaves_it_healthy(shared, name):
    server = shared(name)
    noise = random.Random(name)
    for _ in range(25):
        answer = server.raw(noise.randbytes(noise.randrange(1, 2000)) + b"\r\n\r\n")
        assert not answer.startswith(b"HTTP/1.1 5")
    assert server.healthy()


@pytest.mark.parametrize("hold", ["soon", "-1", "nan"])
def test_a_hold_time_that_is_no_number_is_rejected(shared, hold):
    assert shared("long_polling").request("GET", f"/wait?topic=t&hold={hold}").status == 400


@pytest.mark.parametrize("name", TAKING_POSTS)
def test_a_text_of_the_largest_size_is_accepted_upstream(shared, name):
    answer = shared(name).request("POST", f"/publish?topic={new_topic()}", b"x" * 1_048_576)
    assert answer.status == 204


def test_a_request_with_expect_is_answered_100_or_413_before_its_body(shared):
    server = shared("polling")
    for size, expected in ((1_048_576, b"HTTP/1.1 100"), (1_048_577, b"HTTP/1.1 413")):
        with server.connect() as connection:
            announced = f"POST /publish?topic=t HTTP/1.1\r\nContent-Length: {size}\r\nExpect: 100-continue\r\n"
            connection.sendall(announced.encode() + LOCAL + b"\r\n")
            assert connection.recv(12) == expected


# -- how it writes


@pytest.mark.parametrize("name", ALL_VARIANTS)
def test_a_keep_alive_request_is_not_delayed(shared, name):
    connection = http.client.HTTPConnection("127.0.0.1", shared(name).port, timeout=WITHIN_S)
    took_s = []
    for _ in range(6):
        started = time.perf_counter()
        connection.request("GET", "/health")
        connection.getresponse().read()
        took_s.append(time.perf_counter() - started)
    connection.close()
    assert min(took_s[1:]) < 0.020, "Nagle's algorithm meets delayed acknowledgements"


def test_a_small_reply_is_one_write():
    writes = []
    with serving(lambda: flask.Response("body"), on_write=writes.append) as server, connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + LOCAL + b"\r\n")
        eventually_in(connection, b"body")
    assert len(writes) == 1
    assert writes[0].endswith(b"\r\n\r\nbody")


def test_a_slow_reader_receives_the_whole_stream():
    pieces = [bytes([65 + number]) * 300_000 for number in range(12)]
    with (
        serving(lambda: flask.Response(iter(pieces), direct_passthrough=True)) as server,
        connected(server) as connection,
    ):
        connection.sendall(b"GET / HTTP/1.0\r\n" + LOCAL + b"\r\n")
        gevent.sleep(0.1)  # long enough for the server to fill the buffers
        assert read_to_the_end(connection).partition(b"\r\n\r\n")[2] == b"".join(pieces)


# -- how long it waits


@pytest.fixture
def quick_deadlines(monkeypatch):
    for name, value in {"HEAD_S": 0.1, "BODY_S": 0.1, "IDLE_S": 0.1, "LINGER_S": 0.1, "SWEEP_S": 0.02}.items():
        monkeypatch.setattr(_http, name, value)


SLOW = {
    "nothing at all": b"",
    "half a request line": b"GET /he",
    "half a head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-",
    "half a body": b"POST / HTTP/1.1\r\nContent-Length: 10\r\n" + LOCAL + b"\r\nhalf",
    "a second request that does not come": b"GET / HTTP/1.1\r\n" + LOCAL + b"\r\n",
}


@pytest.mark.parametrize("case", SLOW)
def test_a_connection_with_an_unfinished_request_is_closed(quick_deadlines, case):
    with serving(lambda: flask.Response("body")) as server, connected(server) as connection:
        connection.sendall(SLOW[case])
        answer = read_to_the_end(connection)
        assert answer == b"" or status(answer) in (200, 400)
        assert not server.deadlines


def test_sending_slowly_does_not_extend_the_deadline(quick_deadlines):
    with serving(lambda: flask.Response("body")) as server, connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        deadline = time.monotonic() + WITHIN_S
        try:
            while time.monotonic() < deadline:
                connection.sendall(b"X: y\r\n")
                gevent.sleep(0.01)
        except OSError:
            return
    pytest.fail("the connection was never closed")


def test_a_stream_has_no_deadline(quick_deadlines):
    def slowly():
        yield b"first"
        gevent.sleep(0.4)
        yield b"last"

    with serving(lambda: flask.Response(slowly(), direct_passthrough=True)) as server, connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n" + LOCAL + b"\r\n")
        assert read_to_the_end(connection).endswith(b"firstlast")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports that a peer has closed before the server reads")
def test_a_drain_does_not_wait_for_a_connection_whose_peer_has_closed():
    with waiting() as (server, connection), gevent.Timeout(WITHIN_S):
        connection.close()
        eventually(lambda: not any(handler.has_peer() for handler in server.handlers), "the end of the connection")
        server.drain(10 * WITHIN_S)
        assert len(server.pool) == 1  # the view still runs


def test_a_drain_waits_for_connections_whose_peer_still_reads():
    with waiting() as (server, _connection):
        server.drain(0.05)
        assert len(server.pool) == 1
        assert server.handlers.pop().has_peer()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports a closed peer without reading")
def test_a_reply_that_waits_asks_the_kernel_nothing_until_its_peer_has_closed(monkeypatch):
    """A question per sweep would be most of what an idle stream costs, and only of those that are HTTP."""

    def until(true):
        while not true():
            gevent.sleep(0.005)

    asked, sweeps, shut_down = [], [], _http.Server._shut_down
    monkeypatch.setattr(_http, "SWEEP_S", 0.01)
    monkeypatch.setattr(_http.Handler, "has_peer", lambda self: bool(asked.append(self)))
    monkeypatch.setattr(_http.Server, "_shut_down", lambda self, overdue: sweeps.append(shut_down(overdue)))
    with waiting() as (server, connection), gevent.Timeout(WITHIN_S):
        until(lambda: len(sweeps) > 5)
        assert not asked
        assert not server.unwatched
        connection.close()
        until(lambda: asked)
        until(lambda: not server.handlers)


def test_a_drain_ends_with_the_last_reply():
    done = gevent.event.Event()
    with waiting(done) as (server, connection), gevent.Timeout(WITHIN_S):
        gevent.spawn(done.set)
        server.drain(10 * WITHIN_S)
        assert read_to_the_end(connection).endswith(b"done")
        assert not server.handlers


@contextmanager
def waiting(done=None):
    """A server and a connection whose request is being answered, until `done` is set."""
    called, done = gevent.event.Event(), done or gevent.event.Event()

    def view():
        called.set()
        done.wait()
        return "done"

    with serving(view) as server, connected(server) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + LOCAL + b"\r\n")
        assert called.wait(WITHIN_S)
        yield server, connection
        done.set()


@contextmanager
def serving(view, on_write=None):
    """A server of one view in this process."""
    app = flask.Flask("test")
    app.add_url_rule("/", view_func=view, endpoint="view", methods=["GET", "POST"])

    class Handler(_http.Handler):
        def send_all(self, data):
            if on_write is not None:
                on_write(bytes(data))
            super().send_all(data)

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = _http.Server(listener, app, Handler)
    server.start()
    try:
        yield server
    finally:
        server.drain(0.1)
        server.sweeper.kill()


def connected(server):
    connection = socket.create_connection(server.address)
    connection.settimeout(WITHIN_S)
    return connection


def read_to_the_end(connection):
    answer = io.BytesIO()
    while block := connection.recv(65536):
        answer.write(block)
    return answer.getvalue()


def eventually_in(connection, what):
    answer = b""
    while what not in answer:
        block = connection.recv(65536)
        assert block
        answer += block
    return answer


def test_a_connection_that_ends_releases_its_file_descriptor(shared):
    server = shared("polling")

    before = server.open_files()
    for request in (b"", b"GET /health HTTP/1.1\r\n" + LOCAL + b"\r\n", b"nonsense\r\n\r\n", b"GET /half"):
        server.raw(request)
    eventually(lambda: server.open_files() <= before, "closed connections")


# -- what replies say, and when their peer has left

STREAMS = {"sse": "/sse?topic={topic}", "ndjson": "/ndjson?topic={topic}"}
WAITING = {**STREAMS, "long_polling": "/wait?topic={topic}&after={cursor}", "flask_sse": "/stream?channel={topic}"}


def get(path, method="GET", version="1.1", headers=""):
    return f"{method} {path} HTTP/{version}\r\nHost: 127.0.0.1\r\n{headers}\r\n".encode()


def head_of(connection):
    """The response head, in lower case, and the bytes after it that came along."""
    received = b""
    while b"\r\n\r\n" not in received:
        block = connection.recv(65536)
        assert block, received
        received += block
    head, _, rest = received.partition(b"\r\n\r\n")
    return head.lower().split(b"\r\n"), rest


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_answers_head_without_a_body_and_the_connection_goes_on(shared, name):
    with shared(name).connect() as connection:
        connection.sendall(get(STREAMS[name].format(topic=new_topic()), "HEAD") + get("/health"))
        head, rest = head_of(connection)
        assert head[0] == b"http/1.1 200 ok"
        rest = rest or connection.recv(65536)
        assert rest.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_refused_head_request_has_no_body(shared):
    answer = shared("sse").raw(b"HEAD /health HTTP/1.1\r\nHost: evil.example\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 403 ")
    assert answer.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("headers", ["", "Connection: keep-alive\r\n"])
def test_an_http_1_0_stream_ends_with_its_connection(shared, name, headers):
    with shared(name).connect() as connection:
        connection.sendall(get(STREAMS[name].format(topic=new_topic()), version="1.0", headers=headers))
        head, _ = head_of(connection)
        assert b"connection: close" in head
        assert b"connection: keep-alive" not in head
        assert b"transfer-encoding: chunked" not in head


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_asks_proxies_not_to_buffer_it(shared, name):
    with shared(name).connect() as connection:
        connection.sendall(get(STREAMS[name].format(topic=new_topic())))
        head, _ = head_of(connection)
        assert b"x-accel-buffering: no" in head
        assert b"x-content-type-options: nosniff" in head


@pytest.mark.parametrize("name", ["polling", "long_polling"])
def test_a_poll_is_not_stored(shared, name):
    path = {"polling": "/poll", "long_polling": "/wait"}[name]
    response = shared(name).request("GET", f"{path}?topic={new_topic()}")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ALL_VARIANTS)
@pytest.mark.parametrize("path", ["/health", "/nowhere"])
def test_every_reply_says_nosniff(shared, name, path):
    assert shared(name).request("GET", path).headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports a closed peer without reading")
@pytest.mark.parametrize("name", WAITING)
def test_peers_that_left_are_noticed_though_nothing_is_published(shared, name):
    server, topic = shared(name), new_topic()
    cursor = ""
    if name == "long_polling":
        cursor = server.request("GET", f"/wait?topic={topic}").headers["Push-Cursor"]
    before = server.open_files()
    connections = [server.connect() for _ in range(20)]
    for connection in connections:
        connection.sendall(get(WAITING[name].format(topic=topic, cursor=cursor)))
    eventually(lambda: server.open_files() >= before + 15, "accepted connections")
    for connection in connections:
        connection.close()
    left = time.monotonic()
    eventually(lambda: server.open_files() <= before, "closed connections")
    assert time.monotonic() - left < 5, "far below the heartbeat of 15 s and the hold time of 60 s"
    assert server.healthy()
