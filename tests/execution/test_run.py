"""Runs with real processes: interrupted, resumed, with a server that dies."""

import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

import servers
from bench import scenarios
from bench.analysis.trials.calibration import readings
from bench.commands.calibrate import table
from bench.execution import calibration, trial
from bench.execution.run import begin, carry_out, resume
from bench.measure import machine
from bench.planning.plan import BRIEF
from bench.planning.request import Refused, Request
from bench.results import Trial, load
from tests._noise import excuse_the_machine
from tests.execution._small_trials import SMALL, kill_on_entering

USABLE = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()


def silently(line):
    """Print nothing."""


def unpin():
    """Give this process, which a run has pinned, all cores again."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, USABLE)


def resumed(name, results):
    """The rest of a run, as a process that no trial has pinned would resume it."""
    unpin()
    return resume(name, results, silently)


def request(tmp_path, **changes):
    settings = tuple(f"{name}={value}" for name, value in SMALL["broadcast"].items())
    return Request(variants=("sse",), scenarios=("broadcast",), repetitions=2, changes=settings, name="small",
                   results=tmp_path, **changes)  # fmt: skip


@pytest.mark.usefixtures("calm_machine")
def test_a_run_continues_after_a_server_was_killed_and_reports_its_invalid_trials(tmp_path, monkeypatch):
    kill_on_entering("measure", "servers", monkeypatch=monkeypatch)
    lines = []
    assert carry_out(begin(request(tmp_path), lines.append), lines.append) == 0  # its cell has a valid trial
    assert lines[-1].endswith("1 invalid")
    _, trials = load(tmp_path / "small")
    assert [record.valid for record in trials] == [False] + [True] * (len(trials) - 1)
    assert len(trials) == 8  # two blocks of a brief calibration, the variant and the harness
    assert any("FAILED" in line for line in lines)


@dataclass
class Resumed:
    """A run that was interrupted after its first trial and then resumed, and what it was at both times."""

    results: Path
    first: Trial
    interrupted: list[Trial]
    code: int


@pytest.fixture(scope="module")
def resumed_run(tmp_path_factory):
    """A run that was interrupted after its first trial and then resumed, on a machine that disturbs no trial."""
    results, run_trial, made = tmp_path_factory.mktemp("results"), trial.run, []

    def interrupted(*arguments):
        if made:
            raise KeyboardInterrupt
        made.append(run_trial(*arguments))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        excuse_the_machine(patch)
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(trial, "run", interrupted)
            with pytest.raises(KeyboardInterrupt):
                carry_out(begin(request(results), silently), silently)
        _, trials = load(results / "small")
        code = carry_out(resumed("small", results), silently)
    unpin()
    return Resumed(results, made[0], trials, code)


def test_an_interrupted_run_is_a_valid_shorter_run_and_can_be_resumed(resumed_run):
    assert len(resumed_run.interrupted) == 1
    assert resumed_run.code == 0
    run, trials = load(resumed_run.results / "small")
    assert [record.planned for record in trials] == run.plan
    assert trials[0] == resumed_run.first


def test_a_run_is_not_continued_under_other_conditions(tmp_path, monkeypatch):
    begun = begin(request(tmp_path), silently)
    here = begun.run.environment
    elsewhere = msgspec.structs.replace(
        here, facts={**here.facts, "kernel": "another"}, server_cores=[77], commit="0" * 40, dirty=not here.dirty
    )
    monkeypatch.setattr(machine, "environment", lambda cores, idle_states: elsewhere)
    with pytest.raises(Refused) as refused:
        resume("small", tmp_path, silently)
    for change in ("-> another", f"cores of the servers: {here.server_cores} -> [77]", "-> 0000000000", "files"):
        assert change in str(refused.value)
    assert "load generator" not in str(refused.value)


def test_a_run_is_not_continued_over_another_broker(tmp_path, monkeypatch):
    begin(request(tmp_path), silently)
    unpin()
    monkeypatch.setattr("bench.execution.continuing.other_brokers", lambda run: ["the broker of a: Redis 6 -> Redis 7"])
    with pytest.raises(Refused, match="cannot be continued: the broker of a: Redis 6 -> Redis 7"):
        resume("small", tmp_path, silently)


def test_a_run_measures_its_harness_and_calibrates_itself(resumed_run):
    run, trials = load(resumed_run.results / "small")
    assert {variant.name: variant.hidden for variant in run.variants} == {
        "sse": False, "null": True, "calibration": True,
    }  # fmt: skip
    assert [scenario.name for scenario in run.scenarios if scenario.hidden] == ["calibration"]
    assert [record.planned.variant for record in trials].count("null") == 2
    records = {record.parameters["injected"]: record for record in trials if record.planned.scenario == "calibration"}
    assert records["delay 5 ms"].latency.min_ns >= 5_000_000
    assert records["faults"].ledger.lost > 0
    counts = [reading for reading in readings(trials) if reading.unit == "count"]
    assert len(counts) == 3
    assert all(reading.met for reading in counts)
    assert all(record.valid for record in trials)


@pytest.mark.usefixtures("calm_machine")
def test_a_calibration_is_a_run_that_can_be_stored_read_and_resumed(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.execution.calibration.WHOLE", BRIEF)
    begun = calibration.begin(Request(name="calibrated", results=tmp_path))
    begun.store.add(trial.run(
        begun.left[0], scenarios.load("calibration"), servers.load("calibration"),
        {**begun.run.scenarios[0].parameters, **begun.left[0].changes, "measure_s": 1.0}, begun.cores,
    ))  # fmt: skip
    assert carry_out(resumed("calibrated", tmp_path), silently) == 0
    run, trials = load(tmp_path / "calibrated")
    assert [record.planned for record in trials] == run.plan
    assert [variant.name for variant in run.variants] == ["calibration"]
    lines = table(readings(trials)).splitlines()
    assert lines[0].split() == ["injection", "quantity", "injected", "read", "back", "error", "tolerance"]
    assert len(lines) == 1 + 5 + 1
