"""Whether a process is there, told from outside."""

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


class Mute:
    """Somebody to watch, with a life and a name."""

    def __init__(self, name, alive):
        self.name, self._alive = name, alive

    def alive(self):
        return self._alive

    def died(self):
        return Died(self.name, f"the {self.name} ended")


def test_a_process_lives_until_it_ends_although_its_parent_has_not_noticed(child):
    assert usage.lives(child.pid)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    assert not usage.lives(child.pid)
    child.wait()
    assert not usage.lives(child.pid)


def test_a_broker_that_ended_is_named_with_its_process(child):
    broker = Broker(child.pid)
    check([broker])
    child.kill()
    child.wait()
    with pytest.raises(Died, match=f"the broker \\(process {child.pid}\\) ended") as said:
        check([broker])
    assert said.value.process == "broker"


def test_the_first_who_ended_is_named():
    with pytest.raises(Died) as said:
        check([Mute("load generator", True), Mute("server", False), Mute("broker", False)])
    assert said.value.process == "server"


def test_what_a_process_has_started_belongs_to_its_family_and_is_weighed_while_it_lives(child):
    assert child.pid in usage.family(os.getpid())
    assert usage.family(child.pid) == [child.pid]
    assert usage.held_bytes(child.pid) > 0
    child.kill()
    child.wait()
    assert usage.held_bytes(child.pid) is None
    assert usage.family(child.pid) == [child.pid]
