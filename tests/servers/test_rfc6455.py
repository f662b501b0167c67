"""The WebSocket variant and RFC 6455: every invalid frame is answered with the right close code and nothing else."""

import random
import struct
from contextlib import suppress
from itertools import pairwise

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Opcode
from websockets.sync.client import connect
from wsproto.frame_protocol import CloseReason, FrameProtocol
from wsproto.frame_protocol import Opcode as Oracle

from servers import _rfc6455
from servers._rfc6455 import Closed, Connection, frame
from tests.servers._process import eventually, new_topic

MIB = 1_048_576
LIMIT = _rfc6455.MESSAGE_BYTES
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def masked(opcode, payload=b"", *, fin=True, rsv=0, announced=None, mask=b"\1\2\3\4"):
    """A frame as a client sends it. `announced` may be another length than its own."""
    length = len(payload) if announced is None else announced
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 65536:
        head += b"\xfe" + struct.pack("!H", length)
    else:
        head += b"\xff" + struct.pack("!Q", length)
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def closing(code, reason=b""):
    return struct.pack("!H", code) + reason


def frames(data):
    """The unmasked frames in what a server has sent, by an independent parser: (opcode, payload)."""
    parsed = []
    while data:
        opcode, length = data[0] & 15, data[1]
        assert data[0] & 0xF0 == 0x80, "a complete frame without reserved bits"
        assert length < 128, "not masked"
        size, start = (length, 2) if length < 126 else (0, 0)
        if length == 126:
            (size,), start = struct.unpack("!H", data[2:4]), 4
        elif length == 127:
            (size,), start = struct.unpack("!Q", data[2:10]), 10
        assert len(data) >= start + size, "a complete frame"
        parsed.append((opcode, data[start : start + size]))
        data = data[start + size :]
    return parsed


class Wire:
    """A socket whose peer sends `incoming` and then closes."""

    def __init__(self, incoming):
        self.incoming = list(incoming)
        self.sent = b""

    def recv(self, _size):
        return self.incoming.pop(0) if self.incoming else b""

    def send_all(self, data):
        self.sent += data

    def set_deadline(self, seconds):
        self.deadline_s = seconds


def conversation(*incoming):
    """(messages received, frames sent) of a server that receives `incoming`."""
    wire = Wire(incoming)
    messages = list(Connection(wire).messages())
    return messages, frames(wire.sent)


