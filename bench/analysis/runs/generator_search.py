"""The highest rate that a load generator sustains: the condition for that, and which rate to try next.

A generator sustains a rate if it received everything that was sent, the last message soon after its publish time, with
at most 85 % of one core. Above that its own queue adds to every latency that it reports. The search starts at a rate
and doubles it until the generator no longer sustains it (or halves it until it does). Then it tries the geometric mean
of the highest sustained and the lowest exceeded rate, until the two are within 10 %, or for MOST_PASSES passes.

A late generator reads several messages at a time, which lowers its cost per message. So every generator may sustain
more than its cost per message at a moderate rate predicts. `delay_ns` of a stored pass is how late it was.

A full core counts at once. A backlog may be caused by other work on the machine, so it counts after two passes, and
after three where the kernel reports that processes waited for the core. Where the server was saturated and the
generator was not, or where other processes used the core to the end, the result is a lower bound.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.trials.findings import LOAD_SATURATED, SERVER_SATURATED
from bench.results import GeneratorPass

KEPT_SHARE = 0.99
ALLOWED_DELAY_NS = 250_000_000  # 2.5 reports of other generators, which report ten times a second
RESOLUTION = 1.1
MOST_PASSES = 12


class Verdict(enum.Enum):
    """The result of a pass, and the number of passes with it after which it counts."""

    SUSTAINED = "sustained", 1
    CPU = "its core was saturated", 1
    BEHIND = "it fell behind", 2
    SERVER = "the server was saturated", 2
    DISTURBED = "other processes used its core", 3

    def __init__(self, words: str, passes: int) -> None:
        self.words = words
        self.passes = passes

    @property
    def of_the_generator(self) -> bool:
        """Whether it is a limit of the generator itself."""
        return self in (Verdict.CPU, Verdict.BEHIND)


def judge(measured: GeneratorPass) -> Verdict:
    """The result of a pass."""
    window_ns = measured.window_ns
    if measured.generator_cpu_ns > LOAD_SATURATED * window_ns:
        return Verdict.CPU
    in_time = measured.delay_ns is not None and measured.delay_ns <= measured.allowed_delay_ns
    if in_time and measured.delivered >= KEPT_SHARE * measured.expected:
        return Verdict.SUSTAINED
    if measured.server_cpu_ns > SERVER_SATURATED * window_ns:
        return Verdict.SERVER
    demand_ns = measured.generator_cpu_ns + (measured.generator_wait_ns or 0)
    server_demand_ns = measured.server_cpu_ns + (measured.server_wait_ns or 0)
    disturbed = demand_ns > LOAD_SATURATED * window_ns or server_demand_ns > SERVER_SATURATED * window_ns
    return Verdict.DISTURBED if disturbed else Verdict.BEHIND


@dataclass(frozen=True, slots=True)
class Tried:
    """A rate that was tried, in messages per second over all subscribers, and the result."""

    per_s: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Bracket:
    """The highest sustained rate (0: none) and the lowest exceeded one (None: none yet). lower_bound: no limit of the
    generator itself was reached.
    """

    sustained_per_s: float
    exceeded_per_s: float | None
    lower_bound: bool

    @property
    def narrow(self) -> bool:
        """Whether the search is over."""
        return self.exceeded_per_s is not None and self.exceeded_per_s <= self.sustained_per_s * RESOLUTION


def bracket(tried: Sequence[Tried]) -> Bracket:
    """The bracket after the rates tried so far. A missed rate with too few passes is not in it."""
    sustained = max((one.per_s for one in tried if one.verdict is Verdict.SUSTAINED), default=0.0)
    missed = (one.per_s for one in tried if one.per_s > sustained and _exceeded(one.per_s, tried))
    exceeded = min(missed, default=None)
    own = [one.verdict.of_the_generator for one in tried if one.per_s == exceeded]
    return Bracket(sustained, exceeded, not all(own) if own else True)


def _exceeded(per_s: float, tried: Sequence[Tried]) -> bool:
    """Whether a rate was never sustained in enough passes."""
    verdicts = [one.verdict for one in tried if one.per_s == per_s]
    if Verdict.SUSTAINED in verdicts or not verdicts:
        return False
    return Verdict.CPU in verdicts or len(verdicts) >= max(verdict.passes for verdict in verdicts)


def next_rate(tried: Sequence[Tried], start_per_s: float) -> float | None:
    """The rate to try next; None when the search is over."""
    if not tried:
        return start_per_s
    current = bracket(tried)
    if current.narrow or len(tried) >= MOST_PASSES:
        return None
    last = tried[-1].per_s
    if last > current.sustained_per_s and not _exceeded(last, tried):
        return last
    if current.exceeded_per_s is None:
        return current.sustained_per_s * 2
    if not current.sustained_per_s:
        return current.exceeded_per_s / 2
    return math.sqrt(current.sustained_per_s * current.exceeded_per_s)


def tried(passes: Sequence[GeneratorPass]) -> list[Tried]:
    """The rates and results of passes."""
    return [Tried(one.subscribers * one.rate_hz, judge(one)) for one in passes]
