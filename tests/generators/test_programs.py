"""The programs of the comparison with real sockets: the C server, the C receiver, k6, and one small comparison."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
import websocket

import servers
from bench import generators
from bench.analysis.runs import generator_search
from bench.gate import server_under_test
from bench.generators import clocks, ours, programs, sources, theirs
from bench.generators.peers import PEERS
from bench.generators.reporter import Reporter
from bench.measure.machine import Cores
from bench.messages import Composer
from bench.processes.member import Member
from bench.results import load_comparison, save_comparison
from tests.servers._process import alive, eventually

WITHIN_S = 20.0
ANYWHERE = Cores((), ())
PEER_LABELS = [peer.label for peer in PEERS]

pytestmark = pytest.mark.skipif(
    programs.unavailable("source") is not None, reason=str(programs.unavailable("source"))
)  # all of these need it


@pytest.fixture
def source():
    """The C server, ready."""
    with sources.CServer("source", ()) as one:
        one.wait_until_ready()
        yield one


@pytest.fixture
def ingest(source):
    """A connection to the C server's ingest port that has shown the token."""
    with socket.create_connection(("127.0.0.1", source.ingest_port), WITHIN_S) as one:
        one.sendall(source.token.encode() + b"\n")
        yield one


def connected(source, topic="t"):
    """A subscriber by websocket-client that has read its control frame."""
    address = f"ws://127.0.0.1:{source.port}/ws?topic={topic}"
    one = websocket.create_connection(address, timeout=WITHIN_S, skip_utf8_validation=True)  # it is slow
    opcode, data = one.recv_data()
    assert opcode == websocket.ABNF.OPCODE_BINARY
    assert json.loads(data)["cursor"].startswith("e:")
    return one


@pytest.mark.parametrize("name", ["source", "receiver"])
def test_the_compiler_gives_no_warning(name, tmp_path):
    command = ["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-o", str(tmp_path / name), str(programs.HERE / f"{name}.c")]
    subprocess.run(command, check=True, timeout=WITHIN_S)


@pytest.mark.parametrize("size", [1, 125, 126, 65_535, 65_536, 1 << 20])
def test_every_text_arrives_byte_for_byte_whatever_its_length(size, source, ingest):
    text = b"x" * size
    with contextlib.closing(connected(source)) as one:
        ingest.sendall(b"t\t" + text + b"\n")
        assert one.recv_data() == (websocket.ABNF.OPCODE_TEXT, text)


def test_only_subscribers_of_a_topic_get_its_texts(source, ingest):
    with contextlib.closing(connected(source, "here")) as here, contextlib.closing(connected(source, "there")) as there:
        ingest.sendall(b"there\t1\nhere\t2\n")
        assert (here.recv(), there.recv()) == ("2", "1")


def test_our_own_subscribers_get_thousands_of_texts_exactly_once_in_order(monkeypatch):
    monkeypatch.setattr(server_under_test, "Server", sources.CServer)
    composer = Composer(1, 100)
    texts = [composer.compose(number, number) for number in range(3000)]
    with server_under_test.ServerUnderTest("source", servers.load("websocket"), WITHIN_S) as server:
        topic = server.new_topic()
        receivers = server.subscribed(topic, 5)
        server.publish(topic, *texts)
        for receiver in receivers:
            server.expect_texts(receiver, texts)
            assert receiver.subscriber.gaps == 0


def test_a_slow_reader_neither_loses_a_byte_nor_holds_up_another(source, ingest):
    texts = [b"%06d" % number + b"x" * 20_000 for number in range(500)]
    with contextlib.closing(connected(source)) as slow, contextlib.closing(connected(source)) as quick:
        for text in texts:
            ingest.sendall(b"t\t" + text + b"\n")
            assert quick.recv().encode() == text
        assert [slow.recv().encode() for _ in texts] == texts


def test_a_subscriber_that_leaves_is_forgotten(source, ingest):
    with contextlib.closing(connected(source)) as stays:
        for _ in range(3):
            connected(source).close()
            ingest.sendall(b"t\tx\n")
            assert stays.recv() == "x"


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /ws?topic=t HTTP/1.1\r\n\r\n",
        b"GET /ws?topic=t HTTP/1.1\r\nSec-WebSocket-Key: short\r\n\r\n",
        b"GET /ws?topic= HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"GET /ws?topic=" + b"t" * 129 + b" HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"GET /other HTTP/1.1\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        b"\0" * 10_000,
    ],
)
def test_a_request_that_subscribes_to_nothing_is_refused_and_others_are_served(request_, source):
    with socket.create_connection(("127.0.0.1", source.port), WITHIN_S) as one:
        one.sendall(request_)
        with contextlib.suppress(ConnectionResetError):
            answer = one.recv(1000)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400")
    connected(source).close()


