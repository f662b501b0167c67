"""Several Locust processes count as one: the merge of their receipts is what one process would have counted."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold
from bench.measure.receipts import burst_times, completion, merged, recovered_ns, series
from bench.measure.received import FanOut, Receipts
from bench.measure.recorder import Recorder, Window
from bench.messages import Composer
from bench.results import Reconnects, SlowReader, Wire

COMPOSER = Composer(1, 80)
MS = 1_000_000
MESSAGES = 6
WINDOW = Window(1, MESSAGES, 100 * MS, MESSAGES * 100 * MS)
COUNTERS = [name for name in Wire.__struct_fields__ if name != "window_ns"]

# What one subscriber receives: (number, delay), in any order, repeated, or missing.
arrivals = st.lists(st.tuples(st.integers(0, MESSAGES - 1), st.integers(1, 400 * MS)), max_size=12)


def reconnects(count) -> Reconnects:
    return Reconnects(
        declares_resume=False,
        disconnects=count,
        caught_up=count,
        attempts=count,
        attempt_slots=[count],
        recovered_deliveries=count,
        catch_up_time=fold([MS] * count),
        reconnect_time=fold([2 * MS] * count),
        unsent_messages=count,
    )


def slow_reader(count) -> SlowReader:
    return SlowReader(**dict.fromkeys(SlowReader.__struct_fields__, count))


def measured(subscribers) -> Receipts:
    """What one process with these subscribers counts."""
    recorder = Recorder(COMPOSER)
    tallies = [recorder.tally() for _ in subscribers]
    moments = sorted(
        (number * 100 * MS + delay_ns, place, number)
        for place, arrived in enumerate(subscribers)
        for number, delay_ns in arrived
    )
    for received_ns, place, number in moments:
        tallies[place].on_text(COMPOSER.compose(number, number * 100 * MS), received_ns)
    recorder.errors.update(f"gone after {len(arrived)}" for arrived in subscribers if not arrived)
    latency = recorder.latency(WINDOW)
    count = sum(map(len, subscribers))
    return Receipts(
        ledger=recorder.ledger(WINDOW, gaps_signalled=len(subscribers)),
        recount=recorder.recount(WINDOW),
        reconnects=reconnects(count) if subscribers else None,
        latency=latency,
        fan_outs=recorder.fan_outs(WINDOW),
        slots=recorder.slots(WINDOW),
        slip=latency,
        connect=None,
        loop_delay=latency,
        read_delay=latency,
        wire=Wire(window_ns=1_000, **dict.fromkeys(COUNTERS, count)),
        deliveries=recorder.deliveries_between(*WINDOW.cost_ns),
        slow_reader=slow_reader(count) if subscribers else None,
    )


@given(st.data(), st.lists(arrivals, min_size=1, max_size=8))
def test_the_merge_equals_one_process_for_any_split_of_the_subscribers_and_any_order(data, subscribers):
    owners = [data.draw(st.integers(0, 2)) for _ in subscribers]
    parts = [
        measured([one for one, owner in zip(subscribers, owners, strict=True) if owner == process])
        for process in range(3)
    ]
    ordered = data.draw(st.permutations(parts))
    whole, together = measured(subscribers), merged(ordered)
    assert msgspec.structs.replace(together, ledger=None) == msgspec.structs.replace(whole, ledger=None)
    assert together.ledger == whole.ledger
    assert series(together) == series(whole)
    count = len(subscribers)
    assert completion(together.fan_outs, count) == completion(whole.fan_outs, count)


@given(st.lists(arrivals, min_size=1, max_size=4))
def test_receipts_are_the_same_after_the_control_socket(subscribers):
    whole = measured(subscribers)
    assert msgspec.json.decode(msgspec.json.encode(whole), type=Receipts) == whole
    assert msgspec.convert(msgspec.json.decode(msgspec.json.encode(whole)), Receipts, str_keys=True) == whole


def test_completion_is_the_latency_of_the_last_receiver_of_a_message_that_reached_all():
    parts = [measured([[(1, 1 * MS), (2, 1 * MS)]]), measured([[(1, 4 * MS)]])]
    times = completion(merged(parts).fan_outs, 2)
    assert (times.count, times.max_ns) == (1, 4 * MS)


def test_where_every_subscriber_has_messages_of_its_own_nothing_completes():
    assert completion({}, 2) is None


def test_kernel_counters_that_one_process_lacks_are_none_for_all():
    one, other = measured([[(1, MS)]]), measured([[(1, MS)]])
    blind = msgspec.structs.replace(other, wire=msgspec.structs.replace(other.wire, received_bytes=None))
    assert merged([one, blind]).wire.received_bytes is None
    assert merged([one, blind]).wire.deliveries == 2
    assert merged([one, msgspec.structs.replace(other, wire=None)]).wire is None


def test_the_series_holds_every_delivery_of_the_window_once():
    slots = series(measured([[(number, 20 * MS) for number in range(MESSAGES)]]))
    assert sum(slots.delivered) == MESSAGES - 1
    assert set(slots.latency_max_ns) <= {20 * MS, None}


def test_an_outage_is_over_when_a_message_due_after_it_has_reached_all_subscribers():
    def fan_out(due_ms, reached_ms, receivers=2):
        return FanOut(intended_ns=due_ms * MS, last_received_ns=reached_ms * MS, receivers=receivers)

    late, too_few, whole = fan_out(90, 130), fan_out(100, 110, 1), fan_out(110, 150)
    assert recovered_ns({1: late, 2: too_few, 3: whole, 4: fan_out(120, 160)}, 2, 100 * MS) == 50 * MS
    assert recovered_ns({1: late, 2: too_few}, 2, 100 * MS) is None


def test_a_burst_is_over_when_its_last_message_has_reached_all_subscribers():
    """Bursts of two, due with their first message; one subscriber missed a part of the second, the third is cut off."""

    def arrived(number, last_ms, receivers=2):
        due = number // 2 * 200 * MS
        return FanOut(intended_ns=due, last_received_ns=due + last_ms * MS, receivers=receivers)

    fan_outs = {number: arrived(number, *times) for number, times in enumerate([(5,), (9,), (5,), (9, 1), (5,)])}
    times = burst_times(fan_outs, 2, 2)
    assert (times.count, times.min_ns, times.max_ns) == (1, 9 * MS, 9 * MS)
    assert burst_times({}, 2, 2) is None
