"""HTTP/1.1 responses, compared with h11, in every segmentation."""

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bench.clients._http import MAX_HEAD_BYTES, ResponseParser, StreamParser, build_request
from bench.reactor.errors import ProtocolError
from tests.clients._segmentation import every_single_split, fed, pieces, splits

tokens = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=10).map(str.encode)
values = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20).map(str.encode)
extra_headers = st.lists(
    st.tuples(tokens.map(b"x-".__add__), values.filter(lambda value: b"," not in value)),
    max_size=4,
    unique_by=lambda header: header[0],
)


@st.composite
def responses(draw):
    """(bytes, status, headers, body) of a response as the server side of h11 writes it."""
    connection = h11.Connection(h11.SERVER)
    connection.receive_data(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    connection.next_event()
    connection.next_event()
    status = draw(st.sampled_from([200, 200, 200, 204, 304, 404, 503]))
    body = b"" if status in (204, 304) else draw(st.binary(max_size=300))
    headers = draw(extra_headers)
    chunked = draw(st.booleans())
    framing = [(b"transfer-encoding", b"chunked")] if chunked else [(b"content-length", b"%d" % len(body))]
    if status in (204, 304):
        framing = []
    written = b""
    if draw(st.integers(0, 3)) == 0:
        written += connection.send(h11.InformationalResponse(status_code=100, headers=[]))
    written += connection.send(h11.Response(status_code=status, headers=headers + framing))
    for part in pieces(body, draw(splits)):
        written += connection.send(h11.Data(part))
    written += connection.send(h11.EndOfMessage())
    return written, status, dict(headers), body


@given(st.lists(responses(), max_size=4), splits)
def test_responses_written_by_h11_are_read_in_any_segmentation(written, where):
    stream = b"".join(response[0] for response in written)
    read = fed(ResponseParser().feed, pieces(stream, where))
    assert [(response.status, response.body) for response in read] == [(status, body) for _, status, _, body in written]
    for response, (_, _, headers, _) in zip(read, written, strict=True):
        assert headers.items() <= response.headers.items()


_FRAGMENTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200 OK\r\n", b"HTTP/1.1 204 No Content\r\n", b"HTTP/1.1 200\r\n",
    b"HTTP/2 200\r\n",
    b"Content-Length: 5\r\n", b"content-length: 5, 5\r\n", b"Content-Length: 6\r\n", b"Content-Length: +5\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n",
    b"a:b\r\n", b"a : b\r\n",
    b"a\r\n", b": b\r\n", b"a: b\x00\r\n", b"\r\n", b"hello", b"5\r\nhello\r\n", b"5;x=y\r\nhello\r\n", b"0\r\n\r\n",
    b"0\r\nt: v\r\n\r\n", b"-5\r\n", b"0x5\r\nhello\r\n", b"A\r\n0123456789\r\n", b"5\r\nhelloo\r\n", b"\n", b" ",
]  # fmt: skip


def by_h11(stream):
    """(bodies, valid?) of the complete responses in a stream, each the answer to a GET request."""
    bodies = []
    while True:
        connection = h11.Connection(h11.CLIENT)
        connection.send(h11.Request(method="GET", target="/", headers=[("host", "h")]))
        connection.send(h11.EndOfMessage())
        connection.receive_data(stream)
        body = b""
        try:
            while not isinstance(event := connection.next_event(), h11.EndOfMessage):
                if event is h11.NEED_DATA:
                    return bodies, True
                if isinstance(event, h11.Data):
                    body += event.data
        except h11.RemoteProtocolError:
            return bodies, False
        bodies.append(body)
        stream = connection.trailing_data[0]
        if not stream:
            return bodies, True


def by_us(parts):
    parser, bodies = ResponseParser(), []
    try:
        for part in parts:
            bodies.extend(response.body for response in parser.feed(part))
    except ProtocolError:
        return bodies, False
    return bodies, True


@example(b"HTTP/1.1 204 No Content\r\nContent-Length: +5\r\n\r\n", [])
@example(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: gzip\r\n\r\n", [])
@example(b"HTTP/1.1 100 Continue\r\nContent-Length: +5\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", [])
@example(b"HTTP/1.1 200 OK\r\nContent-Length: +5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", [])
@example(b"HTTP/1.1 204 No Content\r\n\n\r\n", [])
@example(b"HTTP/1.1 204 No Content\r\n\n", [])
@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=12).map(b"".join), splits)
def test_responses_that_h11_rejects_are_errors(stream, where):
    theirs, theirs_valid = by_h11(stream)
    ours, ours_valid = by_us(pieces(stream, where))
    # We reject more (a bare LF as a line end, for example), but never read another body from the same bytes.
    assert ours == theirs[: len(ours)]
    if not theirs_valid:
        assert not ours_valid or len(ours) == len(theirs)
    if ours_valid and theirs_valid:
        assert ours == theirs


