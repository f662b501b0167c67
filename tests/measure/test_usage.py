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