INVALID = {
    "not masked": (frame(Opcode.TEXT, b"x"), 1002),
    "reserved bit 1": (masked(TEXT, b"x", rsv=4), 1002),
    "reserved bit 2": (masked(TEXT, b"x", rsv=2), 1002),
    "reserved bit 3": (masked(BINARY, b"x", rsv=1), 1002),
    "reserved bits on a ping": (masked(PING, b"x", rsv=7), 1002),
    "opcode 3": (masked(3, b"x"), 1002),
    "opcode 7": (masked(7), 1002),
    "opcode 11": (masked(11), 1002),
    "opcode 15": (masked(15, b"x"), 1002),
    "fragmented ping": (masked(PING, b"x", fin=False), 1002),
    "fragmented close": (masked(CLOSE, closing(1000), fin=False), 1002),
    "ping too long": (masked(PING, b"x" * 126), 1002),
    "close too long": (masked(CLOSE, closing(1000, b"x" * 124)), 1002),
    "continuation of nothing": (masked(CONT, b"x"), 1002),
    "last continuation of nothing": (masked(CONT, b"x", fin=False), 1002),
    "text within a text": (masked(TEXT, b"a", fin=False) + masked(TEXT, b"b"), 1002),
    "binary within a text": (masked(TEXT, b"a", fin=False) + masked(BINARY, b"b"), 1002),
    "continuation after the last": (masked(TEXT, b"a", fin=False) + masked(CONT, b"b") + masked(CONT, b"c"), 1002),
    "close of one byte": (masked(CLOSE, b"x"), 1002),
    **{f"close code {code}": (masked(CLOSE, closing(code)), 1002)
       for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)},
    "close reason not UTF-8": (masked(CLOSE, closing(1000, b"\xce\xba\xff")), 1007),
    "text not UTF-8": (masked(TEXT, b"\xce\xba\xff"), 1007),
    "text with a surrogate": (masked(TEXT, b"\xed\xa0\x80"), 1007),
    "text beyond Unicode": (masked(TEXT, b"\xf4\x90\x80\x80"), 1007),
    "overlong text": (masked(TEXT, b"\xc0\xaf"), 1007),
    "text that ends within a character": (masked(TEXT, b"\xce"), 1007),
    "fragments that end within a character": (masked(TEXT, b"\xce", fin=False) + masked(CONT), 1007),
    "first fragment not UTF-8": (masked(TEXT, b"\xff", fin=False), 1007),
    "second fragment not UTF-8": (masked(TEXT, b"\xce", fin=False) + masked(CONT, b"\xce", fin=False), 1007),
    "one byte too many": (masked(TEXT, b"x" * (LIMIT + 1)), 1009),
    "announced 16 MiB": (masked(BINARY, b"x", announced=16 * MIB), 1009),
    "announced 2^63 - 1": (masked(BINARY, b"", announced=2**63 - 1), 1009),
    "fragments too many": (masked(TEXT, b"x" * LIMIT, fin=False) + masked(CONT, b"x"), 1009),
    "announced one byte too many": (masked(TEXT, b"", announced=LIMIT + 1), 1009),
    "announced one byte too many in fragments":
        (masked(TEXT, b"x" * 99, fin=False) + masked(CONT, b"", announced=LIMIT - 98), 1009),
    "ping announced too long": (masked(PING, b"", announced=126), 1002),
    "close announced too long": (masked(CLOSE, b"", announced=65536), 1002),
    "16 bits for a length of 125": (b"\x81\xfe\x00\x7d" + b"\1\2\3\4", 1002),
    "64 bits for a length of 1": (b"\x81\xff" + bytes(7) + b"\1" + bytes(5), 1002),
    "64 bits for a length of 65535": (b"\x82\xff" + struct.pack("!Q", 65535), 1002),
    "16 bits for the length of a ping": (b"\x89\xfe\x00\x01" + bytes(5), 1002),
    "64 bits with the highest set": (masked(BINARY, b"", announced=2**63), 1002),
    "close of one byte among fragments": (masked(TEXT, b"a", fin=False) + masked(CLOSE, b"x"), 1002),
    "one byte too many after a text": (masked(TEXT, b"a") + masked(TEXT, b"", announced=LIMIT + 1), 1009),
    "announced fragment too many": (masked(TEXT, b"x" * 99, fin=False) + masked(CONT, b"", announced=LIMIT + 99), 1009),
}  # fmt: skip


@pytest.mark.parametrize("case", INVALID)
@pytest.mark.parametrize("segmentation", ["in one piece", "byte by byte"])
def test_an_invalid_frame_is_answered_with_its_close_code_and_later_frames_are_ignored(case, segmentation):
    invalid, code = INVALID[case]
    incoming = invalid + masked(PING, b"late") + masked(TEXT, b"late")
    if segmentation == "byte by byte" and len(incoming) < 1000:
        pieces = [incoming[index : index + 1] for index in range(len(incoming))]
    else:
        pieces = [incoming]
    messages, sent = conversation(*pieces)
    assert (TEXT, b"late") not in messages
    assert len(sent) == 1
    assert sent[0][0] == CLOSE
    assert struct.unpack("!H", sent[0][1][:2])[0] == code


ENDS = "\0\x7f\u0080\u07ff\u0800\ud7ff\ue000\uffff\U00010000\U0010ffff".encode()
LARGEST = b"x" * LIMIT


