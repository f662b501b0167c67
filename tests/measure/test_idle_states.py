"""Idle states are disabled where that is allowed, and the run holds the reason where it is not."""

import os
import struct
import sys

import pytest
from msgspec.structs import replace

from bench.analysis.runs.comparability import obstacles
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
    descriptors = []
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            descriptors += [int(descriptor)] if os.readlink(f"/proc/self/fd/{descriptor}") == str(path) else []
        except OSError:  # the descriptor of the listing itself
            continue
    return descriptors


@linux
def test_a_latency_of_zero_is_requested_and_the_request_stays_open(kernel):
    requests, _ = kernel
    assert idle_states.disable(*kernel) == IDLE_STATES_DISABLED
    assert requests.read_bytes() == struct.pack("=i", 0)
    (request,) = holders(requests)
    assert not os.get_inheritable(request)
    assert idle_states.disable(*kernel) == IDLE_STATES_DISABLED  # one request is enough
    assert holders(requests) == [request]
    os.close(request)


@linux
def test_the_reason_why_a_request_is_not_possible_is_named(kernel, tmp_path):
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


def test_idle_states_stay_enabled_on_request(monkeypatch):
    monkeypatch.setattr(idle_states, "disable", lambda: IDLE_STATES_DISABLED)
    assert idle_states.disable_unless(allowed=False) == IDLE_STATES_DISABLED
    assert idle_states.disable_unless(allowed=True) == idle_states.AS_REQUESTED


def test_runs_with_and_without_idle_states_are_not_compared():
    run, _ = synthetic()
    disabled, enabled = (with_fact(run, value) for value in (IDLE_STATES_DISABLED, idle_states.AS_REQUESTED))
    assert obstacles(disabled, enabled) == [f"{IDLE_STATES}: {IDLE_STATES_DISABLED} -> {idle_states.AS_REQUESTED}"]
    assert obstacles(disabled, disabled) == []


def test_a_run_is_resumed_as_it_was_begun(tmp_path, monkeypatch):
    requests = []
    monkeypatch.setattr(idle_states, "disable", lambda: requests.append("disable") or IDLE_STATES_DISABLED)
    for name, allowed, fact in (("enabled", True, idle_states.AS_REQUESTED), ("disabled", False, IDLE_STATES_DISABLED)):
        request = Request(variants=("sse",), scenarios=("echo",), name=name, results=tmp_path, cores_may_sleep=allowed)
        assert begin(request, print).run.environment.facts[IDLE_STATES] == fact
        assert resume(name, tmp_path, print).left
    assert requests == ["disable", "disable"]  # only of the second run, begun and resumed


def test_a_run_is_not_resumed_with_other_idle_states(tmp_path, monkeypatch):
    monkeypatch.setattr(idle_states, "disable", lambda: IDLE_STATES_DISABLED)
    begin(Request(variants=("sse",), scenarios=("echo",), name="one", results=tmp_path), print)
    monkeypatch.setattr(idle_states, "disable", lambda: "enabled (no permission)")
    with pytest.raises(Refused, match=r"idle states: disabled -> enabled \(no permission\)"):
        resume("one", tmp_path, print)


def with_fact(run, value):
    """The run with this fact on idle states."""
    facts = {**run.environment.facts, IDLE_STATES: value}
    return replace(run, environment=replace(run.environment, facts=facts))
