"""Cores are kept from idle states where that is allowed, and it is said where it is not."""

import os
import struct
import sys

import pytest
from msgspec.structs import replace

from bench.analysis.runs.comparability import hindrances
from bench.execution.run import begin, resume
from bench.measure import idle_states
from bench.planning.request import Refused, Request
from bench.results import IDLE_STATES, IDLE_STATES_DISABLED
from tests._synthetic import synthetic

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux can be asked")


@pytest.fixture
def kernel(tmp_path):
    """A place for requests, and an idle driver."""
    requests, driver = tmp_path / "cpu_dma_latency", tmp_path / "current_driver"
    requests.touch()
    driver.write_text("haltpoll\n")
    return requests, driver


def holders(path):
    """The descriptors of this process that have a file open."""
    found = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            found += [int(descriptor)] if os.readlink(f"/proc/self/fd/{descriptor}") == str(path) else []
        except OSError:  # the one that lists
            continue
    return found


@linux
def test_no_latency_at_all_is_asked_for_and_the_request_stays_open(kernel):
    requests, _ = kernel
    assert idle_states.disable(*kernel) == IDLE_STATES_DISABLED
    assert requests.read_bytes() == struct.pack("=i", 0)
    (held,) = holders(requests)
    assert not os.get_inheritable(held)
    assert idle_states.disable(*kernel) == IDLE_STATES_DISABLED  # once is enough
    assert holders(requests) == [held]
    os.close(held)


@linux
def test_what_cannot_be_asked_is_named(kernel, tmp_path):
    requests, driver = kernel
    missing = tmp_path / "missing"
    assert idle_states.disable(missing, driver) == f"enabled ({missing}: No such file or directory)"
    assert idle_states.disable(requests, missing) == f"enabled ({missing}: No such file or directory)"
    driver.write_text("none\n")
    assert idle_states.disable(requests, driver) == "enabled (the kernel does not choose between idle states)"
    assert holders(requests) == []


def test_elsewhere_nothing_is_touched(kernel, monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert idle_states.disable(*kernel) == "enabled (only Linux can be asked)"
    assert kernel[0].read_bytes() == b""


def test_who_wants_to_measure_sleepy_cores_may(monkeypatch):
    monkeypatch.setattr(idle_states, "disable", lambda: IDLE_STATES_DISABLED)
    assert idle_states.disable_unless(allowed=False) == IDLE_STATES_DISABLED
    assert idle_states.disable_unless(allowed=True) == idle_states.AS_REQUESTED


def test_runs_with_and_without_sleep_are_not_compared():
    run, _ = synthetic()
    kept, let = (with_fact(run, value) for value in (IDLE_STATES_DISABLED, idle_states.AS_REQUESTED))
    assert hindrances(kept, let) == [f"{IDLE_STATES}: {IDLE_STATES_DISABLED} -> {idle_states.AS_REQUESTED}"]
    assert hindrances(kept, kept) == []


def test_a_run_is_resumed_as_it_was_begun(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(idle_states, "disable", lambda: asked.append("disable") or IDLE_STATES_DISABLED)
    for name, sleepy, fact in (("sleepy", True, idle_states.AS_REQUESTED), ("wakeful", False, IDLE_STATES_DISABLED)):
        request = Request(variants=("sse",), scenarios=("echo",), name=name, results=tmp_path, cores_may_sleep=sleepy)
        assert begin(request, print).run.environment.facts[IDLE_STATES] == fact
        assert resume(name, tmp_path, print).left
    assert asked == ["disable", "disable"]  # by the second alone, begun and resumed


def test_a_run_is_not_resumed_where_cores_do_something_else(tmp_path, monkeypatch):
    monkeypatch.setattr(idle_states, "disable", lambda: IDLE_STATES_DISABLED)
    begin(Request(variants=("sse",), scenarios=("echo",), name="one", results=tmp_path), print)
    monkeypatch.setattr(idle_states, "disable", lambda: "enabled (no right)")
    with pytest.raises(Refused, match=r"idle states: disabled -> enabled \(no right\)"):
        resume("one", tmp_path, print)


def with_fact(run, value):
    """The run with what its cores did when they had no work."""
    facts = {**run.environment.facts, IDLE_STATES: value}
    return replace(run, environment=replace(run.environment, facts=facts))