def fragments(*parts, between=b""):
    """A text in one frame per part, with `between` after every frame but the last."""
    last = len(parts) - 1
    return between.join(masked(CONT if n else TEXT, part, fin=n == last) for n, part in enumerate(parts))


VALID = {
    "empty text": (masked(TEXT), [(TEXT, b"")], []),
    "empty binary": (masked(BINARY), [(BINARY, b"")], []),
    "largest text": (masked(TEXT, LARGEST), [(TEXT, LARGEST)], []),
    "all of Unicode's ends": (masked(TEXT, ENDS), [(TEXT, ENDS)], []),
    "any bytes": (masked(BINARY, bytes(range(256))), [(BINARY, bytes(range(256)))], []),
    "fragments": (fragments(b"a", b"b", b"c"), [(TEXT, b"abc")], []),
    "a character in two fragments": (fragments(b"\xce", b"\xba"), [(TEXT, b"\xce\xba")], []),
    "empty fragments": (fragments(b"", b"", b""), [(TEXT, b"")], []),
    "ping": (masked(PING, b"hey"), [], [(PONG, b"hey")]),
    "longest ping": (masked(PING, b"x" * 125), [], [(PONG, b"x" * 125)]),
    "ten pings": (b"".join(masked(PING, b"%d" % n) for n in range(10)), [], [(PONG, b"%d" % n) for n in range(10)]),
    "unasked pong": (masked(PONG, b"x") + masked(PING), [], [(PONG, b"")]),
    "ping among fragments": (fragments(b"a", b"b", between=masked(PING, b"p")), [(TEXT, b"ab")], [(PONG, b"p")]),
    "ping within a message of the largest size":
        (fragments(LARGEST, b"", between=masked(PING, b"p" * 125)), [(TEXT, LARGEST)], [(PONG, b"p" * 125)]),
    "close without code": (masked(CLOSE), [], [(CLOSE, b"")]),
    **{f"close {code}": (masked(CLOSE, closing(code)), [], [(CLOSE, closing(code))])
       for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)},
    "close with the longest reason": (masked(CLOSE, closing(1000, b"x" * 123)), [], [(8, closing(1000, b"x" * 123))]),
    "text, close, text": (masked(TEXT, b"a") + masked(CLOSE) + masked(TEXT, b"b"), [(TEXT, b"a")], [(CLOSE, b"")]),
    "close within a fragmented message":
        (masked(TEXT, b"a", fin=False) + masked(CLOSE, closing(1000)) + masked(CONT, b"b"), [],
         [(CLOSE, closing(1000))]),
    "close with a reason among fragments":
        (fragments(b"a", b"b", between=masked(CLOSE, closing(3000, b"so"))), [], [(CLOSE, closing(3000, b"so"))]),
    "close without code among fragments": (fragments(b"a", b"b", between=masked(CLOSE)), [], [(CLOSE, b"")]),
    "ping and close among fragments": (fragments(b"a", b"b", between=masked(PING, b"p") + masked(CLOSE)), [],
                                       [(PONG, b"p"), (CLOSE, b"")]),
    "text, then a close among fragments": (masked(TEXT, b"a") + fragments(b"b", b"c", between=masked(CLOSE)),
                                           [(TEXT, b"a")], [(CLOSE, b"")]),
    "close twice": (masked(CLOSE) * 2, [], [(CLOSE, b"")]),
    "ping after close": (masked(CLOSE) + masked(PING), [], [(CLOSE, b"")]),
    "closed without a close frame": (b"", [], []),
    "closed within a frame": (masked(TEXT, b"abc")[:-1], [], []),
}  # fmt: skip


@pytest.mark.parametrize("case", VALID)
@pytest.mark.parametrize("segmentation", ["in one piece", "byte by byte"])
def test_valid_frames_are_accepted_and_answered(case, segmentation):
    incoming, messages, answers = VALID[case]
    if segmentation == "byte by byte" and len(incoming) < 3000:
        assert conversation(*[incoming[index : index + 1] for index in range(len(incoming))]) == (messages, answers)
    else:
        assert conversation(incoming) == (messages, answers)


