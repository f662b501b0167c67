"""What each variant costs per unit of work, fitted to everything that a run measured of it, and how well that predicts.

CPU per second is a sum of coefficients that are not negative times features of the load. A server that has nothing to
do pays for being woken, and finds its caches cold; one that is busy does not. Of E events per second the share that
find it cold is taken as 1 / (1 + E t), with one time t for the whole machine, found with the fit: so CPU per message
falls with load. Bytes per second are a sum of the same kind, beside the payload, which is known.

The check leaves every cell and every point of a sweep out in turn, with all its trials, fits anew (t as well) and
predicts it from its parameters alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench import scenarios
from bench.advice import loads
from bench.advice.held_out import HeldOut, Miss
from bench.advice.loads import Load, Memory, Point
from bench.analysis.numbers.non_negative import Floats, non_negative
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.delivery_mechanism import Mechanism, mechanism_of
from bench.analysis.trials.findings import judge
from bench.results import VariantFacts

# The times among which t is chosen.
COOLING_S = (0.0, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.02)
# What is used below this is fitted as if it were this: an idle server's noise must not outweigh a busy one's cost.
LEAST_CORES = 0.0005
# What one server process can use: one core.
WHOLE = 1.0


@dataclass(frozen=True, slots=True)
class Feature:
    """One kind of work. How much of it a load holds per second is the product of these amounts of the load; `cold` is
    the share of events that find the server cold."""

    name: str
    words: str
    amounts: tuple[str, ...]


# A connection that polls costs its polls: the rest of its cost cannot be separated from them.
CPU_FEATURES = (
    Feature("process", "a server that has nothing to do", ()),
    Feature("connections", "open connections", ("standing",)),
    Feature("bursts", "messages that find the server idle", ("arrivals", "cold")),
    Feature("deliveries", "deliveries", ("deliveries",)),
    Feature("delivered_bytes", "bytes delivered", ("deliveries", "payload_bytes")),
    Feature("upstream", "messages sent upstream", ("upstream",)),
    Feature("upstream_cold", "messages upstream that find it idle", ("upstream", "cold")),
    Feature("requests", "requests answered", ("requests",)),
    Feature("requests_cold", "requests that find it idle", ("scattered", "cold")),
)
WIRE_FEATURES = (
    Feature("deliveries", "framing of deliveries", ("deliveries",)),
    Feature("delivered_bytes", "framing by size", ("deliveries", "payload_bytes")),
    Feature("upstream", "framing upstream", ("upstream",)),
    Feature("requests", "requests and responses", ("requests",)),
)

# The sweeps that separate the kinds of work, (scenario, parameter), with the values that the scenario has for
# each: the poll interval concerns short polling alone, the rate of round trips what is sent upstream.
SWEEPS: Mapping[tuple[str, str], str] = {
    (scenario, parameter.name): ",".join(map(str, parameter.sweep))
    for scenario in (loads.FRESHNESS, loads.ROUND_TRIP)
    for parameter in scenarios.load(scenario).parameters
    if parameter.sweep
}


@dataclass(frozen=True, slots=True)
class Model:
    """The fitted costs of a variant: seconds of CPU and bytes per unit of each feature, in the order of the tables.

    posts: HTTP requests per message sent upstream; None where upstream was not measured. memory: None likewise.
    """

    variant: VariantFacts
    mechanism: Mechanism
    cooling_s: float
    cpu: tuple[float, ...]
    wire: tuple[float, ...]
    posts: float | None
    memory: Memory | None
    hold_s: float
    points: tuple[Point, ...]

    def cores(self, load: Load) -> float:
        """CPU seconds per second that a load asks for; more than 1 is more than one process has."""
        return float(np.dot(self.cpu, _row(CPU_FEATURES, load, self.cooling_s)))

    def parts(self, load: Load) -> list[tuple[Feature, float]]:
        """What of `cores` every kind of work takes."""
        amounts = _row(CPU_FEATURES, load, self.cooling_s)
        return [(feature, cost * amount) for feature, cost, amount in zip(CPU_FEATURES, self.cpu, amounts, strict=True)]

    def wire_bytes(self, load: Load) -> float:
        """Bytes on the wire per second, both ways, payload and TCP/IP headers among them."""
        payload = (load.deliveries + load.upstream) * load.payload_bytes
        return payload + float(np.dot(self.wire, _row(WIRE_FEATURES, load, self.cooling_s)))

    def delivery_s(self, payload_bytes: float) -> float:
        """CPU seconds of one more delivery to a server that is at it."""
        costs = dict(zip((feature.name for feature in CPU_FEATURES), self.cpu, strict=True))
        request_s = costs["requests"] if self.mechanism is Mechanism.LONG_POLL else 0.0
        return costs["deliveries"] + costs["delivered_bytes"] * payload_bytes + request_s


@dataclass(frozen=True, slots=True)
class Costs:
    """All models of a run in the run's order, what the others lack (parameters to sweep), and the check.

    saturated: how many of the trials fitted to have the finding "server saturated"; open_files: how many files a
    process may hold open on the machine measured, None where that is not known; unmeasured: the variants whose broker,
    a part of the server side, was not measured.
    """

    run: str
    models: tuple[Model, ...]
    lacking: tuple[tuple[VariantFacts, tuple[tuple[str, str], ...]], ...]
    held_out: HeldOut
    cooling_s: float
    saturated: int = 0
    open_files: int | None = None
    unmeasured: tuple[VariantFacts, ...] = ()

    @property
    def command(self) -> str:
        """The command that measures what is lacking for any variant; empty where nothing is."""
        sweeps = {one for _, lacks in self.lacking for one in lacks}
        return command(sorted(sweeps)) if sweeps else ""


def command(sweeps: Sequence[tuple[str, str]]) -> str:
    """The command that measures these sweeps beside everything else."""
    options = " ".join(f"--sweep {scenario}.{name}={SWEEPS[scenario, name]}" for scenario, name in sweeps)
    return f"python -m bench run {options}"


def fit(cells: Cells) -> Costs:
    """The costs of every variant of a run that has been measured at loads that tell the kinds of work apart."""
    measured = [variant for variant in cells.shown if variant.status == "measured"]
    points = {variant.name: loads.points(cells, variant) for variant in measured}
    unmeasured = [variant for variant in measured if not points[variant.name] and _broker_not_measured(cells, variant)]
    lacking = [
        (variant, lacks(points[variant.name], mechanism_of(variant)))
        for variant in measured
        if variant not in unmeasured
    ]
    enough = {variant.name: points[variant.name] for variant, lack in lacking if not lack}
    cooling_s = _cooling(_losses(enough))
    models = [_model(cells, variant, enough[variant.name], cooling_s) for variant in measured if variant.name in enough]
    return Costs(
        cells.run.name,
        tuple(models),
        tuple((variant, lack) for variant, lack in lacking if lack),
        _held_out(enough),
        cooling_s,
        _saturated(cells, enough),
        _open_files(cells),
        tuple(unmeasured),
    )


def _broker_not_measured(cells: Cells, variant: VariantFacts) -> bool:
    return any(trial.broker_not_measured for trial in cells.shown_trials if trial.planned.variant == variant.name)


def _saturated(cells: Cells, fitted: Mapping[str, object]) -> int:
    used = [
        trial for trial in cells.shown_trials
        if trial.valid and trial.planned.variant in fitted and trial.planned.scenario in loads.READERS
    ]  # fmt: skip
    return sum(any(finding.name == "server saturated" for finding in judge(trial)) for trial in used)


def _open_files(cells: Cells) -> int | None:
    limit = cells.run.environment.facts.get("open files limit", "")
    return int(limit) if limit.isascii() and limit.isdigit() and len(limit) < 16 else None


def lacks(points: Sequence[Point], mechanism: Mechanism) -> tuple[tuple[str, str], ...]:
    """The missing sweeps that separate the kinds of work: (scenario, parameter). Upstream needs none."""
    driven = [point.expected for point in points if point.scenario == loads.FRESHNESS]
    measured = {
        "subscribers": {load.subscribers for load in driven},
        "rate_hz": {load.publishes for load in driven},
        "payload_bytes": {load.payload_bytes for load in driven},
    }
    if mechanism is Mechanism.POLL:
        measured["poll_interval_s"] = {round(load.subscribers / load.requests, 6) for load in driven}
    return tuple((loads.FRESHNESS, name) for name, values in measured.items() if len(values) < 2)


def _model(cells: Cells, variant: VariantFacts, points: Sequence[Point], cooling_s: float) -> Model:
    posts = [point.posts for point in points if point.posts is not None]
    holds = [loads.number(trial, "hold_s", 25.0) for trial in cells.valid(loads.FRESHNESS, variant.name)]
    return Model(
        variant=variant,
        mechanism=mechanism_of(variant),
        cooling_s=cooling_s,
        cpu=tuple(_cpu(points, cooling_s)),
        wire=tuple(_wire(points)),
        posts=float(np.median(posts)) if posts else None,
        memory=loads.memory(cells, variant),
        hold_s=float(np.median(holds)) if holds else 25.0,
        points=tuple(points),
    )


def _row(features: Sequence[Feature], load: Load, cooling_s: float) -> list[float]:
    cold = 1.0 / (1.0 + load.events * cooling_s)
    return [
        math.prod((cold if name == "cold" else float(getattr(load, name)) for name in feature.amounts), start=1.0)
        for feature in features
    ]


def _system(points: Sequence[Point], cooling_s: float) -> tuple[Floats, Floats]:
    """Rows of features and what they cost, relative to the cost: every point weighs alike."""
    rows = np.array([_row(CPU_FEATURES, point.load, cooling_s) for point in points])
    used = np.array([point.cores for point in points])
    weights = 1.0 / np.maximum(used, LEAST_CORES)
    return rows * weights[:, None], used * weights


def _cpu(points: Sequence[Point], cooling_s: float) -> Floats:
    return non_negative(*_system(points, cooling_s))


def _wire(points: Sequence[Point]) -> Floats:
    overheads = [(point, point.overhead_bytes, point.wire_bytes) for point in points]
    counted = [(point, over, whole) for point, over, whole in overheads if over is not None and whole]
    if not counted:
        return np.zeros(len(WIRE_FEATURES))
    rows = np.array([_row(WIRE_FEATURES, point.load, 0.0) for point, _, _ in counted])
    over, whole = (np.array([each[place] for each in counted], dtype=np.float64) for place in (1, 2))
    return non_negative(rows / whole[:, None], over / whole)


def _loss(points: Sequence[Point], cooling_s: float) -> float:
    """The mean squared relative error of the fit."""
    rows, costs = _system(points, cooling_s)
    return float(np.mean((rows @ non_negative(rows, costs) - costs) ** 2))


def _losses(points_by_variant: Mapping[str, Sequence[Point]]) -> dict[str, list[float]]:
    return {name: [_loss(points, cooling_s) for cooling_s in COOLING_S] for name, points in points_by_variant.items()}


def _cooling(losses: Mapping[str, Sequence[float]]) -> float:
    """The time t that fits all variants best together, each weighing alike."""
    return COOLING_S[int(np.argmin(np.sum(list(losses.values()), axis=0)))] if losses else 0.0


def _held_out(points_by_variant: Mapping[str, Sequence[Point]]) -> HeldOut:
    """Every point that messages were delivered at, predicted without it."""
    losses = _losses(points_by_variant)
    misses: list[Miss] = []
    for name, points in points_by_variant.items():
        for place, point in enumerate(points):
            if point.scenario == loads.CONNECTION or point.cores <= 0:
                continue
            others = [*points[:place], *points[place + 1 :]]
            without = {**losses, name: [_loss(others, cooling_s) for cooling_s in COOLING_S]}
            misses += _missed(name, point, others, _cooling(without))
    return HeldOut(tuple(misses))


def _missed(name: str, point: Point, others: Sequence[Point], cooling_s: float) -> list[Miss]:
    cpu, wire = _cpu(others, cooling_s), _wire(others)
    load = batched(point.expected, cpu, cooling_s)
    predicted = min(float(cpu @ _row(CPU_FEATURES, load, cooling_s)), WHOLE)
    misses = [Miss(name, point.where, "cpu", predicted, point.cores)]
    if point.wire_bytes:
        carried = (load.deliveries + load.upstream) * load.payload_bytes
        bytes_ = carried + float(wire @ _row(WIRE_FEATURES, load, 0.0))
        misses.append(Miss(name, point.where, "wire", bytes_, point.wire_bytes))
    return misses


def batched(load: Load, cpu: Sequence[float] | Floats, cooling_s: float) -> Load:
    """The load of a server whose subscribers send their next request at once: where it has no more time, one response
    carries several messages, and there are as many responses as there is time for."""
    if load.spread or not load.requests:
        return load
    place = [feature.name for feature in CPU_FEATURES].index("requests")
    over = float(np.dot(cpu, _row(CPU_FEATURES, load, cooling_s))) - WHOLE
    if over <= 0 or cpu[place] <= 0:
        return load
    return replace(load, requests=max(0.0, load.requests - over / float(cpu[place])))
