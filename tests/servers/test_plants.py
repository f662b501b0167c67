"""The table of plants: what it says is planted is what a ledger counts, and nothing of it depends on luck."""

import ast
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import messages
from bench.measure.recorder import Recorder, Window
from bench.messages import Composer
from servers import _plants, calibration
from servers._plants import DELAYS, FAULTS, FREEZE, MIXTURE, MS, PLANTS, Fault, named, sequence, truth

FIRST, LAST = 16, 174  # of a long calibration at 63 a second


def test_nothing_but_the_standard_library_is_imported():
    tree = ast.parse(Path(_plants.__file__).read_text(encoding="utf-8"))
    modules = [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    modules += [str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert modules
    assert {module.split(".")[0] for module in modules} <= sys.stdlib_module_names


@given(st.integers(0, messages.PROBE_FROM - 1), st.integers(0, 2**60), st.integers(48, 300))
def test_the_number_in_the_head_of_a_message_is_read(number, intended_ns, size):
    assert sequence(Composer(1, max(size, messages.SMALLEST_BYTES)).compose(number, intended_ns)) == number


@pytest.mark.parametrize(
    "text", [b"", b"hello", b'{"n": 1, "p": ""}', b'{"n":"12345","t":"0"}', b'{"n":"00000000x2","t":"1","p":""}']
)
def test_any_other_text_has_no_number(text):
    assert sequence(text) is None


def test_a_probe_has_none_either():
    assert _plants.PROBE_FROM == messages.PROBE_FROM
    assert sequence(Composer(1, 100).compose(messages.PROBE_FROM, 0)) is None


def test_an_unknown_plant_is_answered_with_those_there_are():
    with pytest.raises(LookupError, match="delay 5 ms"):
        named("delay 6 ms")


def as_the_server_sends(plant, subscriber, last):
    """The numbers one subscriber gets, of messages 0 to `last` - 1, in their order."""
    held = None
    for number in range(last):
        fault = plant.fault(subscriber, number)
        if fault is Fault.SWAPPED:
            held = number
            continue
        yield from [number] * {None: 1, Fault.LOST: 0, Fault.DOUBLED: 2}[fault]
        if held is not None:
            yield held
            held = None


@given(st.integers(1, 30), st.integers(0, 300), st.integers(1, 200))
def test_the_counts_are_those_of_the_ledger_wherever_the_window_begins_and_ends(subscribers, first, length):
    last = first + length
    composer = Composer(1, 60)
    recorder = Recorder(composer)
    for subscriber in range(subscribers):
        tally = recorder.tally()
        for number in as_the_server_sends(FAULTS, subscriber, last):
            tally.on_text(composer.compose(number, number * MS), number * MS + 1)
    ledger = recorder.ledger(Window(first, last, first * MS, last * MS), 0)
    planted = truth(FAULTS, subscribers, first, last, 63.0)
    assert (ledger.lost, ledger.duplicated, ledger.reordered) == (planted.lost, planted.duplicated, planted.reordered)
    assert ledger.delivered == len(planted.extra_ns)


@pytest.mark.parametrize("measured", [(16, 79), (FIRST, LAST)], ids=["brief", "long"])
def test_all_three_kinds_of_faults_are_planted_in_every_calibration(measured):
    planted = truth(FAULTS, FAULTS.subscribers, *measured, FAULTS.rate_hz)
    assert min(planted.lost, planted.duplicated, planted.reordered) >= 5
    assert planted.share_below(1) > 0.99  # so they are a floor, too


def test_no_fault_meets_another():
    for subscriber in range(FAULTS.subscribers):
        struck = [number for number in range(2000) if FAULTS.fault(subscriber, number)]
        assert all(later - earlier > 2 for earlier, later in pairwise(struck))


@pytest.mark.parametrize("plant", DELAYS, ids=lambda plant: plant.name)
def test_a_delay_is_planted_in_every_delivery(plant):
    planted = truth(plant, 3, FIRST, LAST, plant.rate_hz)
    assert set(planted.extra_ns) == {plant.delay_ns}
    assert len(planted.extra_ns) == 3 * (LAST - FIRST)
    assert (planted.lost, planted.duplicated, planted.reordered) == (0, 0, 0)


def test_of_every_message_of_the_mixture_exactly_one_delivery_is_late():
    for number in range(200):
        late = [MIXTURE.held_ns(subscriber, number) for subscriber in range(MIXTURE.subscribers)]
        assert sorted(late)[-2:] == [0, 200 * MS]


@pytest.mark.parametrize("messages_", [4, 10, 12, 40])
def test_the_99th_percentile_of_the_mixture_is_late_and_the_98th_is_not(messages_):
    planted = truth(MIXTURE, MIXTURE.subscribers, 1, 1 + messages_, MIXTURE.rate_hz)
    assert (planted.at(0.98), planted.at(0.99), planted.at(1.0)) == (0, 200 * MS, 200 * MS)


def test_a_late_delivery_has_come_before_the_next_message_is_due():
    assert MIXTURE.late_ns < 0.9e9 / MIXTURE.rate_hz


def test_a_freeze_holds_every_message_for_what_is_left_of_it_when_it_is_due():
    planted = truth(FREEZE, 1, FIRST, LAST, FREEZE.rate_hz)
    period_ns = 1e9 / FREEZE.rate_hz
    held = [extra for extra in planted.extra_ns if extra]
    assert held[::-1] == [500 * MS - round(place * period_ns) for place in range(32)]
    assert planted.at(0.5) == 0
    assert planted.at(1.0) == 500 * MS


def test_no_message_is_to_leave_while_another_arrives():
    """The server spins before a departure and would take in an arrival late."""
    for plant in PLANTS.values():
        period_ns = 1e9 / plant.rate_hz
        for held_ns in {plant.delay_ns, plant.late_ns, plant.freeze_ns} - {0}:
            after_ns = held_ns % period_ns
            assert after_ns > calibration.SPIN_NS + MS or held_ns < calibration.SPIN_NS, plant.name
            assert period_ns - after_ns > MS, plant.name
