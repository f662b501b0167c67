"""What the calibration server injects, and what a measurement must therefore read back: one table for both.

An *injection* is a known fault. The server applies it to the messages of the bench by their sequence number, and the
analysis compares its readings with the truth computed here. Nothing is random: what happens to a delivery depends on
its subscriber (numbered from 0 in the order of arrival at the server) and its sequence number. So every count is exact,
and every trial is the same.

Delays count from the arrival of a message at the server. An injection has a rate at which its truth holds: no message
is due to be sent while another arrives (at 63 Hz the freeze and every delay above a millisecond end at least 4 ms
before and after an arrival), and a late message is sent before the next is due.

Only the standard library is imported, because the server and the pure rooms of the bench both import this module.
"""

from __future__ import annotations

import bisect
import enum
import functools
import math
from dataclasses import dataclass

MS = 1_000_000
PROBE_FROM = 9_000_000_000  # as in the bench's messages: from this number on they are probes and not measured

LATE_ONE_IN = 97
FAULTS_ONE_IN = 211


class Fault(enum.Enum):
    """What goes wrong with one delivery."""

    LOST = "lost"
    DOUBLED = "doubled"  # sent twice in a row
    SWAPPED = "swapped"  # sent after the next message of the subscriber


_FAULTS = {31: Fault.LOST, 101: Fault.DOUBLED, 171: Fault.SWAPPED}  # far apart: no two faults affect the same message


@dataclass(frozen=True, slots=True, kw_only=True)
class Injection:
    """One known fault, and the conditions under which it is measured.

    delay_ns: how long every delivery is delayed.
    late_ns, late_one_in: how much longer one delivery of `late_one_in` is delayed.
    freeze_from, freeze_ns: from the arrival of message `freeze_from` on nothing is sent for `freeze_ns`; then
    everything that waited is.
    faults: deliveries are lost, doubled and swapped, each kind one in FAULTS_ONE_IN.
    burn_share: after every message the server burns this share of the CPU time that it has spent since the last one.
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
        """The fault of this delivery, or None."""
        return _FAULTS.get((sequence + 37 * subscriber) % FAULTS_ONE_IN) if self.faults else None

    def total_delay_ns(self, subscriber: int, sequence: int) -> int:
        """How long this delivery is delayed, without the freeze, which delays all deliveries."""
        late = self.late_ns and (sequence + 29 * subscriber) % self.late_one_in == 0
        return self.delay_ns + (self.late_ns if late else 0)


def _delay(milliseconds: int) -> Injection:
    return Injection(name=f"delay {milliseconds} ms", delay_ns=milliseconds * MS)


# exactly one delivery of each message is late; at four messages per second it arrives before the next message is sent
MIXTURE = Injection(name="mixture", late_ns=200 * MS, subscribers=LATE_ONE_IN, rate_hz=4.0)
FREEZE = Injection(name="freeze", freeze_from=64, freeze_ns=500 * MS)
FAULTS = Injection(name="faults", faults=True)
DELAYS = tuple(_delay(milliseconds) for milliseconds in (0, 1, 5, 20, 100))

# what a calibration reads back
INJECTIONS = {injection.name: injection for injection in (*DELAYS, MIXTURE, FREEZE, FAULTS)}

LATE_FIFTH = Injection(name="10 ms late, one in 5", late_ns=10 * MS, late_one_in=5, subscribers=100, rate_hz=20.0)
BUSIER = Injection(name="20 % more CPU", burn_share=0.2, subscribers=100, rate_hz=20.0)
# what a comparison must show, under the conditions of an ordinary broadcast
DIFFERENCES = {injection.name: injection for injection in (LATE_FIFTH, BUSIER)}


def named(name: str) -> Injection:
    """The injection called `name`. Raises LookupError that lists the names."""
    injections = INJECTIONS | DIFFERENCES
    if name not in injections:
        raise LookupError(f"no injection {name!r}; there are: {', '.join(injections)}")
    return injections[name]


def sequence(text: bytes) -> int | None:
    """The sequence number in the fixed head of a bench message; None for any other text, and for a probe."""
    digits = text[6:16]
    if text[:6] != b'{"n":"' or text[16:19] != b'","' or not digits.isdigit():
        return None
    number = int(digits)
    return number if number < PROBE_FROM else None


@dataclass(frozen=True, slots=True)
class Truth:
    """What a trial must read back: the injected part of every latency, ascending, and the exact ledger counts."""

    extra_ns: tuple[int, ...]
    lost: int
    duplicated: int
    reordered: int

    def share_below(self, extra_ns: int) -> float:
        """The share of deliveries with a smaller injected latency."""
        return bisect.bisect_left(self.extra_ns, extra_ns) / len(self.extra_ns)

    def at(self, q: float) -> int:
        """The smallest injected latency that at least the share `q` of the deliveries does not exceed."""
        place = math.ceil(q * len(self.extra_ns) * (1 - 1e-12))
        return self.extra_ns[min(max(place, 1), len(self.extra_ns)) - 1]


@functools.lru_cache(maxsize=256)
def truth(injection: Injection, subscribers: int, first: int, last: int, rate_hz: float) -> Truth:
    """The truth of a trial whose measured part is the messages `first` <= n < `last`, the last to be published.

    The ledger counts a swap as one message reordered: the one sent later, if it belongs to the measured part. The last
    message has no next one to be swapped with, so it is never sent and counts as lost.
    """
    extra: list[int] = []
    counts = dict.fromkeys(Fault, 0)
    for subscriber in range(subscribers):
        for number in range(first, last):
            fault = injection.fault(subscriber, number)
            if fault is Fault.SWAPPED and number == last - 1:
                fault = Fault.LOST
            if fault is not None:
                counts[fault] += 1
            if fault is not Fault.LOST:
                extra.append(_extra_ns(injection, subscriber, number, rate_hz, swapped=fault is Fault.SWAPPED))
    return Truth(tuple(sorted(extra)), counts[Fault.LOST], counts[Fault.DOUBLED], counts[Fault.SWAPPED])


def _extra_ns(injection: Injection, subscriber: int, number: int, rate_hz: float, swapped: bool) -> int:
    """The injected part of one latency, in an open loop: a freeze delays a message from its due time to its end."""
    period_ns = 1e9 / rate_hz
    delay_ns = injection.total_delay_ns(subscriber, number + swapped) + round(period_ns * swapped)
    if injection.freeze_from is None or number < injection.freeze_from:
        return delay_ns
    return max(delay_ns, injection.freeze_ns - round((number - injection.freeze_from) * period_ns))
