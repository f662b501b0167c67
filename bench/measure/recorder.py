"""Counts every delivery: the ledger (lost, duplicated, reordered, corrupted) and the receipts behind every latency.

The hot path is `Tally.on_text`: one dictionary look-up parses the text, checks it byte by byte and finds its message;
then follow a comparison and an append. Everything else is computed after the measured part with numpy.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass

import numpy as np

from bench.analysis.numbers.distributions import fold
from bench.analysis.trials.recount import Arrivals, recount
from bench.measure.receipts import SERIES_INTERVAL_NS
from bench.measure.received import FanOut
from bench.messages import ONE_SENDER, PROBE_FROM, SENDER_STRIDE, Composer
from bench.results import Distribution, Ledger, Recount

_CACHED_TEXTS = 65_536  # more than can be on their way to subscribers at the same time


class Message:
    """One message: its number, its due time, and the moment of the first delivery at each subscriber."""

    __slots__ = ("intended_ns", "received_ns", "sequence")

    def __init__(self, sequence: int, intended_ns: int) -> None:
        self.sequence = sequence
        self.intended_ns = intended_ns
        self.received_ns = array("q")


@dataclass(slots=True)
class ResumePoint:
    """Where a subscriber resumed its stream, after an absence or a gap.

    arrivals: the number of messages that had arrived before. expected: the next message in order at that moment.
    signalled: whether the server then reported a gap.
    """

    arrivals: int
    expected: int
    signalled: bool = False


class Tally:
    """The ledger of one subscriber. `expected` is the next sequence number in order.

    arrivals: every sequence number in the order of arrival, repeats included, for the recount. missing: numbers that
    were skipped and have not arrived. skips: for each skip, the number that was expected and the number that arrived.
    """

    __slots__ = (
        "_recorder", "arrivals", "duplicated", "expected", "last_probe", "missing", "probes", "reordered",
        "resume_points", "skips",
    )  # fmt: skip

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self.arrivals = array("q")
        self.expected = 0
        self.missing: set[int] = set()
        self.resume_points: list[ResumePoint] = []
        self.skips: dict[int, int] = {}
        self.duplicated: list[int] = []
        self.reordered: list[int] = []
        self.probes = 0
        self.last_probe = 0

    def on_text(self, text: bytes, received_ns: int) -> None:
        """Record one delivery."""
        recorder = self._recorder
        message = recorder.by_text.get(text)
        if message is None:
            message = recorder.parse(text)
            if message is None:
                return
        sequence = message.sequence
        self.arrivals.append(sequence)
        if sequence == self.expected:
            self.expected = sequence + 1
        elif not self._out_of_order(sequence):
            return
        message.received_ns.append(received_ns)

    def reconnected(self) -> ResumePoint:
        """Record that the subscriber is connected again."""
        self.resume_points.append(ResumePoint(len(self.arrivals), self.expected))
        return self.resume_points[-1]

    def signalled(self, first: int, last: int) -> int:
        """How many messages of `first` <= n < `last` were lost in a reported gap: between a resume point
        and the next message in order."""
        ranges = [
            range(max(first, start), min(last, self.skips.get(start, max(last, self.expected))))
            for start in dict.fromkeys(point.expected for point in self.resume_points if point.signalled)
            if start in self.skips or start >= self.expected
        ]
        return sum(n in self.missing or n >= self.expected for numbers in ranges for n in numbers)

    def _out_of_order(self, sequence: int) -> bool:
        """Record a sequence number that is not the next one. Returns whether it is a first delivery of a message."""
        if sequence >= PROBE_FROM:
            self.probes += 1
            self.last_probe = max(self.last_probe, sequence)
            if self.probes == 1:
                self._recorder.probed += 1
            return False
        if sequence > self.expected:
            self.missing.update(range(self.expected, sequence))
            self.skips[self.expected] = sequence
            self.expected = sequence + 1
            return True
        if sequence in self.missing:
            self.missing.remove(sequence)
            self.reordered.append(sequence)
            return True
        self.duplicated.append(sequence)
        return False


@dataclass(frozen=True, slots=True)
class Window:
    """The measured part: messages `first` <= n < `last` per topic, due from `start_ns` until `end_ns`."""

    first: int
    last: int
    start_ns: int
    end_ns: int

    @property
    def cost_ns(self) -> tuple[int, int]:
        """The start and end of the window over which costs are measured: as long as the measured part, but half a
        publish interval earlier, so that no counter is read at the moment at which a message is due."""
        half = (self.end_ns - self.start_ns) // (2 * max(1, self.last - self.first))
        return self.start_ns - half, self.end_ns - half


class RoomTally(Tally):
    """The ledger of one subscriber of a topic with several senders: one `Tally` for each sender.

    A message of any other sender is an error. Probes are counted here.
    """

    __slots__ = ("streams",)

    def __init__(self, recorder: Recorder, senders: range) -> None:
        super().__init__(recorder)
        self.streams = {sender: Tally(recorder) for sender in senders}

    def on_text(self, text: bytes, received_ns: int) -> None:
        """Record one delivery."""
        recorder = self._recorder
        message = recorder.by_text.get(text) or recorder.parse(text)
        if message is None:
            return
        if message.sequence >= PROBE_FROM:
            self._out_of_order(message.sequence)
            return
        sender, place = divmod(message.sequence, SENDER_STRIDE)
        stream = self.streams.get(sender)
        if stream is None:
            recorder.on_error("a message of another room")
            return
        stream.arrivals.append(place)
        if place == stream.expected:
            stream.expected = place + 1
        elif not stream._out_of_order(place):
            return
        message.received_ns.append(received_ns)


class Recorder:
    """All receipts of one Locust process.

    by_text: the messages that may still arrive, by their text. probed: the number of subscribers that have received a
    probe. streams: the tallies of all subscribers, one per sender.
    """

    def __init__(self, composer: Composer) -> None:
        self.by_text: dict[bytes, Message] = {}
        self.messages: list[Message] = []
        self.tallies: list[Tally] = []
        self.streams: list[Tally] = []
        self.errors: Counter[str] = Counter()
        self.probed = 0
        self.corrupted = 0
        self._composer = composer

    def tally(self, senders: range = ONE_SENDER) -> Tally:
        """The ledger of one more subscriber, which receives the messages of these senders."""
        tally = Tally(self) if senders is ONE_SENDER else RoomTally(self, senders)
        self.tallies.append(tally)
        self.streams += tally.streams.values() if isinstance(tally, RoomTally) else [tally]
        return tally

    def parse(self, text: bytes) -> Message | None:
        """The message of a text that arrives for the first time. None if it was altered, which counts as corrupted."""
        parsed = self._composer.read(text)
        if parsed is None:
            self.corrupted += 1
            return None
        if len(self.by_text) >= _CACHED_TEXTS:
            del self.by_text[next(iter(self.by_text))]
        message = self.by_text[bytes(text)] = Message(*parsed)
        self.messages.append(message)
        return message

    def on_error(self, description: str) -> None:
        """Count an error."""
        self.errors[description] += 1

    def probed_up_to(self, sequence: int) -> bool:
        """Whether every subscriber has received a probe of this number or a later one."""
        return all(tally.last_probe >= sequence for tally in self.tallies)

    def complete(self, last: int) -> bool:
        """Whether every subscriber has received or passed message `last` - 1, and none is missing."""
        return all(stream.expected >= last and not stream.missing for stream in self.streams)

    def passed(self, last: int) -> bool:
        """Whether every subscriber has received or passed message `last` - 1. What is missing will not arrive."""
        return all(stream.expected >= last for stream in self.streams)

    def ledger(self, window: Window, gaps_signalled: int) -> Ledger:
        """Every subscriber x message of the window, and the errors of the whole trial."""
        lost = signalled = duplicated = reordered = 0
        for stream in self.streams:
            lost += sum(1 for n in stream.missing if window.first <= n < window.last)
            lost += max(0, window.last - max(stream.expected, window.first))
            signalled += stream.signalled(window.first, window.last) if stream.resume_points else 0
            duplicated += sum(1 for n in stream.duplicated if n >= window.first)
            reordered += sum(1 for n in stream.reordered if n >= window.first)
        expected = (window.last - window.first) * len(self.streams)
        return Ledger(
            expected=expected,
            delivered=expected - lost,
            lost=lost,
            signalled=signalled,
            duplicated=duplicated,
            reordered=reordered,
            corrupted=self.corrupted,
            gaps_signalled=gaps_signalled,
            errors=dict(self.errors),
        )

    def recount(self, window: Window) -> Recount:
        """The same counts from the raw arrivals."""
        streams = (
            Arrivals(stream.arrivals, [point.arrivals for point in stream.resume_points if point.signalled])
            for stream in self.streams
        )
        return recount(streams, window.first, window.last)

    def receipts(self) -> tuple[np.ndarray, np.ndarray]:
        """(intended, received) in ns of every first delivery so far, message by message."""
        counts = [len(message.received_ns) for message in self.messages]
        intended = np.array([message.intended_ns for message in self.messages], dtype=np.int64)
        received = [np.frombuffer(message.received_ns, dtype=np.int64) for message in self.messages]
        return np.repeat(intended, counts), np.concatenate([*received, np.zeros(0, dtype=np.int64)])

    def latency(self, window: Window) -> Distribution:
        """Receive time - intended publish time of every first delivery that was due within the window."""
        intended, received = self.receipts()
        within = (intended >= window.start_ns) & (intended < window.end_ns)
        return fold(received[within] - intended[within])

    def fan_outs(self, window: Window) -> dict[int, FanOut]:
        """Every message of the window that arrived, by its number."""
        several_senders = len(self.streams) > len(self.tallies)
        return {
            message.sequence: FanOut(
                intended_ns=message.intended_ns,
                last_received_ns=max(message.received_ns),
                receivers=len(message.received_ns),
            )
            for message in self.messages
            if window.first <= (message.sequence % SENDER_STRIDE if several_senders else message.sequence) < window.last
            and message.received_ns
        }

    def deliveries_between(self, start_ns: int, end_ns: int) -> int:
        """How many first deliveries of any part arrived in [start_ns, end_ns)."""
        _, received = self.receipts()
        return int(((received >= start_ns) & (received < end_ns)).sum())

    def slots(self, window: Window) -> list[Distribution]:
        """Latencies per quarter second of receive time, over the window, whenever the messages were due."""
        intended, received = self.receipts()
        count = max(1, -(-(window.end_ns - window.start_ns) // SERIES_INTERVAL_NS))
        slot = (received - window.start_ns) // SERIES_INTERVAL_NS
        return [fold((received - intended)[slot == index]) for index in range(count)]
