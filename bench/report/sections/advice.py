"""Advice: typical needs worked out beforehand, and the costs from which its form works out others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bench.advice import basis, phrases
from bench.advice.costs import CPU_FEATURES, WIRE_FEATURES, Costs, Model, fit
from bench.advice.loads import CONNECTION, FRESHNESS
from bench.advice.ranking import (
    DIMENSIONS,
    FAR,
    FULL,
    MOST_PROCESSES,
    NOTHING,
    SHORTEST_POLL,
    SPARE_FILES,
    Advice,
    Need,
    advise,
    ranges,
    shortest_poll,
)
from bench.advice.summary import Glance, glance
from bench.analysis.runs.cells import Cells
from bench.report.palette import looks
from bench.report.sections._section import Section
from bench.report.text import clean

TYPICAL = (
    ("Notifications", Need(subscribers=50_000, rate=0.01, payload_bytes=300, upstream_rate=0.0, max_staleness_s=10.0,
                           fan_out=1)),
    ("Dashboard", Need(subscribers=200, rate=20.0, payload_bytes=500, upstream_rate=0.0, max_staleness_s=0.25,
                       fan_out=200)),
    ("Chat", Need(subscribers=1_000, rate=2.0, payload_bytes=200, upstream_rate=0.1, max_staleness_s=1.0, fan_out=20)),
)  # fmt: skip
"""Mostly idle users with messages of their own; one stream of numbers for everybody; rooms of 20 writers."""


@dataclass(frozen=True, slots=True)
class Worked:
    """A typical need with its advice in words."""

    title: str
    asked: str
    glance: Glance
    conclusion: tuple[str, ...]
    lines: list[phrases.Line]
    notes: phrases.Notes
    why: str
    refused: list[str]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the section of the page shows. `data` is empty, and `lacking` says why, where nothing can be costed."""

    data: dict[str, Any]
    columns: tuple[str, ...]
    typical: list[Worked]
    prediction: str
    ranking: str
    aims: str
    errors: list[tuple[str, ...]]
    conventions: str
    lacking: str


def advice(cells: Cells) -> Facts:
    """The advice of a run."""
    costs = fit(cells)
    lacking = basis.lacking(costs) or ("" if costs.models else "no variant was measured")
    if not costs.models:
        return Facts({}, (), [], "", "", "", [], "", lacking)
    worked = [_worked(title, advise(costs, need)) for title, need in TYPICAL]
    return Facts(
        data(costs, {name: f"v{look.css[3:]}" for name, look in looks(cells.shown).items()}),
        phrases.COLUMNS,
        worked,
        basis.prediction(costs),
        basis.ranking(costs),
        basis.aims(costs),
        basis.errors(costs),
        basis.conventions(),
        lacking,
    )


def _worked(title: str, advice: Advice) -> Worked:
    lines = phrases.lines(advice)
    return Worked(
        title,
        phrases.asked(advice.need),
        glance(advice),
        phrases.conclusion(advice),
        lines,
        phrases.apart([line.notes for line in lines]),
        phrases.why(advice),
        [phrases.refusal(one, advice.need) for one in advice.refused],
    )


def data(costs: Costs, swatches: dict[str, str]) -> dict[str, Any]:
    """What `advice.js` computes from: the costs, the bounds and the typical needs, as plain JSON values."""
    return {
        "run": clean(costs.run),
        "apart": costs.held_out.apart(),
        "open_files": costs.open_files,
        "spare_files": SPARE_FILES,
        "far": FAR,
        "clearly": phrases.CLEARLY,
        "cooling_s": costs.cooling_s,
        "full": FULL,
        "most_processes": MOST_PROCESSES,
        "nothing": NOTHING,
        "freshness": FRESHNESS,
        "connection": CONNECTION,
        "shortest_poll": SHORTEST_POLL,
        "columns": list(phrases.COLUMNS),
        "each": sorted(phrases.EACH),
        "nothing_meets": phrases.NOTHING_MEETS,
        "pinged": phrases.PINGED,
        "dimensions": [{"name": one.name, "words": one.words} for one in DIMENSIONS],
        "variants": [_variant(model, swatches.get(model.variant.name, "")) for model in costs.models],
        "presets": [needed(need) for _, need in TYPICAL],
    }


def needed(need: Need) -> dict[str, Any]:
    """A need as the form holds it."""
    return {
        "subscribers": need.subscribers,
        "rate": need.rate,
        "payload_bytes": need.payload_bytes,
        "upstream_rate": need.upstream_rate,
        "max_staleness_s": need.max_staleness_s,
        "fan_out": need.fan_out,
        "cores": need.cores,
    }


def _variant(model: Model, swatch: str) -> dict[str, Any]:
    memory = model.memory
    return {
        "label": clean(model.variant.label),
        "product": bool(model.variant.product),
        "swatch": swatch,
        "reconnect": phrases.reconnect(model.variant),
        "flask": clean(phrases.flask(model.variant)),
        "ping_interval_s": phrases.ping_interval(model.variant),
        "shortest_poll_s": shortest_poll(model.points),
        "basis": clean(phrases.basis(model)),
        "mechanism": model.mechanism.value,
        "cpu": {feature.name: cost for feature, cost in zip(CPU_FEATURES, model.cpu, strict=True)},
        "wire": {feature.name: cost for feature, cost in zip(WIRE_FEATURES, model.wire, strict=True)},
        "posts": model.posts,
        "hold_s": model.hold_s,
        "memory": memory and {
            "base_bytes": memory.base_bytes, "subscriber_bytes": memory.subscriber_bytes, "low": memory.low,
            "high": memory.high,
        },
        "ranges": {name: list(span) for name, span in ranges(model.points).items()},
        "fresh": [
            {
                "where": clean(phrases.place(point.where)), "deliveries": point.expected.deliveries,
                "publishes": point.expected.publishes, "payload_bytes": point.expected.payload_bytes,
                "fan_out": point.expected.fan_out, "p50_ns": point.p50_ns, "p99_ns": point.p99_ns,
            }
            for point in model.points if point.p50_ns is not None and point.p99_ns is not None
        ],
        "services": [
            {"requests": point.expected.requests, "service_ns": point.service_ns}
            for point in model.points if point.service_ns is not None
        ],
    }  # fmt: skip


SECTION = Section("Advice", "Advice", 10, lambda sources: advice(sources.cells), scripts=("advice.js",))
