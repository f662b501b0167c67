"""What the calibration server plants, and what must therefore be read back: one table for both.

A *plant* is a known fault. The server applies it to the texts of the bench by their sequence number; the analysis asks
here for the truth. Nothing is drawn by lot: what happens to a delivery follows from its subscriber (numbered from 0 in
the order of arrival at the server) and its sequence number, so every count is exact and every trial the same.

Delays count from the arrival of a message at the server. A plant says at which rate it must be driven for its truth to
hold, so that no message is due to leave while another arrives (at 63 Hz the freeze and every delay above a millisecond
end with 4 ms and more to the arrivals on either side), and a late one has left before the next is due.

Only the standard library is imported: the server and the pure half of the bench both depend on this.
"""

from __future__ import annotations

import bisect
import enum
import math
from dataclasses import dataclass

MS = 1_000_000
PROBE_FROM = 9_000_000_000  # as in the bench's messages: from here on they open the barrier and are not measured

LATE_ONE_IN = 97
FAULTS_ONE_IN = 211


class Fault(enum.Enum):
    """What goes wrong with one delivery."""

    LOST = "lost"
    DOUBLED = "doubled"  # sent twice in a row
    SWAPPED = "swapped"  # held back until the next message of the subscriber has been sent


_FAULTS = {31: Fault.LOST, 101: Fault.DOUBLED, 171: Fault.SWAPPED}  # far apart: no fault meets another


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """One known fault, and how it is to be driven.

    delay_ns: how long every delivery is held.
    late_ns, late_one_in: how much longer one delivery in so many is held.
    freeze_from, freeze_ns: from the arrival of this message on nothing leaves for so long; then all that piled up does.
    faults: deliveries are lost, doubled and swapped, each one in FAULTS_ONE_IN.
    burn_share: after every message the server spends so much of the CPU it has spent since the last one once more.
    """

    name: str
    delay_ns: int = 0
    late_ns: int = 0
    late_one_in: int = LATE_ONE_IN
    freeze_from: int | None = None
    freeze_ns: int = 0
    faults: bool = False
    burn_share: float = 0.0
    subscribers: int = 20
    rate_hz: float = 63.0

    def fault(self, subscriber: int, sequence: int) -> Fault | None:
        """What goes wrong with this delivery, if anything."""
        return _FAULTS.get((sequence + 37 * subscriber) % FAULTS_ONE_IN) if self.faults else None

    def held_ns(self, subscriber: int, sequence: int) -> int:
        """How long this delivery is held by its delay; a freeze, which holds all alike, is beside that."""
        late = self.late_ns and (sequence + 29 * subscriber) % self.late_one_in == 0
        return self.delay_ns + (self.late_ns if late else 0)


def _delay(milliseconds: int) -> Plant:
    return Plant(name=f"delay {milliseconds} ms", delay_ns=milliseconds * MS)


MIXTURE = Plant(name="mixture", late_ns=200 * MS, subscribers=LATE_ONE_IN, rate_hz=4.0)
"""Of each message exactly one delivery is late; at four a second it has come before the next message leaves."""

FREEZE = Plant(name="freeze", freeze_from=64, freeze_ns=500 * MS)
FAULTS = Plant(name="faults", faults=True)
DELAYS = tuple(_delay(milliseconds) for milliseconds in (0, 1, 5, 20, 100))

PLANTS = {plant.name: plant for plant in (*DELAYS, MIXTURE, FREEZE, FAULTS)}
"""What calibration reads back."""

LATE_FIFTH = Plant(name="10 ms late, one in 5", late_ns=10 * MS, late_one_in=5, subscribers=100, rate_hz=20.0)
BUSIER = Plant(name="20 % more CPU", burn_share=0.2, subscribers=100, rate_hz=20.0)
DIFFERENCES = {plant.name: plant for plant in (LATE_FIFTH, BUSIER)}
"""What a comparison must find, at the conditions of an ordinary broadcast."""


def named(name: str) -> Plant:
    """The plant called `name`. Raises LookupError with the names there are."""
    known = PLANTS | DIFFERENCES
    if name not in known:
        raise LookupError(f"no plant {name!r}; there are: {', '.join(known)}")
    return known[name]


def sequence(text: bytes) -> int | None:
    """The sequence number in the fixed head of a bench message; None for any other text, and for a probe."""
    digits = text[6:16]
    if text[:6] != b'{"n":"' or text[16:19] != b'","' or not digits.isdigit():
        return None
    number = int(digits)
    return number if number < PROBE_FROM else None


@dataclass(frozen=True, slots=True)
class Truth:
    """What a trial must read back: the planted part of every latency, ascending, and the ledger's exact counts."""

    extra_ns: tuple[int, ...]
    lost: int
    duplicated: int
    reordered: int

    def share_below(self, extra_ns: int) -> float:
        """The share of deliveries with less planted than that."""
        return bisect.bisect_left(self.extra_ns, extra_ns) / len(self.extra_ns)

    def at(self, q: float) -> int:
        """The smallest planted latency that at least the share `q` of the deliveries does not exceed."""
        place = math.ceil(q * len(self.extra_ns) * (1 - 1e-12))
        return self.extra_ns[min(max(place, 1), len(self.extra_ns)) - 1]


def truth(plant: Plant, subscribers: int, first: int, last: int, rate_hz: float) -> Truth:
    """The truth of a trial whose measured part is the messages `first` <= n < `last`, the last to be published.

    As the ledger counts: a swap is one message reordered, the one that was held back, if that is of the measured part.
    The last message of all has no next one to be swapped with, so it is held for ever: lost.
    """
    extra: list[int] = []
    counts = dict.fromkeys(Fault, 0)
    for subscriber in range(subscribers):
        for number in range(first, last):
            fault = plant.fault(subscriber, number)
            if fault is Fault.SWAPPED and number == last - 1:
                fault = Fault.LOST
            if fault is not None:
                counts[fault] += 1
            if fault is not Fault.LOST:
                extra.append(_extra_ns(plant, subscriber, number, rate_hz, swapped=fault is Fault.SWAPPED))
    return Truth(tuple(sorted(extra)), counts[Fault.LOST], counts[Fault.DOUBLED], counts[Fault.SWAPPED])


def _extra_ns(plant: Plant, subscriber: int, number: int, rate_hz: float, swapped: bool) -> int:
    """The planted part of one latency, by an open loop: a freeze holds a message for what is left of it when due."""
    period_ns = 1e9 / rate_hz
    held = plant.held_ns(subscriber, number + swapped) + round(period_ns * swapped)
    if plant.freeze_from is None or number < plant.freeze_from:
        return held
    return max(held, plant.freeze_ns - round((number - plant.freeze_from) * period_ns))