def test_a_pong_is_sent_before_the_answer_to_a_later_message():
    wire = Wire([masked(PING, b"1") + masked(TEXT, b"a") + masked(PING, b"2") + masked(TEXT, b"b") + masked(CLOSE)])
    connection = Connection(wire)
    for opcode, data in connection.messages():
        connection.send(frame(opcode, data))
    assert frames(wire.sent) == [(PONG, b"1"), (TEXT, b"a"), (PONG, b"2"), (TEXT, b"b"), (CLOSE, b"")]


def test_nothing_can_be_sent_after_a_close_frame():
    wire = Wire([masked(TEXT, b"late"), masked(PING), masked(CLOSE, closing(1000))])
    connection = Connection(wire)
    connection.close(1001, "the server stops")
    connection.close(1000)
    with pytest.raises(Closed):
        connection.send(frame(Opcode.TEXT, b"x"))
    assert list(connection.messages()) == []
    assert frames(wire.sent) == [(CLOSE, closing(1001, b"the server stops"))]


def test_frames_of_two_writers_are_never_mixed():
    class Narrow(Wire):
        def send_all(self, data):
            for byte in data:
                self.sent += bytes([byte])
                gevent.sleep(0)

    wire = Narrow([])
    connection = Connection(wire)
    writers = [gevent.spawn(connection.send, frame(Opcode.TEXT, bytes([65 + n]) * 20) * 3) for n in range(5)]
    gevent.sleep(0)
    closer = gevent.spawn(connection.close, 1000)
    gevent.joinall([*writers, closer], timeout=10)
    payloads = [payload for _, payload in frames(wire.sent)]
    assert all(len(set(payload)) <= 1 for payload in payloads[:-1])
    assert [opcode for opcode, _ in frames(wire.sent)][-1] == CLOSE


@given(st.binary(max_size=70_000), st.sampled_from([Opcode.TEXT, Opcode.BINARY]))
def test_an_independent_parser_reads_our_frames(payload, opcode):
    oracle = FrameProtocol(client=True, extensions=[])
    oracle.receive_bytes(frame(Opcode.BINARY, payload))
    received = b"".join(bytes(part.payload) for part in oracle.received_frames())
    assert received == payload
    assert frames(frame(opcode, payload)) == [(opcode, payload)]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
def test_our_frames_have_the_shortest_header(size):
    header = 2 if size < 126 else 4 if size < 65536 else 10
    assert len(frame(Opcode.TEXT, b"x" * size)) == header + size


@given(st.data())
def test_a_message_is_the_same_in_any_fragmentation_and_segmentation(data):
    payload = data.draw(st.text(max_size=60)).encode()
    splits = sorted(data.draw(st.lists(st.integers(0, len(payload)), max_size=4)))
    parts = [payload[a:b] for a, b in pairwise([0, *splits, len(payload)])]
    sending = FrameProtocol(client=True, extensions=[])
    stream = b""
    for index, part in enumerate(parts):
        stream += bytes(
            sending._serialize_frame(Oracle.TEXT if index == 0 else Oracle.CONTINUATION, part, index == len(parts) - 1)
        )
        stream += bytes(sending.ping(b"p"))
    stream += bytes(sending.close(CloseReason.NORMAL_CLOSURE))
    splits = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    messages, sent = conversation(*[piece for a, b in pairwise([0, *splits, len(stream)]) if (piece := stream[a:b])])
    assert messages == [(TEXT, payload)]
    assert sent == [(PONG, b"p")] * len(parts) + [(CLOSE, closing(1000))]


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_noise_is_answered_with_complete_frames_and_at_most_one_close(noise):
    _, sent = conversation(*filter(None, noise))
    assert [opcode for opcode, _ in sent].count(CLOSE) <= 1
    assert CLOSE not in [opcode for opcode, _ in sent[:-1]]


# -- over the network


