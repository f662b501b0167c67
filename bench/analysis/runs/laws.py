"""Laws: closed-form predictions as one table, each compared with the trials.

A missed law is a fault of the instrument until shown otherwise. For one trial, a law returns the band that it predicts
and the measured value. The verdict compares the medians over trials.

d: one-way network time; S: server service time; D: poll interval; P: publish interval; N: subscribers; s: server CPU
per delivered message.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from bench.analysis.numbers.statistics import Estimate, estimate
from bench.analysis.numbers.uniform_law import UniformLaw, uniform_law
from bench.analysis.trials.metrics import METRICS
from bench.paths import leads_elsewhere
from bench.results import Parameter, Run, Trial, VariantFacts
from bench.scenarios import Question, reference
from bench.units import Unit

KS_FLOOR = 0.05  # the law counts as met up to this distance for any n: it treats S as a constant, and S is not one


FRESHNESS, ROUND_TRIP = map(reference, (Question.FRESHNESS, Question.ROUND_TRIP))


class LawVerdict(enum.StrEnum):
    """Whether a measurement agrees with its law."""

    MET = "met"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Band:
    """What a law predicts for a trial: a value between two bounds, both inclusive."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Law:
    """One prediction. `expected` and `measured` return None where a trial lacks the facts for a test."""

    name: str
    statement: str
    unit: Unit
    applies: Callable[[VariantFacts], bool]
    expected: Callable[[Trial], Band | None]
    measured: Callable[[Trial], float | None]
    scenarios: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """A law beside the measurement in one cell, or at one point of a sweep with the changed parameters in `changes`."""

    law: Law
    variant: VariantFacts
    scenario: str
    expected: Band
    measured: Estimate
    verdict: LawVerdict
    changes: Mapping[str, Parameter]

    @property
    def where(self) -> str:
        """The scenario and the changed parameters."""
        return ", ".join([self.scenario, *(f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}"
                                           for name, value in self.changes.items())])  # fmt: skip


def poll_interval_ns(trial: Trial) -> float | None:
    """The poll interval of a trial; None where its scenario sets none."""
    interval_s = trial.parameters.get("poll_interval_s")
    return float(interval_s) * 1e9 if isinstance(interval_s, int | float) and interval_s > 0 else None


def read_laws(run: Run, trials: Iterable[Trial]) -> list[Reading]:
    """Every law compared with every cell where it applies and where valid trials have the facts, in the table's order.
    Trials over a path that is not direct are left out: the laws do not model it."""
    facts = {variant.name: variant for variant in run.variants}
    cells: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in sorted(trials, key=lambda trial: bool(trial.planned.changes)):
        if trial.valid and trial.planned.variant in facts and not leads_elsewhere(trial.parameters):
            key = (trial.planned.scenario, trial.planned.variant, repr(sorted(trial.planned.changes.items())))
            cells.setdefault(key, []).append(trial)
    readings = [
        _reading(law, facts[variant], scenario, cell_trials)
        for law in LAWS
        for (scenario, variant, _), cell_trials in cells.items()
        if scenario in law.scenarios and law.applies(facts[variant])
    ]
    return [reading for reading in readings if reading is not None]


def _reading(law: Law, variant: VariantFacts, scenario: str, trials: list[Trial]) -> Reading | None:
    pairs = [(law.expected(trial), law.measured(trial)) for trial in trials]
    complete = [(band, value) for band, value in pairs if band is not None and value is not None]
    measured = estimate([value for _, value in complete])
    if measured is None:
        return None
    low = float(np.median([band.low for band, _ in complete]))
    high = float(np.median([band.high for band, _ in complete]))
    verdict = LawVerdict.MET if low <= measured.median <= high else LawVerdict.MISSED
    return Reading(law, variant, scenario, Band(low, high), measured, verdict, trials[0].planned.changes)


def _technique(name: str, neutral: bool = False) -> Callable[[VariantFacts], bool]:
    """True for variants of a technique; with `neutral`, not for products, which add framing of their own."""
    return lambda variant: variant.technique == name and not (neutral and variant.product)


def _uniform(trial: Trial) -> UniformLaw | None:
    interval_ns = poll_interval_ns(trial)
    return uniform_law(trial.latency, interval_ns) if trial.latency and interval_ns else None


def _distance(trial: Trial) -> float | None:
    law = _uniform(trial)
    return None if law is None else law.distance


def _distance_allowed(trial: Trial) -> Band | None:
    subscribers = _number(trial, "subscribers")
    return Band(0.0, KS_FLOOR + _unevenness(subscribers)) if subscribers else None


def _unevenness(subscribers: float) -> float:
    """How far N phases can be from uniform. They are a Weyl sequence, with a discrepancy that grows as log N / N
    (L. Kuipers and H. Niederreiter, *Uniform Distribution of Sequences*, 1974, section 2.3)."""
    return (1.0 + math.log(subscribers)) / subscribers


