"""The processes of a trial, apart from any trial."""

import subprocess
import sys

import psutil
import pytest

from bench.processes.load_side import load_side
from bench.processes.server import ReadyLine, _used_broker
from servers import UsedBroker

WITHIN_S = 20.0


@pytest.mark.skipif(sys.platform != "linux", reason="pins and passes descriptors as on Linux")
def test_workers_without_a_master_end_when_the_bench_closes_its_end():
    loads, masters = load_side(2, 2, ())
    try:
        for master in masters:
            master.end(gently=False)
        for load in loads:
            load._control.close()
        _, alive = psutil.wait_procs([psutil.Process(load.pid) for load in loads], timeout=WITHIN_S)
        assert not alive
    finally:
        for load in loads:
            load.end(gently=False)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux signals the death of a parent to its child")
def test_a_process_that_reads_nothing_ends_with_a_bench_that_was_killed():
    code = (
        "import sys; from bench.processes.member import Member\n"
        "child = Member('child', [sys.executable, '-c', 'import time; time.sleep(600)'], ())\n"
        "print(child.pid, flush=True); input()"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as bench:
        child = psutil.Process(int(bench.stdout.readline()))
        bench.kill()
        _, alive = psutil.wait_procs([child], timeout=WITHIN_S)
    assert not alive


REPORTED = UsedBroker(
    product="Redis", version="7.4.1", origin="REDIS_URL", reached="redis://far", here=False, publish_s=0.002
)


def ready(broker_pid, broker=None):
    return ReadyLine(pid=1, port=2, ingest_port=3, nonce="n", broker_pid=broker_pid, broker=broker)


@pytest.mark.parametrize("pid", [None, 7])
def test_a_broker_is_recorded_as_reported_and_measured_if_its_process_is_known(pid):
    facts = _used_broker(ready(pid, REPORTED), declared=True)
    assert (facts.product, facts.version, facts.origin, facts.reached) == ("Redis", "7.4.1", "REDIS_URL", "redis://far")
    assert (facts.here, facts.process_known, facts.publish_ns) == (False, pid is not None, 2_000_000)


@pytest.mark.parametrize(("pid", "declared"), [(None, True), (7, False), (7, True)])
def test_of_a_broker_that_is_not_described_everything_is_unknown(pid, declared):
    facts = _used_broker(ready(pid), declared)
    assert {facts.product, facts.version, facts.origin, facts.reached} == {"unknown"}
    assert facts.process_known is (pid is not None)
    assert facts.publish_ns is None


def test_a_variant_without_a_broker_has_none():
    assert _used_broker(ready(None), declared=False) is None
