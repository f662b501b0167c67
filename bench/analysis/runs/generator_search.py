"""The highest rate at which a generator stays out of sight: what counts as that, and which rate is tried next.

A generator keeps up with a rate if everything sent was received, the last of it soon after it was due, on at most 85 %
of one core: from there on its own queue adds to every latency it reports. The search starts at a rate, doubles it until
the generator no longer keeps up (or halves it until it does), then goes to the geometric mean of the highest rate with
which it did and the lowest with which it did not, until the two are within 10 %, or MOST_PASSES are spent.

Who is late reads several messages at a time, which makes them cheaper: what is sustained may be more than the cost of a
message at a moderate rate lets expect, of every generator alike. `delay_ns` of a stored pass tells how late it was.

Too much CPU is believed at once. A backlog may be somebody else's work on this machine, so it has to happen twice, and
three times where the kernel says that a core was wanted by more than one. Where the server had no time left and the
generator had, or where others took the core to the end, the limit is not the generator's: its own is above.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.trials.findings import LOAD_SATURATED, SERVER_SATURATED
from bench.results import GeneratorPass

KEPT_SHARE = 0.99
ALLOWED_LAG_NS = 250_000_000  # peers report ten times a second: two reports and a half
RESOLUTION = 1.1
MOST_PASSES = 12


class Verdict(enum.Enum):
    """How a generator came through a pass, and how often that must happen at a rate before it is believed."""

    KEPT_UP = "kept up", 1
    CPU = "its core was full", 1
    BEHIND = "it fell behind", 2
    SERVER = "the server was full", 2
    DISTURBED = "others took its core", 3

    def __init__(self, words: str, believed_after: int) -> None:
        self.words = words
        self.believed_after = believed_after

    @property
    def of_the_generator(self) -> bool:
        """Whether it shows a limit of the generator itself."""
        return self in (Verdict.CPU, Verdict.BEHIND)


def judge(measured: GeneratorPass) -> Verdict:
    """How a generator came through a pass."""
    window_ns = measured.window_ns
    if measured.generator_cpu_ns > LOAD_SATURATED * window_ns:
        return Verdict.CPU
    in_time = measured.delay_ns is not None and measured.delay_ns <= measured.allowed_delay_ns
    if in_time and measured.delivered >= KEPT_SHARE * measured.expected:
        return Verdict.KEPT_UP
    if measured.server_cpu_ns > SERVER_SATURATED * window_ns:
        return Verdict.SERVER
    wanted_ns = measured.generator_cpu_ns + (measured.generator_wait_ns or 0)
    server_wanted_ns = measured.server_cpu_ns + (measured.server_wait_ns or 0)
    disturbed = wanted_ns > LOAD_SATURATED * window_ns or server_wanted_ns > SERVER_SATURATED * window_ns
    return Verdict.DISTURBED if disturbed else Verdict.BEHIND


@dataclass(frozen=True, slots=True)
class Tried:
    """A rate in messages per second, over all subscribers, and how that went."""

    per_s: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Bracket:
    """What a search knows: it kept up with `kept_per_s` (0: with nothing), and not with `lost_per_s` (None: yet).
    `at_least`: that shows no limit of the generator.
    """

    kept_per_s: float
    lost_per_s: float | None
    at_least: bool

    @property
    def narrow(self) -> bool:
        """Whether there is nothing left to look for."""
        return self.lost_per_s is not None and self.lost_per_s <= self.kept_per_s * RESOLUTION


def bracket(tried: Sequence[Tried]) -> Bracket:
    """What is known by what was tried. A rate that was lost, but not often enough to believe it, is open."""
    kept = max((one.per_s for one in tried if one.verdict is Verdict.KEPT_UP), default=0.0)
    lost = min((one.per_s for one in tried if one.per_s > kept and _believed(one.per_s, tried)), default=None)
    shown = [one.verdict.of_the_generator for one in tried if one.per_s == lost]
    return Bracket(kept, lost, not all(shown) if shown else True)


def _believed(per_s: float, tried: Sequence[Tried]) -> bool:
    """Whether a rate at which the generator never kept up was tried often enough."""
    verdicts = [one.verdict for one in tried if one.per_s == per_s]
    if Verdict.KEPT_UP in verdicts or not verdicts:
        return False
    return Verdict.CPU in verdicts or len(verdicts) >= max(verdict.believed_after for verdict in verdicts)


def next_rate(tried: Sequence[Tried], start_per_s: float) -> float | None:
    """The rate to try next; None when the search is over."""
    if not tried:
        return start_per_s
    known = bracket(tried)
    if known.narrow or len(tried) >= MOST_PASSES:
        return None
    last = tried[-1].per_s
    if last > known.kept_per_s and not _believed(last, tried):
        return last
    if known.lost_per_s is None:
        return known.kept_per_s * 2
    if not known.kept_per_s:
        return known.lost_per_s / 2
    return math.sqrt(known.kept_per_s * known.lost_per_s)


def tried(passes: Sequence[GeneratorPass]) -> list[Tried]:
    """Passes as the search sees them."""
    return [Tried(one.subscribers * one.rate_hz, judge(one)) for one in passes]
