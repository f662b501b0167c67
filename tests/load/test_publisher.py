"""The publisher: a schedule by the clock alone, texts in order, and its own lateness told."""

import json
import socket
import subprocess
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.publisher import probe
from bench.messages import PROBE_FROM, Composer
from bench.schedule import due_ns


@given(st.integers(0, 2**60), st.floats(0.01, 1e5), st.integers(0, 10**6))
def test_the_schedule_neither_drifts_nor_depends_on_what_was_sent(start, rate, index):
    exact = start + index * 1e9 / rate
    assert abs(due_ns(start, rate, index) - exact) <= max(1.0, exact * 1e-15)


@given(st.integers(0, 2**60), st.floats(0.01, 1e5), st.integers(0, 10**6), st.integers(1, 10**4))
def test_a_burst_is_due_at_the_moment_of_its_first_message(start, rate, index, burst):
    due = due_ns(start, rate, index, burst)
    assert due == due_ns(start, rate, index - index % burst)
    assert due <= due_ns(start, rate, index)


class Ingest:
    """An ingest port that keeps what it is sent."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.received = b""
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self):
        connection, _ = self.listener.accept()
        while data := connection.recv(1 << 16):
            self.received += data


@pytest.mark.parametrize("burst", [1, 7])
def test_it_probes_until_told_then_publishes_what_is_due_and_tells_its_slip(burst):
    ingest = Ingest()
    with subprocess.Popen(
        [sys.executable, "-m", "bench.load.publisher"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:

        def say(**order):
            process.stdin.write(json.dumps(order) + "\n")
            process.stdin.flush()

        say(ingest_port=ingest.listener.getsockname()[1], token="secret", seed=3, payload_bytes=100)
        say(do="probe", topic="t")
        say(do="stop")
        probed = json.loads(process.stdout.readline())
        start = time.monotonic_ns() + 20_000_000
        say(do="publish", topic="t", start_ns=start, rate_hz=500.0, count=20, burst=burst)
        published = json.loads(process.stdout.readline())
        process.stdin.close()
        assert process.wait(10) == 0
    ingest.thread.join(10)
    ingest.listener.close()
    token, *lines = ingest.received.decode().splitlines()
    assert token == "secret"
    assert all(line.startswith("t\t") for line in lines)
    texts = [Composer(3, 100).read(line[2:].encode()) for line in lines]
    probes = [text for text in texts if text[0] >= PROBE_FROM]
    assert len(probes) == probed["published"]
    assert texts[len(probes) :] == [(index, due_ns(start, 500.0, index, burst)) for index in range(20)]
    assert len(published["slips_ns"]) == 20
    assert all(slip >= 0 for slip in published["slips_ns"])


def test_probes_come_as_often_as_was_asked():
    pauses = []

    def waiting(pause_s):
        pauses.append(pause_s)
        return len(pauses) > 3

    ingest, orders = SimpleNamespace(send=lambda line: 1), SimpleNamespace(waiting=waiting)
    assert probe(ingest, Composer(1, 80), orders, "t", every_s=0.2) == {"published": 3}
    assert pauses == [0.0, 0.2, 0.2, 0.2]
