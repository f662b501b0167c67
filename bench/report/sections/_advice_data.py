"""What the script of the form computes advice from, as plain JSON values: costs, rules, formats and phrases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from bench.advice import answer, ranking, words
from bench.advice.costs import CPU_FEATURES, WIRE_FEATURES, Costs, Model
from bench.advice.needs import FIELDS, Need
from bench.report.text import clean
from bench.units import MOST_DECIMALS, REACHES, SCALES, SPACE, TIMES


def data(costs: Costs, typical: Iterable[tuple[str, Need]], swatches: dict[str, str]) -> dict[str, Any]:
    """Everything. typical: needs that a button of the form fills in; swatches: the class of every variant's colour."""
    return {
        "command": f"python -m bench advise {clean(costs.run)}",
        "fields": [{"name": field.name, "option": field.option, "unit": field.unit} for field in FIELDS],
        "presets": [asdict(need) for _, need in typical],
        "rules": _rules(costs),
        "formats": _formats(),
        "phrases": dict(words.PHRASES),
        "columns": [{"title": title, "phrase": phrase} for title, phrase in words.COLUMNS],
        "notes": words.NOTES,
        "each": sorted(words.EACH),
        "variants": [_variant(model, swatches.get(model.variant.name, "")) for model in costs.models],
    }


def _rules(costs: Costs) -> dict[str, Any]:
    """The bounds and tables of `bench.advice.ranking` and `bench.advice.costs`, and what was fitted to all variants."""
    return {
        "distinguishing_factor": costs.held_out.distinguishing_factor(),
        "cooling_s": costs.cooling_s,
        "open_files": costs.open_files,
        "spare_files": ranking.SPARE_FILES,
        "full": ranking.FULL,
        "most_processes": ranking.MOST_PROCESSES,
        "shortest_poll": ranking.SHORTEST_POLL,
        "interval_digits": ranking.INTERVAL_DIGITS,
        "far": ranking.FAR,
        "nothing": ranking.NOTHING,
        "edge": ranking.EDGE,
        "clearly": ranking.CLEARLY,
        "middle": ranking.MIDDLE,
        "late": ranking.LATE,
        "nearest": ranking.NEAREST,
        "slow_poll_where": ranking.SLOW_POLL_WHERE,
        "dimensions": [{"name": one.name, "words": one.words} for one in ranking.DIMENSIONS],
        "cpu": {feature.name: feature.amounts for feature in CPU_FEATURES},
        "wire": {feature.name: feature.amounts for feature in WIRE_FEATURES},
    }


def _formats() -> dict[str, Any]:
    """How numbers become text: see `bench.advice.words` and `bench.units`."""
    return {
        "scales": {name: SCALES[unit] for name, unit in words.UNITS.items()},
        "most_decimals": MOST_DECIMALS,
        "reaches": REACHES,
        "up": words.UP,
        "between": words.BETWEEN,
        "separator": words.SEPARATOR,
        "space": SPACE,
        "times": TIMES,
    }


def _variant(model: Model, swatch: str) -> dict[str, Any]:
    return {
        "swatch": swatch,
        "mechanism": model.mechanism.value,
        "facts": {name: clean(it) if isinstance(it, str) else it for name, it in answer.of_variant(model).items()},
        "shortest_poll_s": ranking.shortest_poll(model.points),
        "cpu": {feature.name: cost for feature, cost in zip(CPU_FEATURES, model.cpu, strict=True)},
        "wire": {feature.name: cost for feature, cost in zip(WIRE_FEATURES, model.wire, strict=True)},
        "posts": model.posts,
        "hold_s": model.hold_s,
        "memory": model.memory and asdict(model.memory),
        "ranges": ranking.ranges(model.points),
        "fresh": [
            {"where": clean(answer.place(point.where)), "p50_ns": point.p50_ns, "p99_ns": point.p99_ns}
            | {name: getattr(point.expected, name) for name in ranking.NEAREST}
            for point in model.points if point.p50_ns is not None and point.p99_ns is not None
        ],
        "services": [
            {"requests": point.expected.requests, "service_ns": point.service_ns}
            for point in model.points if point.service_ns is not None
        ],
    }  # fmt: skip
