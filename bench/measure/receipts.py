"""The receipts of all Locust processes of a trial, merged exactly: as if one process had received everything."""

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
    """The receipts of all processes. Neither the order of `parts` nor how subscribers were split among them matters."""
    return Receipts(
        ledger=_ledger([part.ledger for part in parts]),
        recount=_summed(Recount, [part.recount for part in parts]),
        reconnects=_reconnects([part.reconnects for part in parts]),
        latency=merge(part.latency for part in parts),
        fan_outs=_fan_outs(parts),
        slots=[merge(slot) for slot in zip(*(part.slots for part in parts), strict=True)],
        slip=merge_present(part.slip for part in parts),
        connect=merge_present(part.connect for part in parts),
        loop_delay=merge(part.loop_delay for part in parts),
        read_delay=merge_present(part.read_delay for part in parts),
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
    """From `from_ns` until a message that was due later had reached all subscribers; None if none did."""
    moments = [
        one.last_received_ns for one in fan_outs.values() if one.intended_ns >= from_ns and one.receivers >= subscribers
    ]
    return min(moments) - from_ns if moments else None


def burst_times(fan_outs: dict[int, FanOut], subscribers: int, burst: int) -> Distribution | None:
    """From when a burst was due until every subscriber had all of it, over the bursts that arrived completely; None
    where no message arrived. Message n belongs to burst n // `burst`.
    """
    bursts: dict[int, list[FanOut]] = {}
    for sequence, fan_out in fan_outs.items():
        bursts.setdefault(sequence // burst, []).append(fan_out)
    times = [
        max(one.last_received_ns for one in messages) - min(one.intended_ns for one in messages)
        for messages in bursts.values()
        if len(messages) == burst and all(one.receivers >= subscribers for one in messages)
    ]
    return fold(times) if fan_outs else None


def series(receipts: Receipts) -> Series:
    """The time series without CPU time, which the sampler measures."""
    return Series(
        interval_ns=SERIES_INTERVAL_NS,
        delivered=[slot.count + slot.negative for slot in receipts.slots],
        latency_p50_ns=[quantile(slot, 0.5) for slot in receipts.slots],
        latency_max_ns=[slot.max_ns if slot.count else None for slot in receipts.slots],
        server_cpu_ns=[],
        broker_cpu_ns=[],
    )


def merge_present(distributions: Iterable[Distribution | None]) -> Distribution | None:
    """The merge of those that are not None; None without any."""
    present = [distribution for distribution in distributions if distribution is not None]
    return merge(present) if present else None


def summed_errors(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Error counts by description, over all processes."""
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(total)


def _summed(kind: type[_Counts], parts: Sequence[_Counts]) -> _Counts:
    """The sum of facts in which every field is a count."""
    return kind(**{name: sum(getattr(part, name) for part in parts) for name in kind.__struct_fields__})


def _reconnects(parts: Sequence[Reconnects | None]) -> Reconnects | None:
    present = [part for part in parts if part is not None]
    if not present:
        return None
    names = ("disconnects", "caught_up", "attempts", "recovered_deliveries", "unsent_messages")
    counts = {name: sum(getattr(part, name) for part in present) for name in names}
    slots = [sum(slot) for slot in zip_longest(*(part.attempt_slots for part in present), fillvalue=0)]
    return Reconnects(
        declares_resume=present[0].declares_resume,
        attempt_slots=slots,
        catch_up_time=merge(part.catch_up_time for part in present),
        reconnect_time=merge_present(part.reconnect_time for part in present),
        **counts,
    )


def _slow_reader(parts: Sequence[SlowReader | None]) -> SlowReader | None:
    present = [part for part in parts if part is not None]
    return _summed(SlowReader, present) if present else None


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
        errors=summed_errors(ledger.errors for ledger in ledgers),
    )


def _fan_outs(parts: Sequence[Receipts]) -> dict[int, FanOut]:
    by_sequence: dict[int, list[FanOut]] = {}
    for part in parts:
        for sequence, fan_out in part.fan_outs.items():
            by_sequence.setdefault(sequence, []).append(fan_out)
    return {
        sequence: FanOut(
            intended_ns=same[0].intended_ns,
            last_received_ns=max(one.last_received_ns for one in same),
            receivers=sum(one.receivers for one in same),
        )
        for sequence, same in sorted(by_sequence.items())
    }


def _wire(parts: Sequence[Wire | None]) -> Wire | None:
    """The sum of the counters; the window is the mean of windows that differ by microseconds. None if a process has no
    counters."""
    present = [part for part in parts if part is not None]
    if len(present) < len(parts) or not present:
        return None

    def total(name: str) -> Any:
        values = [getattr(part, name) for part in present]
        return None if None in values else sum(values)

    summed = {name: total(name) for name in Wire.__struct_fields__ if name != "window_ns"}
    return Wire(window_ns=round(sum(part.window_ns for part in present) / len(present)), **summed)
