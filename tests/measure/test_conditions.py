"""What the cores do, read from texts of the kernel: current ones, those of older kernels, and malformed ones."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.measure import conditions
from bench.measure.conditions import Counters, Span, Ticks, between, summed
from bench.measure.machine import Cores, divide_cores, pin

STAT = """\
cpu  8 0 8 800 8 0 8 8 0 0
cpu0 100 1 20 5000 30 4 5 6 0 0
cpu1 200 2 40 6000 60 8 9 12 0 0
intr 8867487 0 0 9
ctxt 18896879
"""
CPUINFO = """\
processor\t: 0
model name\t: Example CPU
cpu MHz\t\t: 2596.140

processor\t: 1
model name\t: Example CPU
cpu MHz\t\t: 800.000
"""
TICK_NS = 10_000_000


def counters(at_ns=0, unused_ns=0, steal_ns=0, cores=2):
    return Counters(at_ns, cores, at_ns * cores, unused_ns, steal_ns)


def test_a_core_is_unused_when_idle_waiting_for_a_disk_or_serving_interrupts():
    assert conditions.parse_stat(STAT) == {
        0: Ticks(100 + 1 + 20 + 5000 + 30 + 4 + 5 + 6, 5000 + 30 + 4 + 5, 6),
        1: Ticks(200 + 2 + 40 + 6000 + 60 + 8 + 9 + 12, 6000 + 60 + 8 + 9, 12),
    }


def test_an_old_kernel_without_a_steal_column_gives_no_steal():
    ticks = conditions.parse_stat("cpu0 100 1 20 5000 30\n")
    assert ticks == {0: Ticks(5151, 5030, None)}
    assert summed(ticks, [0], 7, TICK_NS) == Counters(7, 1, 5151 * TICK_NS, 5030 * TICK_NS, None)


@pytest.mark.parametrize(
    "line",
    ["cpu0", "cpu0 1 2 3", "cpu0 1 2 x 4 5", "cpux 1 2 3 4 5", "cpu0 1 2 3 4 -5", " cpu0 1 2 3 4 5", "cpu 1 2 3 4 5"],
)
def test_a_malformed_line_is_no_core(line):
    assert conditions.parse_stat(f"{line}\ncpu1 1 2 3 4 5 6 7 8\n") == {1: Ticks(36, 4 + 5 + 6 + 7, 8)}


def test_only_the_cores_of_the_trial_are_counted():
    ticks = conditions.parse_stat(STAT)
    assert summed(ticks, [1], 0, TICK_NS).steal_ns == 12 * TICK_NS
    assert summed(ticks, [0, 1], 0, TICK_NS).steal_ns == 18 * TICK_NS


@pytest.mark.parametrize("cores", [[], [2], [0, 2]])
def test_nothing_is_visible_unless_every_core_is(cores):
    assert summed(conditions.parse_stat(STAT), cores, 0, TICK_NS) == Counters(0, len(cores), None, None, None)


def test_busy_time_is_the_window_less_unused_and_stolen_time():
    earlier, later = counters(0, 50, 5), counters(1_000, 50 + 1_500, 5 + 100)
    assert between(earlier, later) == Span(1_000, 2 * 1_000 - 1_500 - 100, 100)


def test_a_surplus_tick_makes_no_value_negative():
    assert between(counters(0, 0), counters(1_000, 2_100)).busy_ns == 0
    assert between(counters(0, 100), counters(1_000, 90)).busy_ns == 2_000
    assert between(counters(0, steal_ns=20), counters(1_000, steal_ns=10)).steal_ns == 0


def test_a_span_from_invisible_counters_is_invisible():
    invisible = Counters(0, 2, None, None, None)
    assert between(invisible, counters(1_000)) == Span(1_000, None, None)


@pytest.mark.parametrize("text", ["cpu0 0 0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0 0 0\n", STAT])
def test_counters_that_stand_still_are_invisible(text):
    """A sandbox may show zeros for /proc/stat, or one text for ever: neither says that the cores were busy."""
    first, last = (summed(conditions.parse_stat(text), [0, 1], at_ns, TICK_NS) for at_ns in (0, 3_000_000_000))
    assert between(first, last) == Span(3_000_000_000, None, None)


def test_the_clock_of_every_processor_is_read():
    assert conditions.parse_cpuinfo(CPUINFO) == {0: 2_596_140_000, 1: 800_000_000}
    assert conditions.parse_cpuinfo("processor\t: 0\nBogoMIPS\t: 50.00\n") == {}
    assert conditions.parse_khz("2600000\n") == 2_600_000_000


@pytest.mark.parametrize("text", ["", "<unknown>", "-1", "1e6", "\u0663", "9" * 5_000])
def test_a_malformed_clock_is_none(text):
    assert conditions.parse_khz(text) is None
    assert conditions.parse_cpuinfo(f"processor\t: 0\ncpu MHz\t\t: {text}\n") == {}


lines = st.lists(
    st.text(max_size=40) | st.from_regex(r"cpu[0-9]* [0-9 .x-]*") | st.from_regex(r"(processor|cpu MHz)\t: .*")
).map("\n".join)


@given(lines)
def test_any_text_can_be_parsed(text):
    for core, ticks in conditions.parse_stat(text).items():
        assert core >= 0
        assert ticks.unused >= 0
    assert all(clock >= 0 for clock in conditions.parse_cpuinfo(text).values())
    assert conditions.parse_khz(text) is None or conditions.parse_khz(text) >= 0


def test_where_nothing_is_visible_the_pre_check_takes_no_time_and_has_no_values(monkeypatch):
    monkeypatch.setattr(conditions, "LINUX", False)
    monkeypatch.setattr(conditions, "PRE_CHECK_NS", 3_600_000_000_000)
    machine = conditions.pre_check(())
    window = conditions.CoreWindow(())
    window.end()
    machine = conditions.with_measured_part(machine, window)
    assert (machine.cores, machine.before_busy_ns, machine.busy_ns, machine.steal_ns) == ([], None, None, None)
    assert (machine.frequencies_before_hz, machine.frequencies_after_hz) == (None, None)


@pytest.mark.skipif(not conditions.LINUX, reason="reads /proc")
def test_work_on_the_cores_is_measured_whatever_process_does_it():
    cores = divide_cores().all
    window = conditions.CoreWindow(cores)
    began = time.process_time_ns()
    while time.process_time_ns() - began < 300_000_000:
        pass
    window.end()
    whole, first = window.span.all, window.span.first
    if whole.busy_ns is None:
        pytest.skip("this system does not show its cores")
    assert whole.busy_ns > 200_000_000
    assert whole.window_ns == first.window_ns >= 300_000_000
    assert first.busy_ns <= whole.busy_ns + 20_000_000 * len(cores)
    assert whole.busy_ns <= whole.window_ns * len(cores)


@pytest.mark.skipif(not conditions.LINUX, reason="reads /proc")
def test_work_on_the_servers_core_is_known_apart_from_that_on_the_others():
    cores = divide_cores().all
    if len(cores) < 2:
        pytest.skip("this machine has one core")
    pin(0, cores[:1])
    window = conditions.CoreWindow(cores)
    began = time.process_time_ns()
    while time.process_time_ns() - began < 300_000_000:
        pass
    window.end()
    if window.span.first.busy_ns is None:
        pytest.skip("this system does not show its cores")
    assert window.span.first.busy_ns > 200_000_000
    machine = conditions.with_measured_part(conditions.pre_check(cores), window)
    assert machine.first_busy_ns == window.span.first.busy_ns
    assert machine.first_before_busy_ns is not None


def test_the_cores_of_a_trial_are_those_of_both_sides_with_the_servers_first():
    assert Cores((3,), (0, 1)).all == (3, 0, 1)
    assert Cores((), ()).all == Cores((), ()).all
