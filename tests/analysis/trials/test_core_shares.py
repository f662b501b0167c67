"""Shares of the cores that a trial uses, on machines with few and with many cores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.trials.core_shares import Taken, share, used_cores
from bench.analysis.trials.findings import judge
from tests._trials import MS, calm, changed

WINDOW_NS = 1_000

times = st.integers(0, WINDOW_NS)


@pytest.mark.parametrize(
    ("taken", "core_count", "avoidable", "expected"),
    [
        # half a core of the server's: the same on a machine of any size
        (Taken(500, 500), 2, False, 0.25),
        (Taken(500, 500), 64, False, 0.25),
        (Taken(500, 500), 64, True, 0.25),
        # half a core of the load side, which uses two of its cores where it has them
        (Taken(500, 0), 2, False, 0.25),
        (Taken(500, 0), 3, False, 0.125),
        (Taken(500, 0), 64, False, 0.125),
        # other work that has 61 free cores takes nothing; a 62nd busy core is one that the load side uses
        (Taken(61_000, 0), 64, True, 0.0),
        (Taken(62_000, 0), 64, True, 0.25),
        (Taken(63_000, 0), 64, True, 0.5),
        # more than there is
        (Taken(64_000, 1_000), 64, False, 1.0),
        # a single core, and a record without the server's core: the whole
        (Taken(300, 300), 1, True, 0.3),
        (Taken(300, None), 2, True, 0.15),
    ],
)  # fmt: skip
def test_the_share_is_that_of_the_cores_in_use(taken, core_count, avoidable, expected):
    assert share(taken, WINDOW_NS, core_count, 2, avoidable=avoidable) == pytest.approx(expected)


@given(times, times, st.booleans())
def test_on_two_cores_it_is_the_share_of_both(first, load, avoidable):
    taken = Taken(first + load, first)
    assert share(taken, WINDOW_NS, 2, 2, avoidable=avoidable) == pytest.approx((first + load) / (2 * WINDOW_NS))


@given(times, st.integers(0, 63 * WINDOW_NS), st.integers(2, 64), st.integers(1, 40), st.booleans())
def test_it_is_a_share(first, load, core_count, processes, avoidable):
    assert 0 <= share(Taken(first + load, first), WINDOW_NS, core_count, processes, avoidable=avoidable) <= 1


def test_a_trial_uses_a_core_for_the_server_and_one_per_process_of_the_load_side():
    assert [used_cores(count, 2) for count in (1, 2, 3, 4, 64)] == [1, 2, 3, 3, 3]
    assert used_cores(64, 9) == 10


def servers_ns():
    """The CPU time of a calm trial on the server's core."""
    usage = calm().usage
    return usage.server.cpu_ns + (usage.broker.cpu_ns if usage.broker else 0)


def on_many_cores(**facts):
    """A calm trial on 64 cores, of which it used what it used of two."""
    usual = {"first_before_busy_ns": 0, "first_busy_ns": servers_ns(), "first_steal_ns": 0, "steal_ns": 0}
    return changed(calm(), "machine", cores=list(range(64)), **{**usual, **facts})


def names(trial):
    return [finding.name for finding in judge(trial)]


HEAVY_STEAL = ["steal", "heavy steal"]


def test_half_of_the_servers_core_is_a_heavy_loss_on_any_machine():
    half_ns = calm().machine.window_ns // 2
    assert names(on_many_cores(steal_ns=half_ns, first_steal_ns=half_ns)) == HEAVY_STEAL
    assert names(changed(calm(), "machine", steal_ns=half_ns, first_steal_ns=half_ns)) == HEAVY_STEAL
    busy_ns = calm().machine.busy_ns + half_ns
    assert names(on_many_cores(busy_ns=busy_ns, first_busy_ns=servers_ns() + half_ns)) == [
        "competing CPU use",
        "heavy competing CPU use",
    ]


def test_other_work_on_cores_that_the_trial_does_not_use_is_no_finding():
    window_ns = calm().machine.window_ns
    assert names(on_many_cores(busy_ns=calm().machine.busy_ns + 40 * window_ns)) == []


def test_an_observation_names_the_cores_in_use():
    half_ns = calm().machine.window_ns // 2
    finding, *_ = judge(on_many_cores(steal_ns=half_ns, first_steal_ns=half_ns))
    assert finding.observation.endswith("of the 3 cores that the trial used at once")


def test_a_short_loss_on_few_of_many_cores_is_more_than_a_rounding_error():
    assert names(on_many_cores(steal_ns=70 * MS, first_steal_ns=70 * MS)) == ["steal"]
