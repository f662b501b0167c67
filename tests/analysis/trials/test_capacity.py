"""The search for the most that a server sustains, against servers whose capacity is known."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold
from bench.analysis.trials.capacity import (
    LEAST_HZ,
    MOST_STEPS,
    RESOLUTION,
    Limit,
    bounded,
    ended,
    ends_search,
    falls_behind,
    is_at_least,
    limit,
    next_rate,
    slip_at_the_end,
    step,
    sustained,
)
from bench.analysis.trials.findings import SLOWING
from bench.planning.plan import SEARCH_STEPS
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
    found = sustained(steps)
    if found is None:
        assert capacity < LEAST_HZ
    elif len(steps) < MOST_STEPS:
        assert found <= capacity < found * RESOLUTION
        assert not is_at_least(steps)
    else:
        assert found <= capacity


def test_a_miss_that_is_not_repeated_is_no_limit() -> None:
    steps = [stepped(20, "sustained"), stepped(80, "exceeded")]
    assert next_rate(steps, 20, 1e5) == 80
    steps.append(stepped(80, "sustained"))
    assert next_rate(steps, 20, 1e5) == 320


def test_a_miss_at_a_lower_rate_bears_out_one_at_a_higher_rate() -> None:
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


def test_on_the_average_a_search_takes_as_long_as_the_plan_says() -> None:
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
def test_what_has_nothing_to_do_with_the_rate_ends_the_search(failures: list[Failure | None], over: bool) -> None:
    assert ends_search(failures) is over


def test_where_the_generator_gives_up_first_the_capacity_is_at_least_what_was_sustained() -> None:
    steps = search(50_000, 20, generator_hz=1_000)
    assert is_at_least(steps)
    found = sustained(steps)
    assert found is not None
    assert found <= 1_000 < found * RESOLUTION


def test_the_search_ends_at_the_highest_rate_that_may_be_asked_for() -> None:
    steps = search(float("inf"), 30_000)
    assert sustained(steps) == 100_000
    assert is_at_least(steps)


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
def test_what_a_trial_says_of_its_rate(changes: dict[str, object], verdict: str) -> None:
    names = changes.get("findings", [])
    assert isinstance(names, list)
    trial = msgspec.structs.replace(calm(), findings=disqualified(*names), failure=changes.get("failure"))
    assert step(trial, 200 * MS).verdict == verdict


def disqualified(*names: str) -> list[Finding]:
    return [Finding(name=name, disqualifying=True, observation="seen", remedy="") for name in names]


@pytest.mark.parametrize("name", sorted(SLOWING))
def test_what_slows_others_down_cannot_make_a_rate_look_sustained(name: str) -> None:
    assert step(calm(findings=disqualified(name)), 200 * MS).verdict == "sustained"


@pytest.mark.parametrize(
    ("name", "verdict"),
    [("generator saturated", "generator"), ("load cores saturated", "generator"),
     ("generator far too late", "generator"),
     ("heavy steal", "disturbed"), ("server waited long for its core", "disturbed"),
     ("publisher far too late", "exceeded")],
)  # fmt: skip
def test_a_rate_that_is_missed_may_have_been_missed_by_others(name: str, verdict: str) -> None:
    assert step(calm(findings=disqualified(name)), 50 * MS).verdict == verdict


def full(cpu_ms: int, **changes: object) -> Trial:
    """A trial whose server and broker (50 ms) use a core up while the load generator is busy too, but not late."""
    usage = calm().usage
    assert usage is not None
    usage = msgspec.structs.replace(usage, server=msgspec.structs.replace(usage.server, cpu_ns=cpu_ms * MS))
    return calm(findings=disqualified("generator saturated"), usage=usage, **changes)


def test_a_full_server_is_at_its_end_though_the_generator_is_busy_as_long_as_that_is_not_late() -> None:
    late = fold(np.full(100, 60 * MS))
    headroom = calm().headroom
    assert headroom is not None
    assert step(full(860), 50 * MS).verdict == "exceeded"
    assert step(full(840), 50 * MS).verdict == "generator"
    assert step(full(860, slip=late), 50 * MS).verdict == "generator"
    for changes in ({"loop_delay": late}, {"read_delay": late}):
        late_one = msgspec.structs.replace(headroom, **changes)
        assert step(full(860, headroom=late_one), 50 * MS).verdict == "generator"
    assert step(full(860, headroom=None), 50 * MS).verdict == "generator"


def test_a_rate_is_sustained_only_where_its_messages_left_evenly() -> None:
    """A late publisher sends in clumps, of which a server that batches makes less work."""
    slow, prompt = (fold(np.full(100, slip_ms * MS)) for slip_ms in (21, 19))
    full = disqualified("load cores saturated")
    late, busy = step(calm(slip=slow), 200 * MS), step(calm(slip=slow, findings=full), 200 * MS)
    assert (late.verdict, busy.verdict) == ("disturbed", "generator")  # a stall of an idle core may not come back
    assert late.observation.startswith("sent in clumps")
    assert step(calm(slip=prompt), 200 * MS).verdict == "sustained"
    assert step(calm(slip=prompt, findings=full), 200 * MS).verdict == "sustained"
    assert step(calm(slip=None), 200 * MS).verdict == "sustained"  # nobody published by the clock


def test_the_slip_of_what_is_sustained_is_the_worst_of_the_searches() -> None:
    def tried(rate_hz: float, verdict: str, slip: int | None) -> CapacityStep:
        return msgspec.structs.replace(stepped(rate_hz, verdict), slip_p50_ns=slip, slip_p99_ns=slip and 10 * slip)

    first = [tried(100, "sustained", 9), tried(400, "sustained", 2), tried(1600, "exceeded", 99)]
    second = [tried(100, "sustained", 3)]
    assert slip_at_the_end([first, second]) == (3, 30)
    assert slip_at_the_end([[tried(100, "exceeded", 3)], [tried(100, "sustained", None)]]) is None


def test_beyond_the_bound_a_rate_is_exceeded() -> None:
    assert step(calm(), 200 * MS).verdict == "sustained"
    assert step(calm(), 50 * MS).verdict == "exceeded"


def rising(by_ms: float, every_ms: int = 250) -> Series:
    """Four intervals, each later than the one before by so much."""
    medians = [round((10 + by_ms * at) * MS) for at in range(4)]
    return Series(interval_ns=every_ms * MS, delivered=[9] * 4, latency_p50_ns=[*medians, None], latency_max_ns=medians,
                  server_cpu_ns=[], broker_cpu_ns=[])  # fmt: skip


def test_a_queue_that_grows_is_too_much_however_short_it_still_is() -> None:
    """At 1.3 times the capacity a message that is received a second later comes 0.3 / 1.3 s later than due."""
    assert falls_behind(rising(250 * 0.3 / 1.3)) == pytest.approx(0.3 / 1.3, rel=1e-3)
    assert falls_behind(None) is None
    grown, steady = (msgspec.structs.replace(calm(), series=rising(by)) for by in (250 * 0.3 / 1.3, 10.0))
    assert step(grown, 900 * MS).verdict == "exceeded"
    assert "grew by 231 ms in a second" in step(grown, 900 * MS).observation.replace("\u202f", " ").replace("\xa0", " ")
    assert step(steady, 900 * MS).verdict == "sustained"


@pytest.mark.parametrize(
    ("exited", "verdict"),
    [("", "exceeded"), ("server", "exceeded"), ("broker", "exceeded"), ("load generator", "generator"),
     ("publisher", "generator")],
)  # fmt: skip
def test_whose_death_it_was_decides_what_a_step_says(exited: str, verdict: str) -> None:
    failure = Failure(phase="measure", error="killed", exited=exited)
    assert step(msgspec.structs.replace(calm(), failure=failure), 200 * MS).verdict == verdict


def tried(rate_hz: float, verdict: str, **changes: object) -> CapacityStep:
    return msgspec.structs.replace(stepped(rate_hz, verdict), **changes)


CALM = {"server_cpu_ns": 50, "window_ns": 100}
LAST = {
    Limit.SERVER: tried(40, "exceeded", server_cpu_ns=95, window_ns=100),
    Limit.LATE: tried(40, "exceeded", **CALM),
    Limit.LOST: tried(40, "exceeded", **CALM, expected=2),
    Limit.FAILED: tried(40, "exceeded", p99_ns=None, server_cpu_ns=None, window_ns=None),
    Limit.GENERATOR: tried(40, "generator"),
    Limit.DISTURBED: tried(40, "disturbed"),
}


@pytest.mark.parametrize(("kind", "last"), LAST.items(), ids=[kind.name for kind in LAST])
def test_what_ended_a_search_is_told_from_its_last_try(kind: Limit, last: CapacityStep) -> None:
    steps = [stepped(20, "sustained"), last, last]
    assert limit(steps) is kind
    assert ended([("A", [steps, steps]), ("B", [steps, [stepped(20, "sustained")]])])[0] == f"{kind} (A, B in 1 of 2)"


def test_a_search_without_a_rate_too_high_had_tried_as_often_as_it_may() -> None:
    assert limit([stepped(20, "sustained")]) is Limit.SPENT


def test_the_broker_fills_the_core_with_its_server() -> None:
    last = tried(40, "exceeded", server_cpu_ns=50, broker_cpu_ns=45, window_ns=100)
    assert limit([stepped(20, "sustained"), last, last]) is Limit.SERVER


def test_a_rate_at_which_the_generator_gave_way_once_does_not_bound_the_server() -> None:
    steps = [stepped(20, "sustained"), stepped(40, "exceeded"), stepped(40, "generator")]
    assert is_at_least(steps)
    assert limit(steps) is Limit.GENERATOR


def test_a_median_is_a_lower_bound_where_a_search_below_it_or_at_it_did_not_find_the_end() -> None:
    whole, open_ = search(100, 20), search(5_000, 20, generator_hz=50)
    found = [sustained(steps) for steps in (whole, open_)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[1] < found[0]
    assert bounded([whole, whole, open_], found[0])
    assert not bounded([whole, whole, search(5_000, 20, generator_hz=1_000)], found[0])
    assert not bounded([whole], found[0])


def test_a_try_holds_what_its_messages_cost_and_how_they_came() -> None:
    made = step(calm(), 200 * MS)
    assert (made.server_cpu_ns, made.broker_cpu_ns, made.window_ns) == (200 * MS, 50 * MS, 1_000 * MS)
    assert (made.deliveries, made.requests, made.segments_in) == (100, 40, 100)
    assert made.slip_p50_ns == made.slip_p99_ns == pytest.approx(20_000, rel=1e-3)
    bare = step(calm(usage=None, wire=None), 200 * MS)
    assert (step(calm(slip=None), 200 * MS).slip_p50_ns, step(calm(slip=None), 200 * MS).slip_p99_ns) == (None, None)
    assert (bare.broker_cpu_ns, bare.deliveries, bare.requests, bare.segments_in) == (None, None, None, None)
