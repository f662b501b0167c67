"""Socket.IO packets, compared with the encoders of python-socketio and python-engineio."""

import json

import engineio.packet
import engineio.payload
import pytest
import socketio.packet
from engineio.packet import Packet as EnginePacket
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import Packet as SocketPacket
from websockets.frames import Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from bench.clients._socketio import OverPolling, OverWebSocket, Session
from tests.clients._segmentation import every_single_split, fed, pieces, splits
from tests.clients.test_frames import frame, text_frame

engineio.payload.Payload.max_decode_packets = 10_000
NAMESPACES = ["/push", "/", "/a-b"]


def socket_packet(kind, data=None, namespace="/push", ack_id=None):
    packet = SocketPacket(packet_type=kind, data=data, namespace=namespace, id=ack_id).encode()
    return engine_packet(engineio.packet.MESSAGE, packet)


def event(text, namespace="/push", ack_id=None):
    return socket_packet(socketio.packet.EVENT, ["message", text], namespace, ack_id)


def engine_packet(kind, data=None):
    return EnginePacket(kind, data).encode().encode()


def opened(sid="abc-123"):
    return engine_packet(engineio.packet.OPEN, json.dumps({"sid": sid, "upgrades": [], "pingInterval": 25000}))


def read(packet):
    """One of our packets, as python-socketio reads it."""
    engine = EnginePacket(encoded_packet=packet.decode())
    assert engine.packet_type == engineio.packet.MESSAGE
    received = SocketPacket(encoded_packet=engine.data if isinstance(engine.data, str) else json.dumps(engine.data))
    return received.packet_type, received.namespace or "/", received.id, received.data


def subscribed(namespace="/push"):
    """A session that has subscribed; its opening packets are checked on the way."""
    session = Session(namespace, "message", "a-topic")
    assert session.receive([opened()]) == []
    assert [read(packet) for packet in session.take_outgoing()] == [(socketio.packet.CONNECT, namespace, None, None)]
    session.receive([socket_packet(socketio.packet.CONNECT, {"sid": "x"}, namespace)])
    assert [read(packet) for packet in session.take_outgoing()] == [
        (socketio.packet.EVENT, namespace, 0, ["subscribe", "a-topic"])
    ]
    assert not session.subscribed
    session.receive([socket_packet(socketio.packet.ACK, [], namespace, 0)])
    assert session.subscribed
    return session


@pytest.mark.parametrize("namespace", NAMESPACES)
def test_a_session_opens_connects_and_subscribes(namespace):
    subscribed(namespace)


any_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.text(max_size=200), st.sampled_from(NAMESPACES), st.none() | st.integers(0, 99))
def test_an_event_of_one_string_is_a_text(text, namespace, ack_id):
    session = subscribed(namespace)
    packet = event(text, namespace, ack_id)
    assert session.receive([packet]) == [text.encode()]
    answers = [read(answer) for answer in session.take_outgoing()]
    assert answers == ([] if ack_id is None else [(socketio.packet.ACK, namespace, ack_id, [])])


@given(st.lists(any_json, max_size=3))
def test_an_event_of_anything_else_is_an_error(arguments):
    session = subscribed()
    is_text = len(arguments) == 1 and isinstance(arguments[0], str)
    session.receive([socket_packet(socketio.packet.EVENT, ["message", *arguments])])
    assert session.end_reason == ("" if is_text else "protocol error: bad event")


@given(st.lists(any_json, max_size=3))
def test_an_event_of_another_name_is_ignored(arguments):
    session = subscribed()
    assert session.receive([socket_packet(socketio.packet.EVENT, ["news", *arguments])]) == []
    assert not session.end_reason


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=100))
def test_python_socketio_reads_our_events(text):
    session = subscribed()
    session.emit("publish", "t", text)
    assert [read(packet) for packet in session.take_outgoing()] == [
        (socketio.packet.EVENT, "/push", None, ["publish", "t", text])
    ]


def refused(*reasons):
    return socket_packet(socketio.packet.EVENT, ["refused", *reasons])


