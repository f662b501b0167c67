"""The table of injections: its truth equals what a ledger counts, and nothing is random."""

import ast
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import messages
from bench.measure.recorder import Recorder, Window
from bench.messages import Composer
from servers import _injections, calibration
from servers._injections import DELAYS, FAULTS, FREEZE, INJECTIONS, MIXTURE, MS, Fault, named, sequence, truth

FIRST, LAST = 16, 174  # of a long calibration at 63 messages per second


def test_nothing_but_the_standard_library_is_imported():
    tree = ast.parse(Path(_injections.__file__).read_text(encoding="utf-8"))
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


def test_a_probe_has_no_number():
    assert _injections.PROBE_FROM == messages.PROBE_FROM
    assert sequence(Composer(1, 100).compose(messages.PROBE_FROM, 0)) is None


def test_an_unknown_injection_is_an_error_that_lists_the_injections():
    with pytest.raises(LookupError, match="delay 5 ms"):
        named("delay 6 ms")


def as_the_server_sends(injection, subscriber, last):
    """The numbers that one subscriber receives of messages 0 to `last` - 1, in order."""
    swapped = None
    for number in range(last):
        fault = injection.fault(subscriber, number)
        if fault is Fault.SWAPPED:
            swapped = number
            continue
        yield from [number] * {None: 1, Fault.LOST: 0, Fault.DOUBLED: 2}[fault]
        if swapped is not None:
            yield swapped
            swapped = None


@given(st.integers(1, 30), st.integers(0, 300), st.integers(1, 200))
@settings(deadline=None)
def test_the_counts_equal_those_of_the_ledger_for_any_window(subscribers, first, length):
    last = first + length
    composer = Composer(1, 60)
    recorder = Recorder(composer)
    for subscriber in range(subscribers):
        tally = recorder.tally()
        for number in as_the_server_sends(FAULTS, subscriber, last):
            tally.on_text(composer.compose(number, number * MS), number * MS + 1)
    ledger = recorder.ledger(Window(first, last, first * MS, last * MS), 0)
    expected = truth(FAULTS, subscribers, first, last, 63.0)
    assert (ledger.lost, ledger.duplicated, ledger.reordered) == (
        expected.lost,
        expected.duplicated,
        expected.reordered,
    )
    assert ledger.delivered == len(expected.extra_ns)


@pytest.mark.parametrize("measured", [(16, 79), (FIRST, LAST)], ids=["brief", "long"])
def test_all_three_kinds_of_faults_are_injected_in_every_calibration(measured):
    expected = truth(FAULTS, FAULTS.subscribers, *measured, FAULTS.rate_hz)
    assert min(expected.lost, expected.duplicated, expected.reordered) >= 5
    assert expected.share_below(1) > 0.99  # so this injection also measures the floor


def test_faults_are_far_apart():
    for subscriber in range(FAULTS.subscribers):
        faulty = [number for number in range(2000) if FAULTS.fault(subscriber, number)]
        assert all(later - earlier > 2 for earlier, later in pairwise(faulty))


@pytest.mark.parametrize("injection", DELAYS, ids=lambda injection: injection.name)
def test_a_delay_is_injected_in_every_delivery(injection):
    expected = truth(injection, 3, FIRST, LAST, injection.rate_hz)
    assert set(expected.extra_ns) == {injection.delay_ns}
    assert len(expected.extra_ns) == 3 * (LAST - FIRST)
    assert (expected.lost, expected.duplicated, expected.reordered) == (0, 0, 0)


def test_of_every_message_of_the_mixture_exactly_one_delivery_is_late():
    for number in range(200):
        late = [MIXTURE.total_delay_ns(subscriber, number) for subscriber in range(MIXTURE.subscribers)]
        assert sorted(late)[-2:] == [0, 200 * MS]


@pytest.mark.parametrize("messages_", [4, 10, 12, 40])
def test_the_99th_percentile_of_the_mixture_is_late_and_the_98th_is_not(messages_):
    expected = truth(MIXTURE, MIXTURE.subscribers, 1, 1 + messages_, MIXTURE.rate_hz)
    assert (expected.at(0.98), expected.at(0.99), expected.at(1.0)) == (0, 200 * MS, 200 * MS)


def test_a_late_delivery_arrives_before_the_next_message_is_due():
    assert MIXTURE.late_ns < 0.9e9 / MIXTURE.rate_hz


def test_a_freeze_delays_every_message_until_its_end():
    expected = truth(FREEZE, 1, FIRST, LAST, FREEZE.rate_hz)
    period_ns = 1e9 / FREEZE.rate_hz
    delays_ns = [extra for extra in expected.extra_ns if extra]
    assert delays_ns[::-1] == [500 * MS - round(place * period_ns) for place in range(32)]
    assert expected.at(0.5) == 0
    assert expected.at(1.0) == 500 * MS


def test_no_message_is_due_to_be_sent_while_another_arrives():
    """The server spins before it sends, and would read an arriving message late."""
    for injection in INJECTIONS.values():
        period_ns = 1e9 / injection.rate_hz
        for held_ns in {injection.delay_ns, injection.late_ns, injection.freeze_ns} - {0}:
            after_ns = held_ns % period_ns
            assert after_ns > calibration.SPIN_NS + MS or held_ns < calibration.SPIN_NS, injection.name
            assert period_ns - after_ns > MS, injection.name
