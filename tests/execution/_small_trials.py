"""Trials that are small enough for a test, and processes that are killed in the middle of one."""

import psutil

import servers
from bench import scenarios
from bench.execution import trial
from bench.execution.phases import Phases
from bench.measure import machine
from bench.planning.plan import plan

SMALL = {
    "broadcast": {"subscribers": 10, "rate_hz": 50.0, "measure_s": 0.4, "warm_up_s": 0.1, "poll_interval_s": 0.05},
    "echo": {"subscribers": 10, "rate_hz": 10.0, "measure_s": 0.4, "warm_up_s": 0.1, "poll_interval_s": 0.05},
    "burst": {
        "subscribers": 10,
        "rate_hz": 50.0,
        "burst": 5,
        "measure_s": 0.4,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "chat": {
        "subscribers": 10,
        "room": 5,
        "rate_hz": 10.0,
        "measure_s": 0.4,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "dropped": {
        "subscribers": 10,
        "rate_hz": 50.0,
        "cut_every_s": 0.4,
        "away_s": 0.1,
        "measure_s": 1.0,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "restart": {
        "subscribers": 10,
        "rate_hz": 50.0,
        "restart_after_s": 0.2,
        "measure_s": 6.0,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "slow_reader": {
        "subscribers": 4,
        "rate_hz": 200.0,
        "payload_bytes": 2000,
        "slow_after_s": 0.1,
        "trickle_s": 0.2,
        "stop_s": 0.6,
        "measure_s": 1.2,
        "warm_up_s": 0.1,
        "poll_interval_s": 0.05,
    },
    "outage": {
        "subscribers": 10,
        "outage_after_s": 0.5,
        "stopped_s": 1.0,
        "killed_s": 1.0,
        "measure_s": 6.5,
        "warm_up_s": 0.1,
    },
    "lossy": {"subscribers": 10, "measure_s": 2.5, "warm_up_s": 0.1},
    "storm": {"subscribers": 50, "connecting_at_once": 50, "poll_interval_s": 0.05},
    "idle": {"steps": [0, 5, 10], "settle_s": 0.05, "measure_s": 0.1, "poll_interval_s": 0.05},
}
# The messages that each subscriber must receive in the measured part.
RECEIVED = {"broadcast": 20, "echo": 4, "burst": 20, "chat": 5 * 4}
# One variant per client; the gate and every run cover the others.
EVERY_WAY = ("flask_socketio", "long_polling", "polling", "sse", "websocket")


def small_trial(scenario_name, variant_name, workers=1, **changes):
    scenario = scenarios.load(scenario_name)
    (planned,) = plan([(scenario_name, variant_name)], 1, 1)
    parameters = scenario.settled("standard", {**SMALL[scenario_name], **changes})
    return trial.run(planned, scenario, servers.load(variant_name), parameters, machine.divide_cores(), workers)


def kill_on_entering(phase, *names, monkeypatch, times=1, at_once=None):
    """Kill the processes (or `at_once` of them) with one of these names, or with one as a word of their command, when
    a trial enters `phase`; the ids of those that were killed."""
    enter, killed = Phases.enter, []

    def killing(phases, entered):
        enter(phases, entered)
        if entered == phase and len(killed) < times:
            children = psutil.Process().children(recursive=True)
            victims = [child for child in children if {child.name(), *child.cmdline()} & set(names)]
            for victim in victims[:at_once]:
                victim.kill()
                killed.append(victim.pid)

    monkeypatch.setattr(Phases, "enter", killing)
    return killed
