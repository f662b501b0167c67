"""The search for a capacity, against servers of known capacity."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold
from bench.analysis.trials.findings import SLOWING
from bench.analysis.trials.rate_search import (
    LEAST_HZ,
    MOST_STEPS,
    RESOLUTION,
    Limit,
    ends_search,
    is_lower_bound,
    limit,
    limits_in_words,
    median_is_lower_bound,
    next_rate,
    sustained,
    worst_slip,
)
from bench.analysis.trials.rate_step import delay_growth, step
from bench.planning.durations import SEARCH_STEPS
from bench.results import CapacityStep, Failure, Finding, Series, Trial
from tests._trials import MS, calm


def stepped(rate_hz: float, verdict: str) -> CapacityStep:
    return CapacityStep(
        rate_hz=rate_hz, verdict=verdict, observation="", expected=1, delivered=1, p50_ns=1, p99_ns=1, server_cpu_ns=1,
        window_ns=1,
    )  # fmt: skip


def search(capacity_hz: float, start_hz: float, generator_hz: float = float("inf")) -> list[CapacityStep]:
    """Every step of a search on a server of this capacity."""
    steps: list[CapacityStep] = []
    while (rate := next_rate(steps, start_hz, 100_000.0)) is not None:
        verdict = "generator" if rate > generator_hz else "sustained" if rate <= capacity_hz else "exceeded"
        steps.append(stepped(rate, verdict))
    return steps


@given(st.floats(0.6, 60_000), st.floats(1.0, 100.0))
def test_the_search_finds_a_capacity_from_below_within_its_resolution(capacity: float, start: float) -> None:
    steps = search(capacity, start)
    highest = sustained(steps)
    if highest is None:
        assert capacity < LEAST_HZ
    elif len(steps) < MOST_STEPS:
        assert highest <= capacity < highest * RESOLUTION
        assert not is_lower_bound(steps)
    else:
        assert highest <= capacity


def test_a_miss_that_is_not_repeated_is_no_limit() -> None:
    steps = [stepped(20, "sustained"), stepped(80, "exceeded")]
    assert next_rate(steps, 20, 1e5) == 80
    steps.append(stepped(80, "sustained"))
    assert next_rate(steps, 20, 1e5) == 320


def test_a_miss_at_a_lower_rate_confirms_one_at_a_higher_rate() -> None:
    steps = [stepped(100, "sustained"), stepped(120, "exceeded")]
    assert sustained(steps) == 100
    assert next_rate(steps, 100, 1e5) == 120
    steps = [stepped(100, "sustained"), stepped(114, "exceeded"), stepped(130, "exceeded")]
    assert next_rate(steps, 100, 1e5) == 114
    steps.append(stepped(114, "sustained"))
    assert next_rate(steps, 100, 1e5) == 130
    steps.append(stepped(130, "exceeded"))
    assert next_rate(steps, 100, 1e5) is None
    assert sustained(steps) == 114


@given(st.floats(25.0, 25_000.0))
def test_no_search_in_the_usual_range_takes_more_than_eleven_steps(capacity: float) -> None:
    assert len(search(capacity, 100.0)) <= 11


def test_the_mean_number_of_steps_is_that_of_the_plan() -> None:
    spread = [25.0 * 1000.0 ** (place / 200) for place in range(200)]
    steps = [len(search(capacity, 100.0)) for capacity in spread]
    assert sum(steps) / len(steps) == pytest.approx(SEARCH_STEPS, abs=0.5)


EARLY, LATE = Failure(phase="start", error="not ready"), Failure(phase="measure", error="gone", exited="server")


@pytest.mark.parametrize(
    ("failures", "over"),
    [
        ([], False),
        ([None], False),
        ([EARLY], True),
        ([LATE], False),
        ([LATE, LATE], False),
        ([LATE, EARLY], False),
        ([None, EARLY], False),
        ([None, EARLY, None, EARLY], False),
        ([None, EARLY, EARLY], True),
    ],
)
def test_failures_that_do_not_depend_on_the_rate_end_the_search(failures: list[Failure | None], over: bool) -> None:
    assert ends_search(failures) is over


def test_where_the_generator_is_saturated_first_the_result_is_a_lower_bound() -> None:
    steps = search(50_000, 20, generator_hz=1_000)
    assert is_lower_bound(steps)
    highest = sustained(steps)
    assert highest is not None
    assert highest <= 1_000 < highest * RESOLUTION


def test_the_search_ends_at_the_highest_allowed_rate() -> None:
    steps = search(float("inf"), 30_000)
    assert sustained(steps) == 100_000
    assert is_lower_bound(steps)


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "sustained"),
        ({"failure": Failure(phase="measure", error="the server was killed")}, "exceeded"),
        ({"failure": Failure(phase="probe", error="nothing came")}, "disturbed"),
        ({"findings": ["lost messages"]}, "exceeded"),
        ({"findings": ["generator saturated", "lost messages"]}, "generator"),
        ({"findings": ["machine busy"]}, "disturbed"),
    ],
)
def test_the_verdict_on_a_rate(changes: dict[str, object], verdict: str) -> None:
    names = changes.get("findings", [])
    assert isinstance(names, list)
    trial = msgspec.structs.replace(calm(), findings=disqualified(*names), failure=changes.get("failure"))
    assert step(trial, 200 * MS).verdict == verdict


def disqualified(*names: str) -> list[Finding]:
    return [Finding(name=name, disqualifying=True, observation="seen", remedy="") for name in names]


@pytest.mark.parametrize("name", sorted(SLOWING))
def test_a_rate_that_is_sustained_on_a_slowed_machine_is_sustained(name: str) -> None:
    assert step(calm(findings=disqualified(name)), 200 * MS).verdict == "sustained"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("generator saturated", "generator"), ("load cores saturated", "generator"),
     ("generator far too late", "generator"),
     ("heavy steal", "disturbed"), ("server waited long for its core", "disturbed"),
     ("publisher far too late", "exceeded")],
)  # fmt: skip
def test_a_missed_rate_may_be_missed_because_of_the_generator_or_the_machine(name: str, verdict: str) -> None:
    assert step(calm(findings=disqualified(name)), 50 * MS).verdict == verdict


def saturated(cpu_ms: int, **changes: object) -> Trial:
    """A trial with a saturated server and broker (50 ms), and a load generator that is busy but not late."""
    usage = calm().usage
    assert usage is not None
    usage = msgspec.structs.replace(usage, server=msgspec.structs.replace(usage.server, cpu_ns=cpu_ms * MS))
    return calm(findings=disqualified("generator saturated"), usage=usage, **changes)


def test_a_saturated_server_is_the_limit_while_a_busy_generator_is_not_late() -> None:
    late = fold(np.full(100, 60 * MS))
    headroom = calm().headroom
    assert headroom is not None
    assert step(saturated(860), 50 * MS).verdict == "exceeded"
    assert step(saturated(840), 50 * MS).verdict == "generator"
    assert step(saturated(860, slip=late), 50 * MS).verdict == "generator"
    for changes in ({"loop_delay": late}, {"read_delay": late}):
        late_headroom = msgspec.structs.replace(headroom, **changes)
        assert step(saturated(860, headroom=late_headroom), 50 * MS).verdict == "generator"
    assert step(saturated(860, headroom=None), 50 * MS).verdict == "generator"


def test_a_rate_is_sustained_only_where_its_messages_left_evenly() -> None:
    """A late publisher sends in clumps, which are less work for a server that batches."""
    slow, prompt = (fold(np.full(100, slip_ms * MS)) for slip_ms in (21, 19))
    busy_cores = disqualified("load cores saturated")
    late, busy = step(calm(slip=slow), 200 * MS), step(calm(slip=slow, findings=busy_cores), 200 * MS)
    assert (late.verdict, busy.verdict) == ("disturbed", "generator")  # a stall of an idle core may not come back
    assert late.observation.startswith("sent in clumps")
    assert step(calm(slip=prompt), 200 * MS).verdict == "sustained"
    assert step(calm(slip=prompt, findings=busy_cores), 200 * MS).verdict == "sustained"
    assert step(calm(slip=None), 200 * MS).verdict == "sustained"  # without a publisher there is no slip


def test_the_slip_at_the_capacities_is_the_worst_of_the_searches() -> None:
    def tried(rate_hz: float, verdict: str, slip: int | None) -> CapacityStep:
        return msgspec.structs.replace(stepped(rate_hz, verdict), slip_p50_ns=slip, slip_p99_ns=slip and 10 * slip)

    first = [tried(100, "sustained", 9), tried(400, "sustained", 2), tried(1600, "exceeded", 99)]
    second = [tried(100, "sustained", 3)]
    assert worst_slip([first, second]) == (3, 30)
    assert worst_slip([[tried(100, "exceeded", 3)], [tried(100, "sustained", None)]]) is None


def test_beyond_the_bound_a_rate_is_exceeded() -> None:
    assert step(calm(), 200 * MS).verdict == "sustained"
    assert step(calm(), 50 * MS).verdict == "exceeded"


def rising(by_ms: float, every_ms: int = 250) -> Series:
    """Four intervals, each with a median that is `by_ms` larger than the one before."""
    medians = [round((10 + by_ms * at) * MS) for at in range(4)]
    latencies = [*medians, None]
    return Series(interval_ns=every_ms * MS, delivered=[9] * 5, latency_p50_ns=latencies, latency_max_ns=latencies,
                  server_cpu_ns=[], broker_cpu_ns=[])  # fmt: skip


def test_a_rate_with_a_growing_queue_is_exceeded_however_short_the_queue_is() -> None:
    """At 1.3 times the capacity the delay grows by 0.3 / 1.3 s per second of receiving."""
    assert delay_growth(rising(250 * 0.3 / 1.3)) == pytest.approx(0.3 / 1.3, rel=1e-3)
    assert delay_growth(None) is None
    growing, steady = (msgspec.structs.replace(calm(), series=rising(by)) for by in (250 * 0.3 / 1.3, 10.0))
    assert step(growing, 900 * MS).verdict == "exceeded"
    observation = step(growing, 900 * MS).observation.replace("\u202f", " ").replace("\xa0", " ")
    assert "grew by 231 ms per second" in observation
    assert step(steady, 900 * MS).verdict == "sustained"


@pytest.mark.parametrize(
    ("exited", "verdict"),
    [("", "exceeded"), ("server", "exceeded"), ("broker", "exceeded"), ("load generator", "generator"),
     ("publisher", "generator")],
)  # fmt: skip
def test_the_verdict_depends_on_the_process_that_exited(exited: str, verdict: str) -> None:
    failure = Failure(phase="measure", error="killed", exited=exited)
    assert step(msgspec.structs.replace(calm(), failure=failure), 200 * MS).verdict == verdict


def tried(rate_hz: float, verdict: str, **changes: object) -> CapacityStep:
    return msgspec.structs.replace(stepped(rate_hz, verdict), **changes)


IDLE = {"server_cpu_ns": 50, "window_ns": 100}
LAST = {
    Limit.SERVER: tried(40, "exceeded", server_cpu_ns=95, window_ns=100),
    Limit.LATE: tried(40, "exceeded", **IDLE),
    Limit.LOST: tried(40, "exceeded", **IDLE, expected=2),
    Limit.FAILED: tried(40, "exceeded", p99_ns=None, server_cpu_ns=None, window_ns=None),
    Limit.GENERATOR: tried(40, "generator"),
    Limit.DISTURBED: tried(40, "disturbed"),
}


@pytest.mark.parametrize(("kind", "last"), LAST.items(), ids=[kind.name for kind in LAST])
def test_the_limit_of_a_search_follows_from_its_last_step(kind: Limit, last: CapacityStep) -> None:
    steps = [stepped(20, "sustained"), last, last]
    assert limit(steps) is kind
    words = limits_in_words([("A", [steps, steps]), ("B", [steps, [stepped(20, "sustained")]])])
    assert words[0] == f"{kind} (A, B in 1 of 2)"


def test_a_search_without_an_exceeded_rate_reached_its_own_limit() -> None:
    assert limit([stepped(20, "sustained")]) is Limit.SPENT


def test_the_broker_counts_towards_the_core_of_its_server() -> None:
    last = tried(40, "exceeded", server_cpu_ns=50, broker_cpu_ns=45, window_ns=100)
    assert limit([stepped(20, "sustained"), last, last]) is Limit.SERVER


def test_a_rate_that_the_generator_limited_once_does_not_bound_the_server() -> None:
    steps = [stepped(20, "sustained"), stepped(40, "exceeded"), stepped(40, "generator")]
    assert is_lower_bound(steps)
    assert limit(steps) is Limit.GENERATOR


def test_a_median_is_a_lower_bound_where_a_search_up_to_it_is_one() -> None:
    complete, limited = search(100, 20), search(5_000, 20, generator_hz=50)
    capacities = [sustained(steps) for steps in (complete, limited)]
    assert capacities[0] is not None
    assert capacities[1] is not None
    assert capacities[1] < capacities[0]
    assert median_is_lower_bound([complete, complete, limited], capacities[0])
    assert not median_is_lower_bound([complete, complete, search(5_000, 20, generator_hz=1_000)], capacities[0])
    assert not median_is_lower_bound([complete], capacities[0])


def test_a_step_has_the_cost_of_its_messages_and_their_slip() -> None:
    full = step(calm(), 200 * MS)
    assert (full.server_cpu_ns, full.broker_cpu_ns, full.window_ns) == (200 * MS, 50 * MS, 1_000 * MS)
    assert (full.deliveries, full.requests, full.segments_in) == (100, 40, 100)
    assert full.slip_p50_ns == full.slip_p99_ns == pytest.approx(20_000, rel=1e-3)
    bare = step(calm(usage=None, wire=None), 200 * MS)
    assert (step(calm(slip=None), 200 * MS).slip_p50_ns, step(calm(slip=None), 200 * MS).slip_p99_ns) == (None, None)
    assert (bare.broker_cpu_ns, bare.deliveries, bare.requests, bare.segments_in) == (None, None, None, None)
