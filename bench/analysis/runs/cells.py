"""All trials of a run, asked by cell: what a metric is in a cell, and how two variants compare in a scenario.

Only valid trials are asked. A cell has one number per block. Where a block runs a cell twice, the second trial is its
twin: it serves the noise floor and enters the cell's number only in place of a first that is not valid, so that every
cell weighs alike. Hidden variants serve the instrument: they are asked by name, and are compared with nobody. Trials
that a sweep ran with one parameter changed are no trials of the cell: they are its points, asked by the parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.analysis.numbers.statistics import Estimate, Floor, Verdict, compare, compare_twins, estimate, noise_floor
from bench.analysis.trials.metrics import METRICS
from bench.paths import leads_elsewhere
from bench.results import Run, Trial, VariantFacts

HARNESS = "null"
"""The hidden variant that does nothing but deliver: what is measured of it is the harness's own part."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant against a reference on one metric in one scenario, paired by block, and what that shows.

    ratio: None unless both are above zero in every block they share; then only the difference can be told.
    difference: variant - reference, in the metric's unit; None where they share no block.
    """

    variant: VariantFacts
    reference: VariantFacts
    ratio: Estimate | None
    difference: Estimate | None
    verdict: Verdict


class Cells:
    """A run's trials by scenario and variant. Values are computed when first asked for and then remembered."""

    def __init__(self, run: Run, trials: Iterable[Trial]) -> None:
        self.run = run
        self.trials = sorted(trials, key=lambda trial: (trial.planned.position, trial.planned.id))
        self.facts = {variant.name: variant for variant in run.variants}
        self._hidden = {variant.name for variant in run.variants if variant.hidden}
        self._held: dict[tuple[str, str], list[Trial]] = {}
        self._points: dict[tuple[str, str], list[Trial]] = {}
        self._values: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
        self._blocks: dict[tuple[str, str, str], dict[int, list[float]]] = {}
        self._estimates: dict[tuple[str, str, str], Estimate | None] = {}
        self._floors: dict[tuple[str, str], Floor] = {}
        for trial in self.trials:
            if trial.valid:
                held = self._points if self.is_point(trial) else self._held
                held.setdefault((trial.planned.scenario, trial.planned.variant), []).append(trial)

    def is_point(self, trial: Trial) -> bool:
        """Whether a sweep ran it: it is a trial of a variant to be compared, and differs from its scenario."""
        return bool(trial.planned.changes) and trial.planned.variant not in self._hidden

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios of the run in which variants are compared, in its order."""
        return [scenario.name for scenario in self.run.scenarios if not scenario.hidden]

    @property
    def shown(self) -> list[VariantFacts]:
        """The variants that a report compares, measured or not: all but the hidden ones."""
        return [variant for variant in self.run.variants if not variant.hidden]

    @property
    def compared(self) -> list[Trial]:
        """The trials of all variants but the hidden ones, valid or not, in the order of the plan; without the points
        of sweeps."""
        return [trial for trial in self.seen if not trial.planned.changes]

    @property
    def seen(self) -> list[Trial]:
        """The trials of all variants but the hidden ones, points of sweeps among them, valid or not."""
        return [trial for trial in self.trials if trial.planned.variant not in self._hidden]

    @property
    def swept(self) -> list[tuple[str, str]]:
        """(scenario, parameter) of every sweep with a valid point, sorted."""
        points = [trial for held in self._points.values() for trial in held]
        return sorted({(point.planned.scenario, name) for point in points for name in point.planned.changes})

    def along(self, metric: str, scenario: str, variant: str, parameter: str) -> list[tuple[float, Estimate]]:
        """The estimate of a metric at every value of a swept parameter, the cell's own value among them, ascending.

        Empty where no valid trial has the metric, or the parameter is no number.
        """
        cell = (scenario, variant)
        points = [trial for trial in self._points.get(cell, []) if list(trial.planned.changes) == [parameter]]
        values: dict[float, dict[int, float]] = {}
        for trial in [*points, *self._held.get(cell, [])]:
            at, value = trial.parameters.get(parameter), METRICS[metric].of(trial)
            if isinstance(at, int | float) and value is not None:
                values.setdefault(float(at), {}).setdefault(trial.planned.block, float(value))
        found = [(at, estimate(list(blocks.values()))) for at, blocks in sorted(values.items())]
        return [(at, known) for at, known in found if known is not None]

    def elsewhere(self, scenario: str) -> bool:
        """Whether a scenario was run over a path that is not direct: its numbers are then not those of loopback."""
        return any(one.name == scenario and leads_elsewhere(one.parameters) for one in self.run.scenarios)

    def apart(self, scenario: str) -> dict[str, str]:
        """The variants that have no part in a scenario, and why: "has no broker"."""
        return next((one.excluded for one in self.run.scenarios if one.name == scenario), {})

    def valid(self, scenario: str, variant: str) -> list[Trial]:
        """The valid trials of a cell, twins among them, in the order of the plan."""
        return self._held.get((scenario, variant), [])

    def measured(self, scenario: str) -> list[VariantFacts]:
        """The variants with at least one valid trial in a scenario, in the run's order; never a hidden one."""
        return [variant for variant in self.shown if self.valid(scenario, variant.name)]

    def harness(self, scenario: str) -> list[Trial]:
        """The valid trials of the harness itself in a scenario; none where the run has none."""
        facts = self.facts.get(HARNESS)
        return self.valid(scenario, HARNESS) if facts is not None and facts.hidden else []

    def values(self, metric: str, scenario: str, variant: str) -> list[tuple[int, float]]:
        """(block, value) of every valid trial of a cell that has the metric, twins among them."""
        key = (metric, scenario, variant)
        if key not in self._values:
            read = [(trial.planned.block, METRICS[metric].of(trial)) for trial in self.valid(scenario, variant)]
            self._values[key] = [(block, float(value)) for block, value in read if value is not None]
        return self._values[key]

    def estimate(self, metric: str, scenario: str, variant: str) -> Estimate | None:
        """The median of a metric over the blocks of a cell; None where no valid trial has it."""
        key = (metric, scenario, variant)
        if key not in self._estimates:
            blocks = self._by_block(*key)
            self._estimates[key] = estimate([held[0] for _, held in sorted(blocks.items())])
        return self._estimates[key]

    @property
    def points(self) -> list[tuple[str, str, str]]:
        """(scenario, variant, point) of every point of a sweep with a valid trial; a point is `rate_hz=40`."""
        held = {(*cell, point_of(trial)): _order(trial) for cell, trials in self._points.items() for trial in trials}
        return sorted(held, key=lambda key: (*key[:2], held[key]))

    def by_block(self, metric: str, scenario: str, variant: str, point: str = "") -> dict[int, float]:
        """The one number of a cell, or of a point of a sweep, in every block that has it."""
        if not point:
            return {block: held[0] for block, held in sorted(self._by_block(metric, scenario, variant).items())}
        trials = [trial for trial in self._points.get((scenario, variant), []) if point_of(trial) == point]
        read = {trial.planned.block: METRICS[metric].of(trial) for trial in trials}
        return {block: float(value) for block, value in sorted(read.items()) if value is not None}

    def compare(self, metric: str, scenario: str, variant: str, reference: str) -> Comparison:
        """A variant against a reference, paired by block."""
        ours, theirs = (
            {block: held[0] for block, held in self._by_block(metric, scenario, name).items()}
            for name in (variant, reference)
        )
        found = compare(ours, theirs, self.floor(metric, scenario))
        return Comparison(self.facts[variant], self.facts[reference], found.ratio, found.difference, found.verdict)

    def floor(self, metric: str, scenario: str) -> Floor:
        """The noise floor of a metric in a scenario, from all twins there. Without any it is assumed: as wide as the
        widest that twins of other scenarios show, if that is more. Never less than the metric can tell."""
        key = (metric, scenario)
        if key not in self._floors:
            own = self._floor(metric, scenario)
            self._floors[key] = own if own.measured else self._widened(own, metric)
        return self._floors[key]

    def _floor(self, metric: str, scenario: str) -> Floor:
        pairs: dict[int, list[tuple[float, float]]] = {}
        for _, blocks in self._twins(metric, scenario):
            for block, pair in blocks.items():
                pairs.setdefault(block, []).append(pair)
        found = noise_floor(pairs, METRICS[metric].grain)
        return replace(found, ratio=max(found.ratio, METRICS[metric].resolution))

    def _widened(self, assumed: Floor, metric: str) -> Floor:
        """An assumed floor, no narrower than any that twins of other scenarios show."""
        floors = [assumed, *(self._floor(metric, scenario) for scenario in self.scenarios)]
        return replace(
            assumed,
            ratio=max(floor.ratio for floor in floors),
            difference=max(floor.difference for floor in floors),
        )

    def twins(self, metric: str, scenario: str) -> list[Comparison]:
        """The A/A comparison: every cell that was run twice in a block, its twin against itself. The verdict of equal
        things should be that no difference is shown."""
        found = []
        for variant, blocks in self._twins(metric, scenario):
            first, second = ({block: pair[side] for block, pair in blocks.items()} for side in (0, 1))
            shown = compare_twins(second, first, METRICS[metric].grain)
            found.append(Comparison(variant, variant, shown.ratio, shown.difference, shown.verdict))
        return found

    def twinned(self, metric: str, scenario: str) -> list[str]:
        """The variants whose twins the noise floor of a metric in a scenario comes from."""
        return [variant.name for variant, _ in self._twins(metric, scenario)]

    def _twins(self, metric: str, scenario: str) -> list[tuple[VariantFacts, dict[int, tuple[float, float]]]]:
        """Of every cell with twins, their two values by block."""
        found = []
        for variant in self.measured(scenario):
            held = self._by_block(metric, scenario, variant.name)
            pairs = {block: (values[0], values[1]) for block, values in held.items() if len(values) > 1}
            if pairs:
                found.append((variant, pairs))
        return found

    def _by_block(self, metric: str, scenario: str, variant: str) -> dict[int, list[float]]:
        """The values of a cell's trials in each block: the first as planned, then its twin."""
        key = (metric, scenario, variant)
        if key in self._blocks:
            return self._blocks[key]
        blocks = self._blocks.setdefault(key, {})
        for trial in sorted(self.valid(scenario, variant), key=lambda trial: trial.planned.place):
            value = METRICS[metric].of(trial)
            if value is not None:
                blocks.setdefault(trial.planned.block, []).append(float(value))
        return blocks


def point_of(trial: Trial) -> str:
    """In what a trial differs from its scenario: `rate_hz=40`; empty where in nothing."""
    return ", ".join(f"{name}={value}" for name, value in trial.planned.changes.items())


def _order(trial: Trial) -> list[tuple[str, float, str]]:
    """By name, then by value, numbers as numbers."""
    return [
        (name, float(value) if isinstance(value, int | float) else 0.0, str(value))
        for name, value in trial.planned.changes.items()
    ]
