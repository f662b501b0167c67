"""Two measurements on one machine know of each other, and two processes do not measure one run."""

import socket
import sys

import pytest

from bench.execution import exclusive
from bench.execution.exclusive import measuring
from bench.planning.request import Refused
from bench.processes.member import Member
from bench.results import ResultsError, Store

WITHIN_S = 30.0
HOLDS = """
from pathlib import Path
from bench.execution import exclusive
from bench.results import Store
exclusive.NAME = {name!r}
with exclusive.measuring(beside_others=False, say=print), Store(Path({folder!r})).claimed():
    print("held", flush=True)
    input()
"""
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has abstract names")


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Another process that measures into a folder on a machine of its own."""
    monkeypatch.setattr(exclusive, "NAME", f"\0pushbench.{tmp_path}")
    code = HOLDS.format(name=exclusive.NAME, folder=str(tmp_path))
    with Member("other", [sys.executable, "-c", code], ()) as process:
        assert process._line(WITHIN_S) == b"held"
        yield process


@linux
def test_a_second_measurement_is_refused_and_told_which_process_measures(other):
    with pytest.raises(Refused, match=rf"process {other.pid}\b.*--no-wait"), measuring(beside_others=False, say=print):
        raise AssertionError


@linux
def test_it_may_run_beside_the_first_and_says_so(other):
    lines = []
    with measuring(beside_others=True, say=lines.append):
        assert lines == [
            f"note  another measurement runs on this machine (process {other.pid}); both take each other's cores"
        ]


@linux
def test_a_process_that_was_killed_holds_nothing(other, tmp_path):
    other.end(gently=False)
    with measuring(beside_others=False, say=print), Store(tmp_path).claimed():
        pass


@linux
def test_a_holder_that_says_nothing_of_itself_is_still_one(tmp_path, monkeypatch):
    monkeypatch.setattr(exclusive, "NAME", f"\0pushbench.{tmp_path}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.bind(exclusive.NAME)
        with measuring(beside_others=False, say=print):  # another kind of socket has other names
            pass
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as bound:
        bound.bind(exclusive.NAME)  # and does not listen
        with pytest.raises(Refused, match="on this machine: both"), measuring(beside_others=False, say=print):
            raise AssertionError


def test_where_there_are_no_abstract_names_a_measurement_runs(monkeypatch):
    monkeypatch.setattr(exclusive.sys, "platform", "darwin")
    for _ in range(2):
        with measuring(beside_others=False, say=print), measuring(beside_others=False, say=print):
            pass


def test_a_run_that_another_process_measures_is_in_progress(other, tmp_path):
    with pytest.raises(ResultsError, match="is in progress"), Store(tmp_path).claimed():
        raise AssertionError
    other.end(gently=False)
    with Store(tmp_path).claimed():
        pass
