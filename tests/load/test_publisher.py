"""The publisher: a schedule by the clock alone, texts in order, and its own lateness reported."""

import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.publisher import probe
from bench.messages import PROBE_FROM, Composer
from bench.processes.lines import decode, encode
from bench.processes.orders import Probe, Probed, Publish, Published, PublisherHello, Stop
from bench.schedule import Schedule


@given(st.integers(0, 2**60), st.floats(0.01, 1e5), st.integers(0, 10**6))
def test_the_schedule_neither_drifts_nor_depends_on_what_was_sent(start, rate, index):
    exact = start + index * 1e9 / rate
    assert abs(Schedule(start_ns=start, rate_hz=rate).due_ns(index) - exact) <= max(1.0, exact * 1e-15)


@given(st.integers(0, 2**60), st.floats(0.01, 1e5), st.integers(0, 10**6), st.integers(1, 10**4))
def test_a_burst_is_due_at_the_moment_of_its_first_message(start, rate, index, burst):
    schedule = Schedule(start_ns=start, rate_hz=rate, burst=burst)
    due = schedule.due_ns(index)
    assert due == schedule.due_ns(index - index % burst)
    assert due <= Schedule(start_ns=start, rate_hz=rate).due_ns(index)


class Ingest:
    """An ingest port that keeps the bytes that it receives."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.received = b""
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self):
        connection, _ = self.listener.accept()
        with connection:
            while data := connection.recv(1 << 16):
                self.received += data


def publisher():
    """The publisher as the bench starts it."""
    command = [sys.executable, "-m", "bench.load.publisher"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize("burst", [1, 7])
def test_it_probes_until_the_next_order_then_publishes_what_is_due_and_reports_its_slip(burst):
    ingest = Ingest()
    port = ingest.listener.getsockname()[1]
    with publisher() as process:

        def send(order):
            process.stdin.write(encode(order))
            process.stdin.flush()

        def answer(kind):
            return decode(process.stdout.readline(), msgspec.json.Decoder(kind), "the answer")

        send(PublisherHello(ingest_port=port, token="secret", seed=3, payload_bytes=100))
        send(Probe(topic="t", every_s=0.02))
        send(Stop())
        probed = answer(Probed)
        schedule = Schedule(start_ns=time.monotonic_ns() + 20_000_000, rate_hz=500.0, burst=burst)
        send(Publish(topic="t", schedule=schedule, count=20))
        published = answer(Published)
        process.stdin.close()
        assert process.wait(10) == 0
    ingest.thread.join(10)
    ingest.listener.close()
    token, *lines = ingest.received.decode().splitlines()
    assert token == "secret"
    assert all(line.startswith("t\t") for line in lines)
    texts = [Composer(3, 100).read(line[2:].encode()) for line in lines]
    probes = [text for text in texts if text[0] >= PROBE_FROM]
    assert len(probes) == probed.published
    assert texts[len(probes) :] == [(index, schedule.due_ns(index)) for index in range(20)]
    assert (published.published, published.unsent) == (20, 0)
    assert len(published.slips_ns) == 20
    assert all(slip >= 0 for slip in published.slips_ns)


def test_probes_come_at_the_interval_of_the_order():
    pauses = []

    def waiting(pause_s):
        pauses.append(pause_s)
        return len(pauses) > 3

    ingest, orders = SimpleNamespace(send=lambda line: 1), SimpleNamespace(waiting=waiting)
    assert probe(ingest, Composer(1, 80), orders, Probe(topic="t", every_s=0.2)) == Probed(published=3)
    assert pauses == [0.0, 0.2, 0.2, 0.2]


def test_it_imports_neither_what_measures_nor_what_drives():
    script = "import sys, bench.load.publisher, bench.proxy.__main__; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    roots = {module.partition(".")[0] for module in modules}
    assert not {"psutil", "numpy", "gevent", "locust", "subprocess", "servers"} & roots