def test_a_refused_event_is_reported_with_its_reason_and_the_session_goes_on():
    session = subscribed()
    session.emit("publish", "t", "a")
    assert session.receive([refused("why"), refused("x" * 1000), refused(), refused(1), event("x")]) == [b"x"]
    assert session.take_refusals() == ["why", "x" * 80]
    assert session.take_refusals() == []
    assert not session.end_reason


@pytest.mark.parametrize("number", [0, 1])
def test_an_acknowledgement_of_nothing_ends_the_session(number):
    session = subscribed()
    session.emit("publish", "t", "a")
    session.receive([socket_packet(socketio.packet.ACK, [], ack_id=number)])
    assert session.end_reason == "protocol error: acknowledgement of nothing"


@pytest.mark.parametrize(
    ("times", "silence_ms"),
    [
        ({"pingInterval": 25000, "pingTimeout": 20000}, 45000),
        ({"pingInterval": 25000}, 0),
        ({}, 0),
        ({"pingInterval": "25000", "pingTimeout": 20000}, None),
        ({"pingInterval": 25000, "pingTimeout": 0}, None),
        ({"pingInterval": -1, "pingTimeout": 20000}, None),
        ({"pingInterval": 2.5, "pingTimeout": 20000}, None),
        ({"pingInterval": True, "pingTimeout": 20000}, None),
        ({"pingInterval": 10**9, "pingTimeout": 20000}, None),
    ],
    ids=str,
)
def test_an_open_packet_says_how_long_the_server_may_be_silent(times, silence_ms):
    session = Session("/push", "message", "t")
    session.receive([engine_packet(engineio.packet.OPEN, json.dumps({"sid": "a", **times}))])
    if silence_ms is None:
        assert session.end_reason == "protocol error: bad open packet"
    else:
        assert (session.end_reason, session.silence_ms) == ("", silence_ms)


def test_a_ping_is_answered_by_a_pong():
    session = subscribed()
    assert session.receive([engine_packet(engineio.packet.PING), engine_packet(engineio.packet.NOOP)]) == []
    assert session.take_outgoing() == [engine_packet(engineio.packet.PONG)]


def test_closing_disconnects_and_closes():
    session = subscribed()
    session.close()
    disconnect, close = session.take_outgoing()
    assert read(disconnect) == (socketio.packet.DISCONNECT, "/push", None, None)
    assert close == engine_packet(engineio.packet.CLOSE)


@pytest.mark.parametrize(
    ("packet", "end_reason"),
    [
        (engine_packet(engineio.packet.CLOSE), "closed by the server"),
        (socket_packet(socketio.packet.DISCONNECT), "closed by the server"),
        (engine_packet(engineio.packet.UPGRADE), "protocol error: unexpected Engine.IO packet"),
        (b"", "protocol error: unexpected Engine.IO packet"),
        (b"bAAAA", "protocol error: unexpected Engine.IO packet"),
        (opened(), "protocol error: bad open packet"),
        (b"4", "protocol error: unexpected Socket.IO packet"),
        (b"451-/push,", "protocol error: unexpected Socket.IO packet"),
        (event("x", "/other"), "protocol error: packet for another namespace"),
        (event("x", "/"), "protocol error: packet for another namespace"),
        (socket_packet(socketio.packet.ACK, [], ack_id=7), "protocol error: acknowledgement of nothing"),
        (b"42/push,{}", "protocol error: bad event"),
        (b"42/push,", "protocol error: bad event"),
        (b'42/push,["message","x"', "protocol error: bad JSON in a packet"),
        (b'42/push,["message","\xff"]', "protocol error: bad JSON in a packet"),
        (b'42/push,["message","\\ud800"]', "protocol error: bad JSON in a packet"),
        (b"42/push," + b"[" * 100_000, "protocol error: bad JSON in a packet"),
    ],
    ids=lambda value: repr(value[:40]),
)  # fmt: skip
def test_packets_that_end_a_session(packet, end_reason):
    session = subscribed()
    text = event("x")
    assert session.receive([text, packet, text]) == [b"x"]
    assert session.end_reason == end_reason
    assert session.receive([text]) == []


