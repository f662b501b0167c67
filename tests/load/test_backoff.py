"""The waits before reconnecting: never in step, never shorter than requested, never longer than the cap."""

import random
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.backoff import BASE_S, LONGEST_S, waits_s

MOST_OF_A_SLOT = 0.3


def waits(seed, retry_s=0.0, *, at_once=False):
    return list(islice(waits_s(random.Random(seed), retry_s, at_once=at_once), 12))


@given(st.integers(), st.floats(0.0, 10.0))
def test_no_wait_is_shorter_than_requested_nor_much_longer_than_the_longest(seed, retry_s):
    drawn = waits(seed, retry_s)
    base, longest = max(BASE_S, retry_s), max(LONGEST_S, retry_s)
    for attempt, wait_s in enumerate(drawn):
        assert retry_s <= wait_s <= retry_s + min(longest, base * 2**attempt)


def test_the_waits_fill_their_range():
    """Full jitter: half of them are shorter than half of the longest."""
    for attempt, longest in enumerate((1.0, 2.0, 3.0, 3.0)):
        drawn = sorted(waits(seed)[attempt] for seed in range(1000))
        assert drawn[500] == pytest.approx(longest / 2, rel=0.1)
        assert drawn[-1] > 0.97 * longest


def test_a_subscriber_that_was_cut_off_alone_tries_at_once_and_then_waits_like_the_others():
    assert waits(1, at_once=True) == [0.0, *waits(1)[:11]]


@pytest.mark.parametrize("retry_s", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("gone_s", [0.0, 0.3, 1.0, 3.0, 8.0])
def test_no_tenth_of_a_second_has_a_large_share_of_the_attempts_however_long_the_server_is_gone(gone_s, retry_s):
    attempts, last_s = Counter(), 0.0
    for number in range(1000):
        now_s = 0.0
        for wait_s in waits_s(random.Random(f"7/{number}"), retry_s):
            now_s += wait_s
            attempts[int(now_s * 10)] += 1
            if now_s >= gone_s:
                break
        last_s = max(last_s, now_s)
    assert max(attempts.values()) / attempts.total() < MOST_OF_A_SLOT / 2
    assert last_s <= gone_s + retry_s + max(LONGEST_S, retry_s)
