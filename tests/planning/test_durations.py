"""How long a run is expected to take: as its schedule says, also where messages are rarer than trials are long."""

import msgspec
import pytest

from bench import scenarios
from bench.planning.durations import OVERHEAD_S, POLLS, expected_s, notes
from bench.planning.plan import BRIEF, calibration, plan
from bench.schedule import Schedule, lasts_s, sequences


def test_the_estimate_counts_every_step_of_an_idle_trial():
    planned = plan([("idle", "sse")], 1, 1)
    one = expected_s(planned, {"idle": {"steps": [0], "settle_s": 0.0, "measure_s": 1.0}})
    three = expected_s(planned, {"idle": {"steps": [0, 1, 2], "settle_s": 0.0, "measure_s": 1.0}})
    assert three - one == pytest.approx(2.0)


def test_the_estimate_uses_the_changed_parameters_of_a_trial():
    (one, *_) = calibration(BRIEF, 1)
    parameters = {"calibration": {"warm_up_s": 0.0, "measure_s": 1.0}}
    assert expected_s([one], parameters) == pytest.approx(
        expected_s([one], {"calibration": {"warm_up_s": 0.0, "measure_s": 9.0}}) - 8.0
    )
    longer = msgspec.structs.replace(one, changes={**one.changes, "measure_s": 3.0})
    assert expected_s([longer], parameters) == pytest.approx(expected_s([one], parameters) + 2.0)


def trial(scenario, variant, **changes):
    """A planned trial and its parameters."""
    parameters = {scenario: scenarios.load(scenario).settled("quick", changes)}
    return plan([(scenario, variant)], 1, 1), parameters


@pytest.mark.parametrize(
    ("scenario", "variant", "changes", "beyond_overhead_s"),
    [
        ("broadcast", "sse", {}, 0.3 + 1.0),
        ("broadcast", "sse", {"measure_s": 60.0}, 60.3),
        ("broadcast", "sse", {"rate_hz": 0.05}, 40.0),
        ("broadcast", "sse", {"rate_hz": 0.05, "warm_up_s": 0.0}, 20.0),
        ("broadcast", "sse", {"rate_hz": 0.001}, 2000.0),
        ("burst", "sse", {"burst": 400}, 20.0),
        ("echo", "websocket", {"rate_hz": 0.1}, 20.0),
        ("broadcast", "polling", {}, 1.3 + POLLS * 0.25),
        ("broadcast", "polling", {"poll_interval_s": 20.0}, 1.3 + POLLS * 20.0),
        ("broadcast", "sse", {"poll_interval_s": 20.0}, 1.3),
        ("idle", "sse", {"steps": [1, 2], "settle_s": 1.0, "measure_s": 2.0}, 6.0),
        ("storm", "sse", {"measure_s": 3000.0, "subscribers": 1000}, 2.0),
        ("capacity", "sse", {"measure_s": 1.0}, 9 * 1.3 + 8 * OVERHEAD_S),
    ],
)
def test_a_trial_takes_as_long_as_its_schedule(scenario, variant, changes, beyond_overhead_s):
    assert expected_s(*trial(scenario, variant, **changes)) == pytest.approx(OVERHEAD_S + beyond_overhead_s, rel=0.01)


@pytest.mark.parametrize("rate_hz", [0.001, 0.05, 3.0, 20.0, 1234.5])
@pytest.mark.parametrize("burst", [1, 7])
def test_the_estimate_and_the_schedule_are_the_same_arithmetic(rate_hz, burst):
    parameters = {"rate_hz": rate_hz, "warm_up_s": 0.3, "measure_s": 1.0}
    _, last = sequences(parameters, burst)
    due_ns = Schedule(start_ns=0, rate_hz=rate_hz, burst=burst).due_ns(last)
    assert due_ns / 1e9 == pytest.approx(lasts_s(parameters, burst))


def test_a_search_that_begins_with_rare_messages_takes_longer_in_its_first_steps():
    slow, fast = (expected_s(*trial("capacity", "sse", rate_hz=rate_hz)) for rate_hz in (0.1, 400.0))
    assert slow - fast == pytest.approx((20 + 5 + 1.25 + 0.94) - 4 * 0.8, abs=0.5)


@pytest.mark.parametrize(
    ("scenario", "variant", "changes", "words"),
    [
        (
            "broadcast",
            "sse",
            {"rate_hz": 0.05},
            "takes 0:40 instead of 0:01: at rate_hz=0.05 a message is due every 20",
        ),
        (
            "broadcast",
            "sse",
            {"rate_hz": 0.001},
            "takes 33:20 instead of 0:01: at rate_hz=0.001 a message is due every",
        ),
        ("burst", "sse", {"burst": 4000}, "takes 3:20 instead of 0:02: at rate_hz=40 a burst of 4000 messages is due"),
        ("echo", "sse", {"rate_hz": 0.01}, "takes 3:20 instead of"),
        ("capacity", "sse", {"rate_hz": 0.01}, "at rate_hz=0.01"),
        ("broadcast", "polling", {"poll_interval_s": 60.0}, "polling takes 3:00 longer than asked: poll_interval_s=60"),
    ],
)
def test_a_trial_that_takes_far_longer_than_asked_is_reported_with_the_parameter(scenario, variant, changes, words):
    (line,) = notes(*trial(scenario, variant, **changes))
    assert line.startswith(f"{scenario}: a trial ")
    assert words in line


@pytest.mark.parametrize(
    ("scenario", "variant", "changes"),
    [
        ("broadcast", "sse", {}),
        ("broadcast", "sse", {"measure_s": 3600.0}),
        ("broadcast", "sse", {"poll_interval_s": 60.0}),
        ("broadcast", "sse", {"rate_hz": 0.1}),
        ("idle", "sse", {"measure_s": 600.0}),
        ("storm", "sse", {"rate_hz": 0.001}),
    ],
)
def test_a_trial_that_takes_as_long_as_asked_needs_no_note(scenario, variant, changes):
    assert notes(*trial(scenario, variant, **changes)) == []


def test_equal_trials_have_one_note():
    planned, parameters = trial("broadcast", "sse", rate_hz=0.01)
    assert len(notes([*planned, *planned], parameters)) == 1
