"""Every check reports its cause, and nothing without the cause."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from bench.analysis.numbers.distributions import fold
from bench.analysis.trials.findings import CHECKS, Check, judge
from bench.planning.plan import BRIEF, calibration
from bench.results import SCHEMA, Distribution, Failure, IdleStep, Reconnects, Recount, SlowReader, Trial
from tests._natures import process
from tests._synthetic import calibrated, synthetic
from tests._trials import MS, calm, changed, over_broker, waiting

CORES_MS = 2_000  # two cores over the window of a calm trial
CALM_CPU_MS = 340  # of all processes of a calm trial


def names(trial: Trial) -> list[str]:
    return [finding.name for finding in judge(trial)]


def failed(exited: str = "", phase: str = "measure") -> Trial:
    return Trial(
        schema=SCHEMA, planned=calm().planned, parameters={}, started_at="", phases_ns={},
        failure=Failure(phase=phase, error=f"the {exited} was killed by SIGKILL" if exited else "no", exited=exited),
    )  # fmt: skip


def flat(ms: float, count: int = 500) -> Distribution:
    """`count` equal durations."""
    return fold(np.full(count, int(ms * MS)))


def tailed(p50_ms: float, p99_ms: float) -> Distribution:
    """A distribution with this median and this p99."""
    return fold(np.array([int(p50_ms * MS)] * 95 + [int(p99_ms * MS)] * 5))


def competing(ms: float) -> Trial:
    """A calm trial with this much CPU time of other processes on its cores."""
    return changed(calm(), "machine", busy_ns=int((CALM_CPU_MS + ms) * MS))


def waited(who: str, ms: float, others_ms: float = 5_000) -> Trial:
    """A calm trial in which the server or a load generator waited for its core, which others used for `others_ms`."""
    trial = competing(others_ms)
    assert trial.usage
    usage = waiting(trial.usage.server if who == "server" else trial.usage.load[0], int(ms * MS))
    return changed(trial, "usage", **({"server": usage} if who == "server" else {"load": [usage]}))


def with_slow_reader(slow: str = "trickle then stop", **counts: int) -> Trial:
    """A calm trial with one separately counted subscriber."""
    nothing = dict.fromkeys(SlowReader.__struct_fields__, 0)
    trial = calm("slow_reader", slow_reader=SlowReader(**{**nothing, "messages": 50, **counts}))
    return msgspec.structs.replace(trial, parameters={**trial.parameters, "slow": slow})


def uncounted(trial: Trial) -> Trial:
    """The same without a recount."""
    return msgspec.structs.replace(trial, recount=None)


CAUSES = {
    "server exited": failed("server"),
    "broker exited": failed("broker"),
    "load generator exited": failed("load generator"),
    "publisher exited": failed("publisher"),
    "proxy exited": failed("proxy"),
    "lost messages": changed(calm(), "ledger", lost=1, delivered=499),
    "duplicated messages": changed(calm(), "ledger", duplicated=1),
    "reordered messages": changed(calm(), "ledger", reordered=1),
    "calibration missed": changed(uncounted(calibrated(calibration(BRIEF, 1)[0])), "ledger", lost=1),
    "corrupted messages": changed(calm(), "ledger", corrupted=1),
    "corrupted at the slow reader": with_slow_reader(corrupted=1),
    "lost without a slow reader": with_slow_reader("none", lost=1),
    "errors": changed(calm(), "ledger", errors={"connection reset": 2, "status 500": 7}),
    "nothing expected": changed(calm(), "ledger", expected=0, delivered=0),
    "few messages": changed(calm(), "ledger", expected=490, delivered=490),
    "negative latency": calm(latency=fold(np.array([-1] + [50 * MS] * 500))),
    "ledger and recount disagree": calm(recount=Recount(lost=0, signalled=0, duplicated=1, reordered=0)),
    "not all caught up": calm(
        reconnects=Reconnects(
            declares_resume=True,
            disconnects=3,
            caught_up=2,
            attempts=4,
            attempt_slots=[4],
            recovered_deliveries=9,
            catch_up_time=fold(np.full(2, MS)),
        )
    ),
    "not all connected": calm(connect=flat(1, 9)),
    "publisher late": calm(slip=flat(6, 10)),
    "publisher far too late": calm(slip=flat(60, 10)),
    "generator saturated": changed(calm(), "usage", load=[process(10 * MS), process(860 * MS)]),
    "load cores saturated": changed(calm(), "usage", load=[process(800 * MS)], publisher=process(60 * MS)),
    "generator late": changed(calm(), "headroom", read_delay=tailed(0.05, 50)),
    "generator far too late": changed(calm(), "headroom", read_delay=flat(26)),
    "server saturated": changed(calm(), "usage", server=process(860 * MS)),
    "broker not measured": over_broker(calm()),
    "generator waited for its core": waited("load", 10 + 21, 90),
    "generator waited long for its core": waited("load", 10 + 81, 90),
    "server waited for its core": waited("server", 50 + 51, 90),
    "server waited long for its core": waited("server", 50 + 201),
    "busy before the start": changed(calm(), "machine", before_busy_ns=51 * MS),
    "competing CPU use": competing(0.11 * CORES_MS),
    "heavy competing CPU use": competing(0.21 * CORES_MS),
    "steal": changed(calm(), "machine", steal_ns=50 * MS),
    "heavy steal": changed(calm(), "machine", steal_ns=210 * MS),
    "throttled": changed(calm(), "machine", throttled_periods=2, throttled_ns=20 * MS),
    "throttled for long": changed(calm(), "machine", throttled_periods=9, throttled_ns=60 * MS),
    "frequency changed": changed(calm(), "machine", frequencies_after_hz=[2_900_000_000, 2_600_000_000]),
}
# Findings that come with a cause: a milder one of the same kind, or one without which the cause is impossible.
COMPANIONS = {
    "publisher far too late": {"publisher late"},
    "generator saturated": {"load cores saturated"},
    "generator waited long for its core": {"generator waited for its core"},
    "server waited long for its core": {"server waited for its core", "competing CPU use", "heavy competing CPU use"},
    "heavy competing CPU use": {"competing CPU use"},
    "heavy steal": {"steal"},
    "throttled for long": {"throttled"},
}


def test_a_calm_trial_has_no_finding() -> None:
    assert judge(calm()) == []


def test_every_finding_has_a_cause_here() -> None:
    assert CAUSES.keys() == {check.name for check in CHECKS}


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_has_its_finding(name: str) -> None:
    assert name in names(CAUSES[name])


@pytest.mark.parametrize("name", CAUSES)
def test_a_cause_has_no_other_finding(name: str) -> None:
    assert set(names(CAUSES[name])) - COMPANIONS.get(name, set()) == {name}


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_finding_has_an_observation_a_reason_and_a_remedy(check: Check) -> None:
    finding = next(finding for finding in judge(CAUSES[check.name]) if finding.name == check.name)
    assert any(character.isdigit() for character in finding.observation) or finding.name == "nothing expected"
    assert finding.remedy
    assert check.reason
    assert check.threshold
    assert finding.disqualifying is check.disqualifying


def test_a_trial_with_findings_is_judged_again_with_the_same_result() -> None:
    for trial in CAUSES.values():
        assert judge(msgspec.structs.replace(trial, findings=judge(trial))) == judge(trial)


def test_a_broker_here_whose_process_is_not_known_is_no_other_process() -> None:
    busy = competing(0.5 * CORES_MS)
    assert names(over_broker(busy)) == ["broker not measured"]
    elsewhere = over_broker(busy, here=False)
    assert names(elsewhere) == ["broker not measured", "competing CPU use", "heavy competing CPU use"]


def test_a_server_may_have_waited_for_a_broker_that_is_not_measured() -> None:
    assert names(over_broker(waited("server", 500))) == ["broker not measured"]
    assert "server waited long for its core" in names(over_broker(waited("server", 500), here=False))
    assert "generator waited long for its core" in names(over_broker(waited("load", 500)))


def test_losses_of_the_slow_reader_are_no_fault_and_losses_of_the_others_are() -> None:
    behind = with_slow_reader(messages=10, lost=40, signalled=0, closed_by_server=1)
    assert judge(behind) == []
    assert judge(with_slow_reader("none", lost=3, signalled=3)) == []
    assert names(changed(behind, "ledger", lost=1, delivered=499)) == ["lost messages"]


def test_a_busy_server_is_a_result_and_a_busy_generator_is_not() -> None:
    severity = {check.name: check.disqualifying for check in CHECKS}
    assert not severity["server saturated"]
    assert severity["generator saturated"]


def test_a_trial_on_the_threshold_has_no_finding() -> None:
    full = changed(
        calm(), "usage", load=[process(840 * MS)], publisher=process(10 * MS), server=process(850 * MS)
    )  # fmt: skip
    assert judge(full) == []
    assert judge(competing(0.10 * CORES_MS)) == []
    assert judge(changed(calm(), "machine", before_busy_ns=50 * MS, steal_ns=40 * MS)) == []
    assert judge(calm(completion=flat(50, 50))) == []
    assert judge(changed(calm(), "headroom", read_delay=flat(24), loop_delay=flat(24))) == []


# Publisher


def test_slip_is_compared_with_a_short_latency_too() -> None:
    quick = calm(latency=flat(1), slip=flat(0.25, 10))
    assert names(quick) == ["publisher late"]
    slower = calm(latency=flat(1), slip=flat(0.6, 10))
    assert names(slower) == ["publisher late", "publisher far too late"]


# Load generator


def test_a_fan_out_that_keeps_the_loop_busy_for_some_milliseconds_is_no_finding() -> None:
    """An alarm during a thousand receipts in a row is late; with one such fan-out per 50 ms, one alarm in seven is."""
    fan_out = calm(latency=tailed(8, 20))
    assert judge(changed(fan_out, "headroom", loop_delay=tailed(0.1, 7), read_delay=tailed(1.2, 8))) == []


@pytest.mark.parametrize("delay", ["loop_delay", "read_delay"])
def test_the_generators_own_delay_is_compared_with_the_latency_at_the_same_quantile(delay: str) -> None:
    trial = calm(latency=tailed(2, 10))
    alone = {"read_delay": None, delay: tailed(0.1, 6)}
    assert names(changed(trial, "headroom", **alone)) == ["generator late"]
    assert names(changed(trial, "headroom", **{delay: tailed(1.1, 4)})) == ["generator far too late"]
    assert names(changed(trial, "headroom", **{delay: tailed(0.9, 4)})) == []


def test_loop_delay_without_anything_to_read_is_no_finding() -> None:
    trial = calm(latency=tailed(0.7, 1.4))
    assert judge(changed(trial, "headroom", loop_delay=tailed(0.1, 1.1), read_delay=tailed(0.1, 0.2))) == []


def test_without_receive_times_of_the_kernel_the_loop_delay_alone_is_judged() -> None:
    assert judge(changed(calm(), "headroom", read_delay=None)) == []
    assert names(changed(calm(), "headroom", read_delay=None, loop_delay=flat(60))) == [
        "generator late", "generator far too late",
    ]  # fmt: skip


def test_several_load_generators_with_a_core_each_share_none() -> None:
    cores = changed(calm(), "machine", cores=[0, 1, 2, 3, 4])
    busy = changed(cores, "usage", load=[process(800 * MS)] * 3, publisher=process(MS))
    assert "load cores saturated" not in names(busy)
    crowded = changed(cores, "usage", load=[process(800 * MS)] * 5, publisher=process(MS))
    assert "load cores saturated" in names(crowded)


def test_with_a_single_core_all_processes_share_it() -> None:
    alone = changed(calm(), "machine", cores=[0], before_busy_ns=0, steal_ns=0)
    assert judge(alone) == []
    busy = changed(alone, "usage", server=process(400 * MS), load=[process(400 * MS)], publisher=process(60 * MS))
    assert names(busy) == ["load cores saturated"]


# Waiting for a core


def test_waiting_for_its_own_broker_does_not_count() -> None:
    assert judge(waited("server", 50, others_ms=190)) == []
    assert names(waited("server", 50 + 51, others_ms=190)) == ["server waited for its core"]


def test_no_process_waits_longer_for_others_than_those_ran() -> None:
    """A server of many threads on one core waits for itself."""
    assert judge(waited("server", 900, others_ms=30)) == []


def test_a_short_wait_is_no_finding_however_little_the_process_worked() -> None:
    idle = changed(waited("load", 19, 90), "usage", load=[waiting(process(2 * MS), 19 * MS)])
    assert judge(idle) == []


def test_load_generators_wait_for_each_other_only_where_there_are_more_of_them_than_cores() -> None:
    loads = [waiting(process(80 * MS), 80 * MS), process(80 * MS)]
    shared = changed(competing(190), "usage", load=loads)
    assert judge(shared) == []
    with_two_cores = changed(changed(competing(190), "machine", cores=[0, 1, 2]), "usage", load=loads)
    assert names(with_two_cores) == ["generator waited for its core"]


def test_missing_measurements_cause_no_finding() -> None:
    trial = calm(machine=None, headroom=None)
    assert judge(trial) == []
    usage = trial.usage
    assert usage
    unknown = changed(trial, "usage", server=waiting(usage.server, None), load=[waiting(usage.load[0], None)])
    assert judge(unknown) == []
    assert names(changed(trial, "usage", server=waiting(usage.server, 300 * MS))) == [
        "server waited for its core", "server waited long for its core",
    ]  # fmt: skip


# Machine


def test_a_machine_without_counters_causes_no_finding() -> None:
    blind = changed(
        calm(), "machine", cores=[], before_busy_ns=None, busy_ns=None, steal_ns=None, frequencies_before_hz=None,
        frequencies_after_hz=None,
    )  # fmt: skip
    assert judge(blind) == []


def test_one_or_two_ticks_in_a_short_window_are_no_finding() -> None:
    short = changed(calm(), "machine", window_ns=100 * MS, busy_ns=0, steal_ns=40 * MS)
    assert judge(short) == []


def test_processes_that_used_more_than_the_ticks_show_compete_with_none() -> None:
    assert judge(changed(calm(), "machine", busy_ns=100 * MS)) == []


def test_the_frequency_of_the_servers_core_may_fall_or_rise() -> None:
    slower = changed(calm(), "machine", frequencies_after_hz=[2_300_000_000, 2_600_000_000])
    assert names(slower) == ["frequency changed"]
    assert judge(changed(calm(), "machine", frequencies_before_hz=[0, 0])) == []


def test_an_idle_trial_is_judged_by_its_machine_too() -> None:
    idle = calm("idle", parameters={"steps": [5, 10]}, usage=None, latency=None, completion=None, ledger=None)
    assert judge(idle) == []
    assert names(changed(idle, "machine", steal_ns=50 * MS, before_busy_ns=60 * MS)) == [
        "busy before the start", "steal",
    ]  # fmt: skip


# Deliveries


def test_with_one_receiver_per_message_deliveries_are_counted() -> None:
    assert judge(calm("echo", completion=None)) == []
    assert names(calm("echo", completion=None, latency=flat(50, 499))) == ["few messages"]


def test_the_most_frequent_errors_are_named_first() -> None:
    errors = {f"error {n}": n for n in range(1, 6)}
    (finding,) = judge(changed(calm(), "ledger", errors=errors))
    assert finding.observation == "15 errors: 5 x error 5, 4 x error 4, 3 x error 3, ..."


def test_errors_with_a_count_of_zero_are_no_finding() -> None:
    assert judge(changed(calm(), "ledger", errors={"reset": 0})) == []


def test_subscribers_of_an_idle_trial_are_counted_at_its_last_step() -> None:
    unseen = process(0)
    idle = [IdleStep(subscribers=count, window_ns=MS, server=unseen, broker=None) for count in (0, 5, 20)]
    assert names(calm("idle", idle=idle)) == ["not all connected"]
    assert names(calm("idle", idle=idle, connect=flat(1, 20))) == []


def test_a_protocol_without_confirmed_connects_causes_no_finding() -> None:
    assert judge(calm(connect=None)) == []
    assert judge(calm(connect=fold([]))) == []


# Exits


def test_one_of_several_load_generators_is_a_load_generator() -> None:
    assert names(failed("load generator 2")) == ["load generator exited"]


def test_a_failed_trial_without_facts_has_no_finding() -> None:
    assert judge(failed()) == []


def test_a_plausible_run_has_no_finding() -> None:
    _, trials = synthetic(troubles=False)
    assert [(trial.planned.id, names(trial)) for trial in trials if judge(trial)] == []