def _service_time(trial: Trial) -> float | None:
    law = _uniform(trial)
    return None if law is None else law.service_ns


def _service_time_allowed(trial: Trial) -> Band | None:
    """The error of the offset is that of the mean of N phases: at most their unevenness."""
    interval_ns, subscribers = poll_interval_ns(trial), _number(trial, "subscribers")
    if not interval_ns or not subscribers:
        return None
    error = interval_ns * _unevenness(subscribers)
    return Band(-error, interval_ns / 20 + error)


def _number(trial: Trial, name: str) -> float | None:
    value = trial.parameters.get(name)
    return float(value) if isinstance(value, int | float) and value > 0 else None


def _polls(trial: Trial) -> Band | None:
    """P/D per subscriber, with the actual P = N x window / deliveries, and one poll per subscriber more or less."""
    interval_ns, subscribers = poll_interval_ns(trial), _number(trial, "subscribers")
    if trial.wire is None or not interval_ns or not subscribers or trial.wire.deliveries == 0:
        return None
    polls = subscribers * trial.wire.window_ns / interval_ns
    return Band(max(0.0, polls - subscribers) / trial.wire.deliveries, (polls + subscribers) / trial.wire.deliveries)


def _waits(trial: Trial) -> Band | None:
    """At most one response per message, and one per hold time without a message."""
    hold_s, subscribers = _number(trial, "hold_s"), _number(trial, "subscribers")
    if trial.wire is None or not hold_s or not subscribers or trial.wire.deliveries == 0:
        return None
    silent = subscribers * (trial.wire.window_ns / (hold_s * 1e9) + 1)
    return Band(0.0, 1.0 + silent / trial.wire.deliveries)


def _frame_header(trial: Trial) -> Band | None:
    """RFC 6455, section 5.2: 2, 4 or 10 bytes by the length of the payload. Control frames may add half a byte."""
    if trial.wire is None or trial.wire.deliveries == 0:
        return None
    payload = trial.wire.payload_received_bytes / trial.wire.deliveries
    header = 2 if payload < 126 else 4 if payload < 65_536 else 10
    return Band(header - 0.5, header + 0.5)


def _framing_received(trial: Trial) -> float | None:
    wire = trial.wire
    if wire is None or wire.received_bytes is None or wire.deliveries == 0:
        return None
    return (wire.received_bytes - wire.payload_received_bytes) / wire.deliveries


def _event_framing(_: Trial) -> Band:
    """`data: ` and a blank line are 8 B. An id line and the chunk around an event add some dozen bytes at most."""
    return Band(8.0, 64.0)


def _fan_out(trial: Trial) -> Band | None:
    """N x s for the last receiver. Receiving takes time too, on another core: within a factor of three."""
    cost, subscribers = METRICS["server_cpu"].of(trial), _number(trial, "subscribers")
    return Band(subscribers * cost / 3, subscribers * cost * 3) if cost and subscribers else None


def _completion(trial: Trial) -> float | None:
    p50_ns = METRICS["completion_p50"].of(trial)
    return None if p50_ns is None else float(p50_ns)


LAWS = (
    Law("uniform wait", "Polling on a fixed schedule: latency ~ Uniform(0, D) + d + S. Kolmogorov-Smirnov distance",
        "count", _technique("polling"), _distance_allowed, _distance, (FRESHNESS, ROUND_TRIP)),
    Law("uniform wait, offset", "The offset d + S of that law (mean - D/2) is a service time, not part of the interval",
        "ns", _technique("polling"), _service_time_allowed, _service_time, (FRESHNESS,)),
    Law("polls per message", "Polling: P/D requests per delivered message",
        "count", _technique("polling", neutral=True), _polls, METRICS["requests"].of, (FRESHNESS,)),
    Law("waits per message", "Long polling: at most one response per delivered message",
        "count", _technique("long polling", neutral=True), _waits, METRICS["requests"].of, (FRESHNESS,)),
    Law("frame header", "WebSocket, server to client: 2, 4 or 10 B around a message",
        "wire bytes", _technique("WebSocket", neutral=True), _frame_header, _framing_received, (FRESHNESS, ROUND_TRIP)),
    Law("event framing", "SSE: 8 B around a message, more with an id and chunked transfer",
        "wire bytes", _technique("SSE", neutral=True), _event_framing, _framing_received, (FRESHNESS,)),
    Law("fan-out, WebSocket", "One thread serves N subscribers: the last one waits about N x s",
        "ns", _technique("WebSocket", neutral=True), _fan_out, _completion, (FRESHNESS,)),
    Law("fan-out, SSE", "One thread serves N subscribers: the last one waits about N x s",
        "ns", _technique("SSE", neutral=True), _fan_out, _completion, (FRESHNESS,)),
)  # fmt: skip
