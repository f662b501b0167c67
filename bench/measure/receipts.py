"""What the Locust processes of a trial counted, merged exactly: as if one process had counted it all, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import zip_longest
from typing import Any, TypeVar

import msgspec

from bench.analysis.numbers.distributions import fold, merge, quantile
from bench.measure.received import FanOut, Receipts
from bench.results import Distribution, Ledger, Reconnects, Recount, Series, SlowReader, Wire

SERIES_INTERVAL_NS = 250_000_000

_Counts = TypeVar("_Counts", bound=msgspec.Struct)


def merged(parts: Sequence[Receipts]) -> Receipts:
    """All processes as one. Neither the order of `parts` nor how subscribers were split among them matters."""
    return Receipts(
        ledger=_ledger([part.ledger for part in parts]),
        recount=_summed(Recount, [part.recount for part in parts]),
        reconnects=_reconnects([part.reconnects for part in parts]),
        latency=merge(part.latency for part in parts),
        fan_outs=_fan_outs(parts),
        slots=[merge(slot) for slot in zip(*(part.slots for part in parts), strict=True)],
        slip=merge_known(part.slip for part in parts),
        connect=merge_known(part.connect for part in parts),
        loop_delay=merge(part.loop_delay for part in parts),
        read_delay=merge_known(part.read_delay for part in parts),
        wire=_wire([part.wire for part in parts]),
        deliveries=sum(part.deliveries for part in parts),
        slow_reader=_slow_reader([part.slow_reader for part in parts]),
    )


def completion(fan_outs: dict[int, FanOut], subscribers: int) -> Distribution | None:
    """Last receive time - intended publish time of every message that reached all subscribers; None without any."""
    times = [fan_out.last_received_ns - fan_out.intended_ns
             for fan_out in fan_outs.values() if fan_out.receivers >= subscribers]  # fmt: skip
    return fold(times) if fan_outs else None


def recovered_ns(fan_outs: dict[int, FanOut], subscribers: int, from_ns: int) -> int | None:
    """How long after `from_ns` a message that was due later had first reached all subscribers; None: none did."""
    moments = [
        one.last_received_ns for one in fan_outs.values() if one.intended_ns >= from_ns and one.receivers >= subscribers
    ]
    return min(moments) - from_ns if moments else None


def of_bursts(fan_outs: dict[int, FanOut], subscribers: int, burst: int) -> Distribution | None:
    """From when a burst was due until every subscriber had all of it, over the bursts of which that is true; None
    where no message came. Message n belongs to burst n // `burst`.
    """
    held: dict[int, list[FanOut]] = {}
    for sequence, fan_out in fan_outs.items():
        held.setdefault(sequence // burst, []).append(fan_out)
    times = [
        max(one.last_received_ns for one in whole) - min(one.intended_ns for one in whole)
        for whole in held.values()
        if len(whole) == burst and all(one.receivers >= subscribers for one in whole)
    ]
    return fold(times) if fan_outs else None


def series(measured: Receipts) -> Series:
    """The time series, but for the CPU, which others count."""
    return Series(
        interval_ns=SERIES_INTERVAL_NS,
        delivered=[slot.count + slot.negative for slot in measured.slots],
        latency_p50_ns=[quantile(slot, 0.5) for slot in measured.slots],
        latency_max_ns=[slot.max_ns if slot.count else None for slot in measured.slots],
        server_cpu_ns=[],
        broker_cpu_ns=[],
    )


def merge_known(distributions: Iterable[Distribution | None]) -> Distribution | None:
    """The merge of those that there are; None without any."""
    known = [distribution for distribution in distributions if distribution is not None]
    return merge(known) if known else None


def added_errors(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Error counts by description, over all processes."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _summed(kind: type[_Counts], parts: Sequence[_Counts]) -> _Counts:
    """Facts that are nothing but counts, added up."""
    return kind(**{name: sum(getattr(part, name) for part in parts) for name in kind.__struct_fields__})


def _reconnects(parts: Sequence[Reconnects | None]) -> Reconnects | None:
    known = [part for part in parts if part is not None]
    if not known:
        return None
    names = ("disconnects", "caught_up", "attempts", "recovered_deliveries", "unsent_messages")
    counts = {name: sum(getattr(part, name) for part in known) for name in names}
    slots = [sum(slot) for slot in zip_longest(*(part.attempt_slots for part in known), fillvalue=0)]
    return Reconnects(
        declares_resume=known[0].declares_resume,
        attempt_slots=slots,
        catch_up_time=merge(part.catch_up_time for part in known),
        reconnect_time=merge_known(part.reconnect_time for part in known),
        **counts,
    )


def _slow_reader(parts: Sequence[SlowReader | None]) -> SlowReader | None:
    known = [part for part in parts if part is not None]
    return _summed(SlowReader, known) if known else None


def _ledger(ledgers: Sequence[Ledger]) -> Ledger:
    def total(count: Callable[[Ledger], int]) -> int:
        return sum(map(count, ledgers))

    return Ledger(
        expected=total(lambda one: one.expected),
        delivered=total(lambda one: one.delivered),
        lost=total(lambda one: one.lost),
        signalled=total(lambda one: one.signalled),
        duplicated=total(lambda one: one.duplicated),
        reordered=total(lambda one: one.reordered),
        corrupted=total(lambda one: one.corrupted),
        gaps_signalled=total(lambda one: one.gaps_signalled),
        errors=added_errors(ledger.errors for ledger in ledgers),
    )


def _fan_outs(parts: Sequence[Receipts]) -> dict[int, FanOut]:
    held: dict[int, list[FanOut]] = {}
    for part in parts:
        for sequence, fan_out in part.fan_outs.items():
            held.setdefault(sequence, []).append(fan_out)
    return {
        sequence: FanOut(
            intended_ns=same[0].intended_ns,
            last_received_ns=max(one.last_received_ns for one in same),
            receivers=sum(one.receivers for one in same),
        )
        for sequence, same in sorted(held.items())
    }


def _wire(parts: Sequence[Wire | None]) -> Wire | None:
    """Counters add up; the window is the mean of windows that differ by microseconds. None if one did not count."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts) or not known:
        return None

    def total(name: str) -> Any:
        values = [getattr(part, name) for part in known]
        return None if None in values else sum(values)

    summed = {name: total(name) for name in Wire.__struct_fields__ if name != "window_ns"}
    return Wire(window_ns=round(sum(part.window_ns for part in known) / len(known)), **summed)
