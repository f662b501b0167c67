"""The recorder against a model: deliveries in any order, repeated, late or missing are counted exactly."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import quantile
from bench.measure.recorder import SENDER_STRIDE, Recorder, Window
from bench.messages import PROBE_FROM, Composer

COMPOSER = Composer(1, 80)
MS = 1_000_000


def window(first: int, last: int, every_ns: int = 10 * MS) -> Window:
    return Window(first, last, first * every_ns, last * every_ns)


def text(number: int) -> bytes:
    return COMPOSER.compose(number, number * 10 * MS)


def receive(tally, numbers, delay_ns=MS):
    for number in numbers:
        tally.on_text(text(number), number * 10 * MS + delay_ns)


def model(arrived, first, last):
    """Lost, duplicated, reordered by the definitions, from the whole list of arrivals."""
    distinct, duplicated, reordered, highest = set(), 0, 0, -1
    for number in arrived:
        if number in distinct:
            duplicated += number >= first
        elif number < highest:
            reordered += number >= first
        distinct.add(number)
        highest = max(highest, number)
    return sum(number not in distinct for number in range(first, last)), duplicated, reordered


@given(st.lists(st.integers(0, 12), max_size=40), st.integers(0, 5))
def test_the_ledger_counts_what_the_definitions_count(arrived, first):
    recorder = Recorder(COMPOSER)
    receive(recorder.tally(), arrived)
    ledger = recorder.ledger(window(first, 13), 0)
    assert (ledger.lost, ledger.duplicated, ledger.reordered) == model(arrived, first, 13)
    assert ledger.delivered + ledger.lost == ledger.expected == 13 - first


@given(st.lists(st.permutations(range(8)), min_size=1, max_size=4))
def test_subscribers_do_not_disturb_each_other(orders):
    recorder = Recorder(COMPOSER)
    tallies = [recorder.tally() for _ in orders]
    for step in zip(*orders, strict=True):
        for tally, number in zip(tallies, step, strict=True):
            receive(tally, [number])
    ledger = recorder.ledger(window(0, 8), 0)
    assert (ledger.lost, ledger.duplicated, ledger.corrupted) == (0, 0, 0)
    assert ledger.reordered == sum(model(order, 0, 8)[2] for order in orders)
    assert recorder.complete(8)


def test_a_subscriber_that_receives_nothing_has_lost_everything():
    recorder = Recorder(COMPOSER)
    recorder.tally()
    assert recorder.ledger(window(2, 6), 0).lost == 4
    assert not recorder.complete(6)


def test_an_altered_text_is_corrupted_and_not_delivered():
    recorder = Recorder(COMPOSER)
    tally = recorder.tally()
    tally.on_text(text(0)[:-3] + b'!"}', 0)
    ledger = recorder.ledger(window(0, 1), 0)
    assert (ledger.corrupted, ledger.lost) == (1, 1)


def test_probes_are_counted_per_subscriber_and_never_measured():
    recorder = Recorder(COMPOSER)
    tallies = [recorder.tally(), recorder.tally()]
    probe = COMPOSER.compose(PROBE_FROM + 3, 1)
    tallies[0].on_text(probe, 2)
    tallies[0].on_text(probe, 3)
    assert recorder.probed == 1
    tallies[1].on_text(probe, 3)
    assert recorder.probed == 2
    assert recorder.ledger(window(0, 0), 0).duplicated == 0
    assert not recorder.deliveries_between(0, 1000)


def test_latency_is_receive_time_minus_intended_time_of_the_measured_part_only():
    recorder = Recorder(COMPOSER)
    tally = recorder.tally()
    receive(tally, [0, 1], delay_ns=500 * MS)  # warm-up
    receive(tally, [2], delay_ns=3 * MS)
    receive(tally, [3], delay_ns=5 * MS)
    latency = recorder.latency(window(2, 4))
    assert (latency.count, latency.min_ns, latency.max_ns, latency.sum_ns) == (2, 3 * MS, 5 * MS, 8 * MS)
    assert abs(quantile(latency, 1.0) - 5 * MS) <= 5 * MS / 1000


def test_a_receive_time_before_the_intended_one_is_counted_as_negative():
    recorder = Recorder(COMPOSER)
    receive(recorder.tally(), [0], delay_ns=-1)
    latency = recorder.latency(Window(0, 1, 0, 10 * MS))
    assert (latency.count, latency.negative) == (0, 1)


def test_every_message_of_the_window_has_its_receivers_and_its_last_receive_time():
    recorder = Recorder(COMPOSER)
    one, other = recorder.tally(), recorder.tally()
    receive(one, [0, 1, 2], delay_ns=MS)
    receive(other, [1], delay_ns=4 * MS)
    fan_outs = recorder.fan_outs(window(1, 3))
    assert {number: (one.receivers, one.last_received_ns - one.intended_ns) for number, one in fan_outs.items()} == {
        1: (2, 4 * MS),
        2: (1, MS),
    }


def test_the_slots_hold_every_delivery_of_the_window_once():
    recorder = Recorder(COMPOSER)
    receive(recorder.tally(), range(100))
    slots = recorder.slots(window(0, 100))
    assert [slot.count for slot in slots] == [25, 25, 25, 25]
    assert {slot.max_ns for slot in slots} == {MS}


def test_deliveries_between_two_moments_are_counted_by_their_receive_time():
    recorder = Recorder(COMPOSER)
    receive(recorder.tally(), range(10), delay_ns=0)
    received = np.arange(10) * 10 * MS
    assert (
        recorder.deliveries_between(20 * MS, 50 * MS) == int(((received >= 20 * MS) & (received < 50 * MS)).sum()) == 3
    )


@given(st.integers(0, 50), st.integers(1, 50), st.integers(1000, 10**9))
def test_costs_are_counted_over_as_long_a_window_that_begins_between_two_messages(first, count, every_ns):
    start, end = window(first, first + count, every_ns).cost_ns
    assert end - start == count * every_ns
    assert (first - 1) * every_ns < start < first * every_ns


@given(st.lists(st.tuples(st.integers(3, 5), st.integers(0, 9)), max_size=60), st.integers(0, 4))
def test_in_a_room_every_sender_has_a_ledger_of_its_own_at_every_member(arrived, first):
    recorder = Recorder(COMPOSER)
    receive(recorder.tally(range(3, 6)), [sender * SENDER_STRIDE + place for sender, place in arrived])
    ledger = recorder.ledger(window(first, 10), 0)
    each = [model([place for sender, place in arrived if sender == one], first, 10) for one in (3, 4, 5)]
    assert (ledger.lost, ledger.duplicated, ledger.reordered) == tuple(map(sum, zip(*each, strict=True)))
    assert ledger.expected == 3 * (10 - first)


def test_a_message_of_another_room_is_an_error_and_no_delivery():
    recorder = Recorder(COMPOSER)
    receive(recorder.tally(range(2)), [0, SENDER_STRIDE, 2 * SENDER_STRIDE])
    assert recorder.ledger(window(0, 1), 0).errors == {"a message of another room": 1}
    assert recorder.complete(1)
    assert recorder.receipts()[0].size == 2


def test_a_probe_of_any_sender_counts_in_a_room():
    recorder = Recorder(COMPOSER)
    tally = recorder.tally(range(2))
    tally.on_text(COMPOSER.compose(PROBE_FROM + 4, 0), 1)
    assert recorder.probed == 1
    assert recorder.probed_up_to(PROBE_FROM + 4)


def test_the_fan_out_of_a_room_has_all_its_members_as_receivers():
    recorder = Recorder(COMPOSER)
    tallies = [recorder.tally(range(2)), recorder.tally(range(2))]
    for late, tally in enumerate(tallies, 1):
        receive(tally, [5, SENDER_STRIDE + 5], delay_ns=late * MS)
    outs = recorder.fan_outs(window(5, 6))
    assert sorted(outs) == [5, SENDER_STRIDE + 5]
    assert {(out.receivers, out.last_received_ns - out.intended_ns) for out in outs.values()} == {(2, 2 * MS)}


def test_a_subscriber_that_has_passed_the_last_message_may_miss_others():
    recorder = Recorder(COMPOSER)
    complete, incomplete = recorder.tally(), recorder.tally()
    receive(complete, range(8))
    receive(incomplete, [0, 1, 5])
    assert not recorder.passed(8)
    receive(incomplete, [7])
    assert recorder.passed(8)
    assert not recorder.complete(8)
