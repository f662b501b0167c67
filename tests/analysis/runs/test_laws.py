"""The laws: scipy is the oracle of distances, and wrong instruments must miss them."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bench.analysis.numbers.distributions import fold
from bench.analysis.numbers.uniform_law import ks_distance, uniform_law
from bench.analysis.runs.laws import LAWS, LawVerdict, Reading, read_laws
from bench.results import Run, Trial
from tests._synthetic import synthetic
from tests._trials import MS, calm, variant

INTERVAL_NS = 250 * MS


@pytest.fixture(scope="module")
def run() -> tuple[Run, list[Trial]]:
    return synthetic(troubles=False)


def readings(run: tuple[Run, list[Trial]], name: str) -> list[Reading]:
    return [reading for reading in read_laws(*run) if reading.law.name == name]


def with_latencies(run: tuple[Run, list[Trial]], latencies_ns: np.ndarray) -> tuple[Run, list[Trial]]:
    """The run with other latencies in all trials of polling."""
    changed = [
        msgspec.structs.replace(trial, latency=fold(latencies_ns.astype(np.int64)))
        if trial.planned.variant == "polling" and trial.latency
        else trial
        for trial in run[1]
    ]
    return run[0], changed


@settings(max_examples=25)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 3.0), st.integers(0, 20 * MS))
def test_the_distance_is_that_of_scipy_on_the_raw_values(seed: int, stretch: float, offset: int) -> None:
    rng = np.random.default_rng(seed)
    values = (offset + rng.uniform(0, INTERVAL_NS * stretch, 500)).astype(np.int64)
    law = uniform_law(fold(values), INTERVAL_NS)
    assert law is not None
    assert law.service_ns == pytest.approx(values.mean() - INTERVAL_NS / 2)
    oracle = stats.kstest(values, stats.uniform(law.service_ns, INTERVAL_NS).cdf).statistic
    assert law.distance == pytest.approx(oracle, abs=0.005)


def test_a_distribution_has_no_distance_to_itself() -> None:
    values = np.sort(np.random.default_rng(1).integers(0, INTERVAL_NS, 20_000))

    def share(at: np.ndarray) -> np.ndarray:
        return np.searchsorted(values, at, side="right") / values.size

    assert ks_distance(fold(values), share) < 0.002


def test_without_latencies_there_is_no_law() -> None:
    assert uniform_law(fold([]), INTERVAL_NS) is None
    assert uniform_law(fold([1]), 0.0) is None


def test_a_plausible_run_meets_every_law(run: tuple[Run, list[Trial]]) -> None:
    all_readings = read_laws(*run)
    assert {reading.law.name for reading in all_readings} == {law.name for law in LAWS}
    assert [reading for reading in all_readings if reading.verdict is LawVerdict.MISSED] == []


def test_polling_that_answers_at_once_misses_its_law(run: tuple[Run, list[Trial]]) -> None:
    fast = with_latencies(run, np.random.default_rng(2).lognormal(13.5, 0.3, 5_000))
    assert {reading.verdict for reading in readings(fast, "uniform wait")} == {LawVerdict.MISSED}


def test_polling_that_sleeps_after_each_response_misses_its_law(run: tuple[Run, list[Trial]]) -> None:
    late = with_latencies(run, np.random.default_rng(3).uniform(0, 2.0 * INTERVAL_NS, 5_000))
    assert {reading.verdict for reading in readings(late, "uniform wait")} == {LawVerdict.MISSED}


def test_a_constant_delay_misses_the_offset_and_not_the_shape(run: tuple[Run, list[Trial]]) -> None:
    nagle = with_latencies(run, np.random.default_rng(4).uniform(42 * MS, 42 * MS + INTERVAL_NS, 5_000))
    assert {reading.verdict for reading in readings(nagle, "uniform wait")} == {LawVerdict.MET}
    assert {reading.verdict for reading in readings(nagle, "uniform wait, offset")} == {LawVerdict.MISSED}


def test_a_frame_that_is_too_long_misses_its_law(run: tuple[Run, list[Trial]]) -> None:
    head, trials = run
    masked = [
        msgspec.structs.replace(trial, wire=msgspec.structs.replace(trial.wire, received_bytes=trial.wire.received_bytes
                                                                    + 4 * trial.wire.deliveries))
        if trial.wire and trial.planned.variant == "websocket" else trial
        for trial in trials
    ]  # fmt: skip
    assert {reading.verdict for reading in readings((head, masked), "frame header")} == {LawVerdict.MISSED}


@pytest.mark.parametrize(("payload", "header"), [(125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_a_frame_header_grows_with_its_payload(payload: int, header: int) -> None:
    law = next(law for law in LAWS if law.name == "frame header")
    wire = calm().wire
    assert wire is not None
    trial = calm(wire=msgspec.structs.replace(wire, payload_received_bytes=payload * wire.deliveries))
    band = law.expected(trial)
    assert band is not None
    assert band.low < header < band.high


def test_a_law_applies_to_its_technique_by_any_name(run: tuple[Run, list[Trial]]) -> None:
    law = next(law for law in LAWS if law.name == "uniform wait")
    assert law.applies(variant("anything", "polling"))
    assert not law.applies(variant("polling", "SSE"))


def test_a_law_of_bytes_does_not_apply_to_products(run: tuple[Run, list[Trial]]) -> None:
    law = next(law for law in LAWS if law.name == "frame header")
    assert law.applies(variant("raw", "WebSocket"))
    assert not law.applies(variant("raw", "WebSocket", product="Framework"))


def test_trials_without_the_facts_are_not_read(run: tuple[Run, list[Trial]]) -> None:
    head, trials = run
    bare = [msgspec.structs.replace(trial, latency=None, wire=None, completion=None) for trial in trials]
    assert read_laws(head, bare) == []
    without = [msgspec.structs.replace(trial, parameters={}) for trial in trials]
    assert {reading.law.name for reading in read_laws(head, without)} <= {"frame header", "event framing"}


def test_no_law_applies_to_a_path_that_is_not_direct(run: tuple[Run, list[Trial]]) -> None:
    head, trials = run
    far = [msgspec.structs.replace(trial, parameters={**trial.parameters, "path": "far"}) for trial in trials]
    direct = [msgspec.structs.replace(trial, parameters={**trial.parameters, "path": "direct"}) for trial in trials]
    assert read_laws(head, far) == []
    assert len(read_laws(head, direct)) == len(read_laws(head, trials))
