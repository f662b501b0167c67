"""The slow reader: its speeds, its losses, and whether they were signalled."""

import gevent
import pytest

from bench import scenarios
from bench.clients import ConnectError
from bench.execution.instruments import with_memory
from bench.load.slow_reading import SlowReading
from bench.measure.recorder import Recorder, Window
from bench.messages import Composer

COMPOSER = Composer(1, 80)
SECOND = 1_000_000_000
WINDOW = Window(0, 10, 0, 10 * SECOND)
FOREVER = Window(0, 10, 0, 1 << 62)
SPEEDS = {"slow_after_s": 1.0, "trickle_s": 2.0, "stop_s": 4.0}


class Subscriber:
    """A subscriber that receives what the test hands it."""

    def __init__(self, on_text=None, on_error=None, after=None, refused=False):
        self.on_text, self.on_error, self.after, self.refused = on_text, on_error, after, refused
        self.gaps, self.cursor = 0, "e:3"

    def open(self):
        if self.refused:
            raise ConnectError("connect: connection refused")

    def receive(self, *numbers, gap=False):
        self.gaps += gap
        for number in numbers:
            self.on_text(COMPOSER.compose(number, number), 0)


class Stage:
    """A session, its reactor, the user that is counted apart and its reactor, all in one: it keeps its calls."""

    def __init__(self, refusals=0, **parameters):
        self.reactor = self.user = self
        self.scenario = scenarios.load("slow_reader")
        self.parameters = self.scenario.settled("standard", SPEEDS | parameters)
        self.recorder = Recorder(COMPOSER)
        self.tally = self.recorder.tally()
        self.subscriber = Subscriber()
        self.opened, self.speeds, self.seed, self.number = [], [], 1, 10
        self._refusals = refusals

    def call_at(self, moment_ns, callback):
        self._now_ns = moment_ns
        callback()

    def read_at(self, bytes_per_s):
        self.speeds.append((self._now_ns // SECOND, bytes_per_s))

    def subscription(self, _user, on_text, on_error, after):
        self.opened.append(Subscriber(on_text, on_error, after, refused=len(self.opened) < self._refusals))
        return self.opened[-1]


def reading(stage, window=FOREVER):
    begun = SlowReading(stage, stage, window)
    begun.begin()
    return begun


def counts(begun, *names):
    settled = begun.settle()
    return tuple(getattr(settled, name) for name in names)


def test_it_trickles_stops_and_reads_at_full_speed():
    stage = Stage()
    reading(stage, WINDOW)
    assert stage.speeds == [(1, 1_000), (3, 0), (7, None)]


def test_it_reads_at_full_speed_at_the_end_of_the_measured_part_whatever_was_planned():
    stage = Stage(stop_s=600.0, measure_s=700.0)
    reading(stage, WINDOW)
    assert stage.speeds[-1] == (10, None)


def test_no_subscriber_reads_slowly_in_the_point_without_a_slow_reader():
    stage = Stage(slow="none")
    begun = reading(stage, WINDOW)
    assert stage.speeds == []
    stage.subscriber.receive(*range(10))
    assert counts(begun, "messages", "lost", "closed_by_server") == (10, 0, 0)


def test_a_loss_within_a_stream_is_signalled_if_its_gap_arrives_before_the_next_text():
    stage = Stage()
    begun = reading(stage)
    stage.subscriber.receive(0, 1)
    stage.subscriber.gaps += 1
    stage.subscriber.receive(2, 5, 6)  # read at once with the gap that stands before 5
    stage.subscriber.receive(9)
    assert counts(begun, "messages", "lost", "signalled") == (6, 4, 2)


def test_a_gap_excuses_what_is_missing_before_the_next_text_and_no_later_loss():
    stage = Stage()
    begun = reading(stage)
    stage.subscriber.receive(0, 3, gap=True)
    stage.subscriber.receive(4, 6, gap=False)
    stage.subscriber.receive(7, 8, 9)
    assert counts(begun, "lost", "signalled") == (3, 2)


def test_a_gap_after_which_nothing_came_covers_the_rest():
    stage = Stage()
    begun = reading(stage)
    stage.subscriber.receive(0, 1)
    stage.subscriber.gaps += 1
    assert not begun.is_over()
    assert counts(begun, "lost", "signalled") == (8, 8)


def test_a_slow_reader_that_is_closed_resumes_from_its_cursor_and_its_gap_is_signalled():
    stage = Stage(refusals=1)
    begun = reading(stage)
    stage.subscriber.receive(0, 1, 2)
    stage.subscriber.on_error("closed by the server")
    while len(stage.opened) < 2:
        gevent.sleep(0.01)
    assert [one.after for one in stage.opened] == ["e:3", "e:3"]
    stage.subscriber.receive(5, 6, 7, 8, 9, gap=True)
    assert begun.is_over()
    assert counts(begun, "messages", "lost", "signalled", "closed_by_server", "corrupted") == (8, 2, 2, 1, 0)


def test_a_slow_reader_that_is_closed_after_the_measured_part_stays_disconnected():
    stage = Stage()
    begun = reading(stage, WINDOW)  # it lies in the past
    stage.subscriber.on_error("connection reset by peer")
    gevent.sleep(0.01)
    assert stage.opened == []
    assert begun.is_over()
    assert counts(begun, "closed_by_server", "lost") == (1, 10)


@pytest.mark.parametrize(
    ("reason", "closed", "corrupted"),
    [
        ("protocol error: bad chunk size", 0, 1),
        ("protocol error: poll answered with status 400", 1, 0),
        ("closed by the server (1011)", 1, 0),
    ],
)
def test_a_stream_that_breaks_the_protocol_is_corrupted_and_a_refusal_is_not(reason, closed, corrupted):
    stage = Stage()
    begun = reading(stage, WINDOW)
    stage.subscriber.on_error(reason)
    assert counts(begun, "closed_by_server", "corrupted") == (closed, corrupted)


def test_an_altered_text_is_corrupted():
    stage = Stage()
    begun = reading(stage)
    stage.subscriber.on_text(COMPOSER.compose(0, 0)[:-3] + b'!"}', 0)
    assert counts(begun, "corrupted", "messages") == (1, 0)


def test_memory_is_that_before_it_was_slow_and_the_peak_since():
    settled = reading(Stage()).settle()
    early = with_memory(settled, [(0, 50), (1, 60), (2, 55), (3, 90), (4, 70)], 2)
    assert (early.memory_before_bytes, early.memory_peak_bytes) == (55, 90)
    late = with_memory(settled, [(0, 50), (1, 60)], 9)
    assert (late.memory_before_bytes, late.memory_peak_bytes) == (60, 60)
