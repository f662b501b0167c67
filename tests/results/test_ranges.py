"""Every stored number has a range, and the numbers of one fact fit together: what does not is named with its key."""

import json
import re

import msgspec
import pytest

from bench.analysis.numbers.distributions import fold
from bench.results import (
    CapacityStep,
    Outage,
    Planned,
    Reconnects,
    Restart,
    ResultsError,
    SlowReader,
    Storm,
    Trial,
    load,
)
from bench.results._fact import LARGEST
from tests._damage import without_checksum
from tests._natures import NATURES
from tests._synthetic import synthetic, write

# Threads that end between two readings of the kernel's counters took their waiting time with them.
SIGNED = re.compile(r"run_queue_wait_ns$")
FAULTS = {
    "reconnects": Reconnects(
        declares_resume=True, disconnects=1, caught_up=1, attempts=1, attempt_slots=[1], recovered_deliveries=1,
        catch_up_time=fold([5]), reconnect_time=fold([5]),
    ),
    "restart": Restart(ended_ns=1, ready_ns=2, fds_before=1, fds_after=1, memory_before_bytes=1, memory_after_bytes=1),
    "slow_reader": SlowReader(
        messages=1, corrupted=0, lost=0, duplicated=0, reordered=0, signalled=0, closed_by_server=0,
        memory_before_bytes=1, memory_peak_bytes=1,
    ),
    "outage": Outage(began_ns=1, ended_ns=2, recovered_ns=1),
    "storm": Storm(
        subscribers=1, connected=1, window_ns=1, server_cpu_ns=1, broker_cpu_ns=1, accept_queue_overflows=0,
        accept_queue_drops=0, fds_before=1, fds_after=1, fds_released_ns=1,
    ),
    "capacity": [
        CapacityStep(
            rate_hz=1.0, verdict="sustained", observation="", expected=1, delivered=1, p50_ns=1, p99_ns=1,
            server_cpu_ns=1, window_ns=1, broker_cpu_ns=1, deliveries=1, requests=1, segments_in=1, slip_p50_ns=1,
            slip_p99_ns=1,
        )
    ],
}  # fmt: skip


def full():
    """A record with every fact, as JSON."""
    _, trials = synthetic(NATURES[4:5], ["broadcast", "idle"], blocks=1, troubles=False)
    return json.loads(msgspec.json.encode(msgspec.structs.replace(trials[0], idle=trials[1].idle, **FAULTS)))


def numbers(facts, path=""):
    """(path, the object that holds it, its key in there) of every number but the parameters."""
    for key, value in facts.items() if isinstance(facts, dict) else enumerate(facts):
        place = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
        if isinstance(value, dict | list) and place != ".parameters":
            yield from numbers(value, place)
        elif isinstance(value, int | float) and not isinstance(value, bool) and place != ".schema":
            yield place, facts, key


def error_of(facts):
    with pytest.raises(msgspec.ValidationError) as error:
        msgspec.json.decode(json.dumps(facts), type=Trial)
    return str(error.value)


def test_no_stored_number_may_be_negative_or_beyond_64_bits():
    facts = full()
    msgspec.json.decode(json.dumps(facts), type=Trial)
    places = [(place, holder, key) for place, holder, key in numbers(facts) if not SIGNED.search(place)]
    assert len(places) > 150
    for place, holder, key in places:
        value = holder[key]
        for absurd in (-1, LARGEST + 1, 10**30):
            holder[key] = absurd
            shown = re.sub(r"\[\d+\]", "[...]" if ".errors" in place or ".phases_ns" in place else r"\g<0>", place)
            expected = shown.replace(".phases_ns.", ".phases_ns[...]").partition("[...]")[0]
            if not (absurd > 0 and place.endswith(("sum_ns", "steps"))):
                assert f"${expected}" in error_of(facts), (place, absurd)
        holder[key] = value


@pytest.mark.parametrize(
    ("changes", "negative"),
    [({"min_ns": 10}, 0), ({"max_ns": 1}, 0), ({"sum_ns": 5}, 0), ({"sum_ns": 100}, 0), ({"count": 9}, 0)],
)
def test_count_sum_and_bounds_of_a_distribution_fit_together(changes, negative):
    distribution = fold([2, 3, 4])
    with pytest.raises(ValueError, match="contradict each other"):
        msgspec.structs.replace(distribution, negative=negative, **changes)


def test_an_empty_distribution_has_no_bounds():
    with pytest.raises(ValueError, match="contradict each other"):
        msgspec.structs.replace(fold([]), max_ns=1)


def test_a_time_series_has_one_latency_for_every_interval(tmp_path):
    folder = write(tmp_path, *synthetic(NATURES[:1], ["broadcast"], blocks=1, troubles=False))
    (path,) = (folder / "trials").glob("*.json")
    facts = without_checksum(path)
    facts["series"]["latency_max_ns"].pop()
    path.write_text(json.dumps(facts))
    with pytest.raises(ResultsError, match=r"different lengths - at `\$\.series`") as refusal:
        load(folder)
    assert str(path) in str(refusal.value)


def test_an_index_of_a_plan_is_not_negative():
    planned = Planned(id="a", scenario="echo", variant="sse", block=-1, position=1, seed=1)
    with pytest.raises(msgspec.ValidationError, match=r"\$\.block"):
        msgspec.convert(msgspec.to_builtins(planned), Planned)