NO_LENGTHS = (
    "+5",
    "-5",
    "1_000",
    "5 5",
    "0x5",
    "5.",
    "5e0",
    "\u0665",
    "\u00b2",
    "\u00a05",
    "",
    ",",
    "5,",
    "5, +5",
    "five",
)


@pytest.mark.parametrize("length", NO_LENGTHS)
@pytest.mark.parametrize("head", ["200 OK", "204 No Content", "304 Not Modified", "101 Switching Protocols",
                                  "100 Continue", "200 OK\r\nTransfer-Encoding: chunked"])  # fmt: skip
def test_a_length_is_decimal_digits_also_where_it_means_nothing(head, length):
    stream = f"HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n".encode() + b"HTTP/1.1 204 No\r\n\r\n" * 9
    bodies, valid = by_us([stream])
    assert not valid
    assert bodies == []


@pytest.mark.parametrize("size", ["+5", "-5", "0x5", "5_0", " 5", "\u0665", "\u00b2", ""])
def test_a_chunk_size_is_hexadecimal_digits(size):
    stream = f"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{size}\r\nhello\r\n0\r\n\r\n".encode()
    assert by_us([stream]) == ([], False)


@pytest.mark.parametrize("status", ["+200", "2_0", "20\u0660", "\u00b200", " 200", "0200", "099"])
def test_a_status_is_three_digits(status):
    assert by_us([f"HTTP/1.1 {status} OK\r\nContent-Length: 0\r\n\r\n".encode()]) == ([], False)


@given(st.lists(st.sampled_from(_FRAGMENTS), max_size=12).map(b"".join), splits)
def test_segmentation_changes_neither_responses_nor_errors(stream, where):
    assert by_us(pieces(stream, where)) == by_us([stream] if stream else [])


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n00A;note=x\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"
)


def test_a_chunked_body_is_the_same_for_every_single_split():
    for parts in every_single_split(CHUNKED + b"HTTP/1.1 204 No Content\r\n\r\n"):
        read = fed(ResponseParser().feed, parts)
        assert [(response.status, response.body) for response in read] == [(200, b"hello0123456789"), (204, b"")]


def test_a_stream_gives_its_body_as_it_comes():
    stream = StreamParser()
    assert fed(stream.feed, [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"]) == []
    assert stream.head is None
    assert fed(stream.feed, [b"\r\n5\r\nhel"]) == [b"hel"]
    assert stream.head.status == 200
    assert not stream.ended
    assert fed(stream.feed, [b"lo\r\n0\r\n\r\nmore"]) == [b"lo"]
    assert stream.ended
    assert stream.excess == b"more"


def test_a_body_without_a_length_ends_with_the_connection():
    stream = StreamParser()
    assert fed(stream.feed, [b"HTTP/1.0 200 OK\r\n\r\nab", b"cd"]) == [b"ab", b"cd"]
    assert not stream.ended


def test_bytes_before_a_fault_are_yielded_before_it_is_raised():
    stream = StreamParser().feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfive\r\n")
    assert next(stream) == b"hello"
    with pytest.raises(ProtocolError, match="chunk size"):
        next(stream)


@pytest.mark.parametrize(
    ("head", "keeps"),
    [
        (b"HTTP/1.1 200 OK", True),
        (b"HTTP/1.1 200 OK\r\nConnection: close", False),
        (b"HTTP/1.1 200 OK\r\nConnection: x, Close", False),
        (b"HTTP/1.0 200 OK", False),
        (b"HTTP/1.0 200 OK\r\nConnection: keep-alive", True),
    ],
)
def test_the_connection_is_kept_when_the_headers_allow_it(head, keeps):
    (response,) = ResponseParser().feed(head + b"\r\nContent-Length: 0\r\n\r\n")
    assert response.keep_alive is keeps


@pytest.mark.parametrize(
    "stream",
    [
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * MAX_HEAD_BYTES,
        b"x" * (MAX_HEAD_BYTES + 1),
        b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * MAX_HEAD_BYTES,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3000000\r\n" + b"x" * 0x3000000,
    ],
    ids=lambda stream: repr(stream[:90]),
)
def test_every_buffer_has_a_limit(stream):
    bodies, valid = by_us([stream[start : start + 65_536] for start in range(0, len(stream), 65_536)])
    assert not valid
    assert bodies == []


def test_a_request_is_what_h11_reads():
    server = h11.Connection(h11.SERVER)
    server.receive_data(build_request("POST", "/publish?topic=t", "h:1", (("Content-Type", "text/plain"),), b"hello"))
    request = server.next_event()
    assert (request.method, request.target) == (b"POST", b"/publish?topic=t")
    assert dict(request.headers) == {b"host": b"h:1", b"content-type": b"text/plain", b"content-length": b"5"}
    assert server.next_event().data == b"hello"
    assert isinstance(server.next_event(), h11.EndOfMessage)
    assert server.trailing_data == (b"", False)