def handshake(path, **changes):
    headers = {
        "Host": "127.0.0.1", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }  # fmt: skip
    headers |= {name.replace("_", "-"): value for name, value in changes.items()}
    lines = [f"{name}: {value}\r\n" for name, value in headers.items() if value is not None]
    return f"GET {path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode()


def echo(server):
    return connect(f"ws://{server.address}/echo", max_size=None)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 101),
        ({"Connection": "keep-alive, Upgrade", "Upgrade": "WebSocket"}, 101),
        ({"Sec_WebSocket_Version": "8"}, 426),
        ({"Sec_WebSocket_Version": "+13"}, 426),
        ({"Sec_WebSocket_Version": "13.0"}, 426),
        ({"Sec_WebSocket_Version": None}, 400),
        ({"Sec_WebSocket_Key": None}, 400),
        ({"Sec_WebSocket_Key": "AAAA"}, 400),
        ({"Sec_WebSocket_Key": "?"}, 400),
        ({"Upgrade": None}, 400),
        ({"Upgrade": "h2c"}, 400),
        ({"Connection": "close"}, 400),
        ({"Origin": "http://evil.example"}, 403),
    ],
    ids=str,
)
def test_only_a_valid_handshake_is_accepted(shared, changes, status):
    answer = shared("websocket").raw(handshake("/echo", **changes))
    assert int(answer[9:12]) == status
    assert shared("websocket").healthy()


@pytest.mark.parametrize("version", ["8", "14", "+13", None])
def test_a_refused_version_is_answered_with_the_supported_one(shared, version):
    head = shared("websocket").raw(handshake("/echo", Sec_WebSocket_Version=version)).partition(b"\r\n\r\n")[0]
    assert b"sec-websocket-version: 13" in head.lower().split(b"\r\n")


@pytest.mark.parametrize(
    "changes",
    [{"Sec_WebSocket_Version": "9"}, {"Sec_WebSocket_Version": None}, {"Sec_WebSocket_Key": None},
     {"Sec_WebSocket_Key": "AAAA"}, {"Upgrade": "h2c"}],
    ids=str,
)  # fmt: skip
def test_the_product_refuses_a_handshake_without_a_traceback(shared, changes):
    server = shared("flask_socketio")
    answer = server.raw(handshake("/socket.io/?EIO=4&transport=websocket", **changes))
    assert answer.startswith(b"HTTP/1.1 4")
    assert server.healthy()


REFUSED_BY_THE_PRODUCT = {
    "another version": {"Sec_WebSocket_Version": "9"},
    "no version": {"Sec_WebSocket_Version": None},
    "no key": {"Sec_WebSocket_Key": None},
    "a short key": {"Sec_WebSocket_Key": "AAAA"},
    "a key that is not base64": {"Sec_WebSocket_Key": "AAA"},
    "a key that is not ASCII": {"Sec_WebSocket_Key": "\u00e9"},
}


@pytest.mark.parametrize("name", ["flask_socketio", "flask_socketio_polling"])
@pytest.mark.parametrize("case", REFUSED_BY_THE_PRODUCT)
def test_a_handshake_that_the_product_refuses_is_answered_with_a_reason(shared, name, case):
    server = shared(name)
    answer = server.raw(handshake("/socket.io/?EIO=4&transport=websocket", **REFUSED_BY_THE_PRODUCT[case]))
    assert 400 <= int(answer[9:12]) < 500
    assert answer.partition(b"\r\n\r\n")[2]
    assert server.healthy()


@pytest.mark.parametrize("path", ["/ws", "/ws?topic=", "/ws?topic=a/b", "/ws?topic=t&after=x"])
def test_a_subscriber_names_a_topic_before_the_handshake_is_accepted(shared, path):
    assert int(shared("websocket").raw(handshake(path))[9:12]) == 400


