"""Whether a process runs, and what it uses, read from outside."""

import os
import subprocess
import sys

import psutil
import pytest

from bench.measure import usage
from bench.processes.errors import Died
from bench.processes.member import check
from bench.processes.server import Broker


@pytest.fixture
def child():
    """A process that does nothing until it is ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


class Watched:
    """A process to watch: only its name, and whether it runs."""

    def __init__(self, name, alive):
        self.name, self._alive = name, alive

    def alive(self):
        return self._alive

    def died(self):
        return Died(self.name, f"the {self.name} ended")


def test_a_process_runs_until_it_ends_even_if_its_parent_has_not_waited_for_it(child):
    assert usage.is_running(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert not usage.is_running(child.pid)
    child.wait()
    assert not usage.is_running(child.pid)


def test_a_broker_that_ended_is_named_with_its_process(child):
    broker = Broker(child.pid)
    check([broker])
    child.kill()
    child.wait()
    with pytest.raises(Died, match=f"the broker \\(process {child.pid}\\) ended") as error:
        check([broker])
    assert error.value.process == "broker"


def test_the_first_process_that_ended_is_named():
    with pytest.raises(Died) as error:
        check([Watched("load generator", True), Watched("server", False), Watched("broker", False)])
    assert error.value.process == "server"


def test_child_processes_belong_to_the_process_tree_and_have_memory_while_they_run(child):
    assert child.pid in usage.process_tree(os.getpid())
    assert usage.process_tree(child.pid) == [child.pid]
    assert usage.memory_bytes(child.pid) > 0
    child.kill()
    child.wait()
    assert usage.memory_bytes(child.pid) is None
    assert usage.process_tree(child.pid) == [child.pid]


def test_the_waits_of_threads_are_summed_with_those_that_began_later():
    assert usage.waited_ns({1: 10, 2: 20}, {1: 15, 2: 20, 3: 7}) == 12


@pytest.mark.parametrize(
    ("earlier", "later"), [({1: 10, 2: 20}, {1: 15}), ({1: 10, 2: 20}, {1: 15, 2: 3}), (None, {1: 1}), ({1: 1}, None)]
)
def test_the_wait_of_a_process_is_not_known_where_a_thread_of_it_has_ended(earlier, later):
    """Its wait ended with it, or its number belongs to another thread: a difference would be too small, or negative."""
    assert usage.waited_ns(earlier, later) is None


@pytest.mark.skipif(sys.platform != "linux", reason="Linux counts the wait of every thread")
def test_a_process_whose_threads_end_between_two_readings_has_no_negative_wait():
    code = (
        "import threading, time\n"
        "go = threading.Event()\n"
        "threads = [threading.Thread(target=lambda: (sum(range(2_000_000)), go.wait())) for _ in range(8)]\n"
        "[thread.start() for thread in threads]\n"
        "print('begun', flush=True); input(); go.set()\n"
        "[thread.join() for thread in threads]\n"
        "print('ended', flush=True); input()\n"
    )
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True) as process:
        process.stdout.readline()
        before = usage.read_counters(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        process.stdout.readline()
        used = usage.read_counters(process.pid).used_since(before, process.pid)
        process.kill()
    assert used.run_queue_wait_ns is None
    assert used.cpu_ns >= 0
