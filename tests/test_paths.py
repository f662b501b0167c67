"""The paths: whatever they do to bytes, these arrive complete and in order; what is drawn follows from the seed."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.paths import DIRECT, MS, PATHS, Lane, S, Unrest, handshake_ns, leads_elsewhere, reset_ns

paths = st.sampled_from(sorted(PATHS))
reads = st.lists(st.tuples(st.binary(min_size=1, max_size=600), st.integers(0, S)), max_size=20)
BEGAN_NS = 1_000 * S


def handed_on(path, seed, reads, unrest=None):
    """(when it came, when it is due, piece) for everything that a lane is fed with, and when the end goes on."""
    lane, now_ns, found = Lane(PATHS[path], seed), BEGAN_NS, []
    if unrest:
        lane.disturb(unrest, now_ns)
    for data, pause_ns in reads:
        now_ns += pause_ns
        found += [(now_ns, due_ns, piece) for due_ns, piece in lane.feed(data, now_ns)]
    return found, lane.end(now_ns)


@given(paths, st.text(max_size=5), reads, st.booleans())
def test_bytes_come_out_complete_and_in_order_however_they_are_cut_and_held(path, seed, reads, calm):
    unrest = None if calm else Unrest(BEGAN_NS, BEGAN_NS + 10 * S)
    found, end_ns = handed_on(path, seed, reads, unrest)
    assert b"".join(piece for *_, piece in found) == b"".join(data for data, _ in reads)
    assert all(due_ns >= came_ns for came_ns, due_ns, _ in found)
    dues = [due_ns for _, due_ns, _ in found]
    assert dues == sorted(dues)
    assert end_ns >= max(dues, default=0)
    assert (found, end_ns) == handed_on(path, seed, reads, unrest)


@given(reads)
def test_the_direct_path_adds_nothing(reads):
    found, end_ns = handed_on(DIRECT, "", reads)
    assert [(due_ns, piece) for _, due_ns, piece in found] == [(came_ns, piece) for came_ns, _, piece in found]
    assert [piece for *_, piece in found] == [data for data, _ in reads]
    assert end_ns == BEGAN_NS + sum(pause_ns for _, pause_ns in reads)


def test_far_away_a_read_takes_20_to_25_ms_and_the_first_one_a_handshake_more():
    lane = Lane(PATHS["far"], "a")
    lane.handshake_until_ns = BEGAN_NS + handshake_ns(PATHS["far"])
    ((first_ns, _),) = lane.feed(b"GET", BEGAN_NS)
    assert 60 * MS <= first_ns - BEGAN_NS <= 65 * MS
    later = BEGAN_NS + S
    took = {due_ns - later for _ in range(50) for due_ns, _ in Lane(PATHS["far"], str(_)).feed(b"x", later)}
    assert 20 * MS <= min(took) < max(took) <= 25 * MS


def test_a_narrow_path_takes_its_time_for_every_byte():
    found, _ = handed_on("narrow", "", [(bytes(4_000), 0), (bytes(4_000), 0)])
    assert found[-1][1] - BEGAN_NS == S
    assert max(len(piece) for *_, piece in found) == 256


def test_fragments_are_of_1_to_7_bytes_and_2_ms_apart():
    found, _ = handed_on("fragments", "", [(bytes(500), 0)])
    assert {len(piece) for *_, piece in found[:-1]} == set(range(1, 8))
    assert {later[1] - earlier[1] for earlier, later in pairwise(found)} == {2 * MS}


def test_stalls_come_between_two_moments_and_hold_all_that_falls_into_them():
    unrest = Unrest(BEGAN_NS + 2 * S, BEGAN_NS + 12 * S)
    found, _ = handed_on("stalls", "a", [(b"x", 10 * MS)] * 2_000, unrest)
    held = [(came_ns, due_ns) for came_ns, due_ns, _ in found if due_ns > came_ns]
    ends = {due_ns for _, due_ns in held}
    assert 13 <= len(ends) <= 20  # every 0.5 to 0.75 s, within 10 s
    assert min(came_ns for came_ns, _ in held) >= unrest.from_ns + S // 4
    assert max(ends) < unrest.until_ns + S // 4
    for end_ns in ends:
        waits = [due_ns - came_ns for came_ns, due_ns in held if due_ns == end_ns]
        assert 240 * MS <= max(waits) <= 250 * MS


@given(st.text(max_size=5), st.integers(0, 20 * S))
def test_a_reset_comes_a_quarter_of_a_second_to_one_after_the_connection_or_the_unrest_began(seed, after_ns):
    unrest = Unrest(BEGAN_NS + S, BEGAN_NS + 15 * S)
    at_ns = reset_ns(PATHS["resets"], seed, BEGAN_NS + after_ns, unrest)
    earliest = max(BEGAN_NS + after_ns, unrest.from_ns) + S // 4
    latest = earliest + 3 * S // 4
    if at_ns is None:
        assert latest >= unrest.until_ns
    else:
        assert earliest <= at_ns <= latest
        assert at_ns < unrest.until_ns


@pytest.mark.parametrize("name", PATHS)
def test_a_path_says_what_it_does_and_only_one_is_direct(name):
    assert PATHS[name].name == name
    assert PATHS[name].description
    assert leads_elsewhere({"path": name}) == (name != DIRECT)
    assert not leads_elsewhere({})
    if name != "resets":
        assert reset_ns(PATHS[name], "", BEGAN_NS, Unrest(BEGAN_NS, BEGAN_NS + 100 * S)) is None