def test_compression_is_not_negotiated(shared):
    with connect(f"ws://{shared('websocket').address}/echo", compression="deflate") as connection:
        assert "Sec-WebSocket-Extensions" not in connection.response.headers
        connection.send("x" * 1000)
        assert connection.recv() == "x" * 1000


def test_frames_that_arrive_with_the_handshake_are_not_lost(shared):
    answer = shared("websocket").raw(handshake("/echo") + masked(TEXT, b"early") + masked(CLOSE))
    assert frames(answer.partition(b"\r\n\r\n")[2]) == [(TEXT, b"early"), (CLOSE, b"")]


@pytest.mark.parametrize(
    "message", ["", "text", "\u00e9\U0001f600", b"", b"\xff\x00", "x" * 65536, b"y" * MIB], ids=repr
)
def test_an_echo_equals_the_message(shared, message):
    with echo(shared("websocket")) as connection:
        connection.send(message)
        assert connection.recv() == message
        connection.send([message[:1], message[1:]])
        assert connection.recv() == message
        assert connection.ping("ping").wait(10)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("no tab", 1008), ("a b\ttext", 1008), ("t\tline\nbreak", 1008), ("t\t\u00e9", 1008),
        (b"t\ttext", 1003), ("t\t" + "x" * (MIB + 1), 1009), ("t\t" + "x" * (2 * MIB), 1009),
    ],
    ids=["no tab", "bad topic", "two lines", "not ascii", "binary", "text too large", "message too large"],
)  # fmt: skip
def test_upstream_that_breaks_the_contract_ends_the_connection_with_a_code(shared, sent, code):
    server = shared("websocket")
    with connect(f"ws://{server.address}/ws?topic={new_topic()}", max_size=None) as connection:
        connection.send(sent)
        with suppress(ConnectionClosedError):
            for _ in connection:
                pass
        assert connection.protocol.close_rcvd.code == code
    assert server.healthy()


@pytest.mark.parametrize("case", INVALID)
def test_the_server_closes_the_connection_after_a_close_code(shared, case):
    invalid, code = INVALID[case]
    answer = shared("websocket").raw(handshake("/echo") + invalid)
    sent = frames(answer.partition(b"\r\n\r\n")[2])
    assert struct.unpack("!H", sent[-1][1][:2])[0] == code
    assert [opcode for opcode, _ in sent].count(CLOSE) == 1


@pytest.mark.parametrize("path", ["/echo", "/ws?topic=noise"])
def test_noise_leaves_the_server_healthy(shared, path):
    server = shared("websocket")
    noise = random.Random(path)
    for _ in range(150):
        data = noise.randbytes(noise.randrange(1, 400))
        if noise.random() < 0.5:  # a valid header, so that random bytes pass the first checks
            data = masked(noise.choice([CONT, TEXT, BINARY, CLOSE, PING]), data[:120], fin=noise.random() < 0.7) + data
        server.raw(handshake(path) + data)
    assert server.healthy()


@pytest.mark.parametrize("name", ["flask_socketio", "flask_socketio_polling"])
def test_noise_leaves_the_product_serving(fresh, name):
    server = fresh(name)  # not shared, because this product logs tracebacks for noise
    noise = random.Random(name)
    for _ in range(40):
        server.raw(handshake("/socket.io/?EIO=4&transport=websocket") + masked(TEXT, b"40/push,") + noise.randbytes(99))
        server.raw(handshake("/socket.io/?EIO=4&transport=websocket") + masked(TEXT, noise.randbytes(9).hex().encode()))
    assert server.request("GET", "/health").status == 200


def test_a_subscriber_that_closes_without_a_close_frame_is_removed(shared):
    server, topic = shared("websocket"), new_topic()
    connections = [server.connect() for _ in range(5)]
    for connection in connections:
        connection.sendall(handshake(f"/ws?topic={topic}"))
        assert connection.recv(12) == b"HTTP/1.1 101"
    during = server.open_files()
    for connection in connections:
        connection.close()
    eventually(lambda: server.open_files() <= during - 5, "closed connections")
