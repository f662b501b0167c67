"""The processes of a trial, apart from any trial."""

import subprocess
import sys

import psutil
import pytest

from bench.processes.load_side import load_side

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