def test_the_handshake_is_that_of_the_standards_example(source):
    with socket.create_connection(("127.0.0.1", source.port), WITHIN_S) as one:
        one.sendall(b"GET /ws?topic=t HTTP/1.1\r\nSEC-WEBSOCKET-KEY:dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n" in one.recv(1000)  # RFC 6455, section 1.3


@pytest.mark.parametrize(
    "lines", [b"guessed\n", b"{token}\nno tab\n", b"{token}\n\tno topic\n", b"{token}\n" + b"x" * (2 << 20)]
)
def test_a_publisher_that_breaks_the_contract_is_cut_off_and_others_are_served(lines, source):
    publisher = socket.create_connection(("127.0.0.1", source.ingest_port), WITHIN_S)
    with publisher, contextlib.suppress(ConnectionError):
        publisher.sendall(lines.replace(b"{token}", source.token.encode()))
        assert publisher.recv(1) == b""
    connected(source).close()


def test_the_c_server_ends_with_its_parent():
    starts_it = (
        "import os, subprocess, sys\n"
        "environment = {**os.environ, 'PUSHBENCH_TOKEN': 't', 'PUSHBENCH_PARENT': str(os.getpid())}\n"
        "child = subprocess.Popen([sys.argv[1]], env=environment, stdout=subprocess.PIPE)\n"
        "print(child.stdout.readline().decode().strip(), flush=True)\n"
        "sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", starts_it, str(programs.compiled("source"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with parent:
        ready = json.loads(parent.stdout.readline())
        assert alive(ready["pid"])
        parent.kill()
    eventually(lambda: not alive(ready["pid"]), "the end of the C server")


def test_the_c_server_does_not_run_without_a_token():
    environment = {name: value for name, value in os.environ.items() if name != "PUSHBENCH_TOKEN"}
    ended = subprocess.run(
        [programs.compiled("source")], env=environment, capture_output=True, timeout=WITHIN_S, check=False
    )
    assert ended.returncode == 2
    assert b"PUSHBENCH_TOKEN" in ended.stderr


@pytest.mark.parametrize("label", PEER_LABELS)
def test_a_peer_receives_everything_and_its_cost_is_measured(label):
    (peer,) = (one for one in PEERS if one.label == label)
    if reason := peer.needs():
        pytest.skip(reason)
    server = "source" if peer.variant == "websocket" else peer.variant
    with theirs.Stand(peer, server, 10, 100, ANYWHERE) as stand:
        for _ in range(2):
            done = stand.measure(50.0, 0.3)
            assert done.delivered == done.expected > 0
            assert done.delay_ns is not None
            assert done.generator_cpu_ns > 0
            assert done.server_cpu_ns > 0
            assert 0 < done.received <= done.expected


@pytest.mark.parametrize(
    ("variant", "server"), [("websocket", "source"), ("websocket", "websocket"), ("polling", "polling")]
)
def test_ours_is_driven_as_in_a_trial(variant, server):
    done = ours.measure(variant, server, 10, 100, ANYWHERE, 20.0, 0.5)
    assert done.expected == done.delivered == 100
    assert done.generator_cpu_ns > 0
    assert done.server == server
    assert generator_search.judge(done) in generator_search.Verdict


def test_a_comparison_is_printed_line_by_line_and_stored(tmp_path):
    chosen = generators.candidates(["C, one epoll"])
    lines = []
    load = generators.Load(subscribers=5, rate_hz=20.0, measure_s=0.3, headroom=False)
    kept = []
    done = generators.compare(chosen, load, ["bench"], lines.append, kept.append)
    assert kept == [done]
    assert lines[-1].startswith("[1] C, one epoll (the physical floor) on websocket: ")
    assert done.rows[0].reason == ""
    assert len(done.rows[0].costs) == 1
    save_comparison(tmp_path / "one.json", done)
    assert load_comparison(tmp_path / "one.json") == done


def test_a_candidate_that_fails_is_a_row_with_the_reason(monkeypatch):
    monkeypatch.setattr(theirs, "READY_WITHIN_S", 0.0)
    load = generators.Load(subscribers=5, rate_hz=20.0, measure_s=0.3)
    (row,) = generators.compare(
        generators.candidates(["C, one epoll"]), load, [], lambda line: None, lambda kept: None
    ).rows
    assert row.reason.startswith("failed: C, one epoll (the physical floor): not all subscribers connected")


def test_an_interrupted_comparison_keeps_its_passes_and_leaves_no_process(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", "generator", "--only", "C, one epoll", "--no-headroom", "--subscribers", "5",
         "--repetitions", "50", "--json", str(tmp_path / "cut.json")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        while not process.stdout.readline().startswith("[1]"):
            assert process.poll() is None, process.stderr.read()
        eventually(lambda: len(clocks.family(process.pid)) > 1, "the processes of the second turn")
        family = clocks.family(process.pid)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 130
    assert "| C, one epoll (the physical floor) | websocket |" in output
    assert len(load_comparison(tmp_path / "cut.json").rows[0].costs) == 1
    eventually(lambda: not any(alive(pid) for pid in family), "the end of its processes")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="processes cannot be pinned here")
def test_a_process_is_on_its_core_before_it_counts_its_cores():
    core = max(os.sched_getaffinity(0))
    counts = "import json, os; print(json.dumps({'connected': 0, 'received': 0, 't': len(os.sched_getaffinity(0))}))"
    with Reporter("counter", [sys.executable, "-c", counts], (core,), {}) as one:
        assert one.wait(lambda report: True, WITHIN_S, "a count").t == 1
    assert len(os.sched_getaffinity(0)) >= 1


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel does not list children here")
def test_cpu_time_includes_that_of_the_descendants():
    spends = "import subprocess, sys, time; subprocess.run([sys.executable, '-c', 'while True: pass'])"
    with Member("parent", [sys.executable, "-c", spends], ()) as parent:
        eventually(lambda: len(clocks.family(parent.pid)) == 2, "the child")
        before = clocks.Clocks.of(parent.pid)
        eventually(lambda: clocks.Clocks.of(parent.pid).since(before).cpu_ns > 50_000_000, "its child's CPU time")
        os.kill(clocks.family(parent.pid)[1], 9)