@pytest.mark.parametrize(
    ("packets", "end_reason"),
    [
        ([socket_packet(socketio.packet.CONNECT_ERROR, {"message": "no"})], "protocol error: namespace refused: no"),
        (
            [
                socket_packet(socketio.packet.CONNECT, {"sid": "x"}),
                socket_packet(socketio.packet.ACK, ["why"], ack_id=0),
            ],
            "protocol error: subscribe refused: why",
        ),
    ],
)
def test_a_refusal_is_an_error(packets, end_reason):
    session = Session("/push", "message", "t")
    session.receive([opened(), *packets])
    assert session.end_reason == end_reason


SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "
OPENING = [
    opened(),
    socket_packet(socketio.packet.CONNECT, {"sid": "x"}),
    socket_packet(socketio.packet.ACK, [], ack_id=0),
]


def over_websocket():
    protocol = OverWebSocket(Session("/push", "message", "t"), "h:1", "/socket.io/")
    assert protocol.next_request().startswith(b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n")
    assert protocol.next_request() == b""
    return protocol, SWITCHING + protocol._handshake._accept + b"\r\n\r\n"


def over_polling():
    protocol = OverPolling(Session("/push", "message", "t"), "h:1", "/socket.io/")
    assert protocol.next_request().startswith(b"GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\n")
    assert protocol.next_request() == b""
    return protocol


def payload(*packets):
    body = engineio.payload.Payload(
        packets=[EnginePacket(encoded_packet=packet.decode()) for packet in packets]
    ).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body.encode())}\r\n\r\n{body}".encode()


texts = st.lists(st.text(max_size=80), max_size=6)


@given(texts, splits)
def test_texts_over_websocket_are_the_same_in_any_segmentation(sent, where):
    protocol, switching = over_websocket()
    packets = [*OPENING, *(event(text) for text in sent)]
    stream = switching + b"".join(map(text_frame, packets))
    assert fed(protocol.feed, pieces(stream, where)) == [text.encode() for text in sent]
    assert protocol.session.subscribed
    assert not protocol.end_reason


@given(st.lists(texts, max_size=4), splits)
def test_texts_over_polling_are_the_same_in_any_segmentation(polls, where):
    protocol = over_polling()
    protocol.feed(payload(*OPENING))
    for sent in polls:
        assert protocol.next_request().startswith(b"GET /socket.io/?EIO=4&transport=polling&sid=abc-123 HTTP/1.1\r\n")
        packets = [event(text) for text in sent] or [b"6"]
        assert fed(protocol.feed, pieces(payload(*packets), where)) == [text.encode() for text in sent]
    assert not protocol.end_reason


def test_packets_are_posted_together():
    protocol = over_polling()
    protocol.feed(payload(opened()))
    protocol.session.emit("publish", "t", "x")
    head, _, body = protocol.take_outgoing().partition(b"\r\n\r\n")
    assert head.startswith(b"POST /socket.io/?EIO=4&transport=polling&sid=abc-123 HTTP/1.1\r\n")
    received = engineio.payload.Payload(encoded_payload=body.decode()).packets
    assert [packet.packet_type for packet in received] == [engineio.packet.MESSAGE, engineio.packet.MESSAGE]
    assert protocol.take_outgoing() == b""


def test_a_websocket_frame_is_answered_together_with_the_packets():
    protocol, switching = over_websocket()
    protocol.feed(switching + frame(0x89, b"ping") + text_frame(opened()))
    server = Protocol(SERVER, state=OPEN)
    server.receive_data(protocol.take_outgoing())
    sent = [(received.opcode, bytes(received.data)) for received in server.events_received()]
    assert sent == [(Opcode.TEXT, b"40/push,"), (Opcode.PONG, b"ping")]


def test_bad_transports_are_errors():
    for parts in every_single_split(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"):
        for protocol in (over_polling(), over_websocket()[0]):
            assert fed(protocol.feed, parts) == []
            assert "answered with status 400" in protocol.end_reason
            assert protocol.feed(payload(*OPENING)) == []
    protocol = over_polling()
    assert protocol.feed(payload(*OPENING) + payload(b"6")) == []
    assert protocol.end_reason == "protocol error: answer without a poll"
    protocol, switching = over_websocket()
    protocol.feed(switching + frame(0x82, b"x"))
    assert protocol.end_reason == "protocol error: unexpected binary message"
