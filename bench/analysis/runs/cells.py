"""All trials of a run by cell: the value of a metric in a cell, and how two variants compare in a scenario.

Values come from valid trials only. A cell has one value per block. Where a block runs a cell twice, the second trial is
its twin: it counts for the noise floor, and for the cell only in place of an invalid first trial, so that all cells
have equal weight. Hidden variants serve the instrument: they are in no comparison. The trials of a sweep, which have
one parameter changed, do not belong to the cell: they are its points, by the parameter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from bench.analysis.numbers.statistics import Estimate, Floor, Verdict, compare, compare_twins, estimate, noise_floor
from bench.analysis.trials.metrics import METRICS
from bench.paths import leads_elsewhere
from bench.results import Run, Trial, VariantFacts

HARNESS = "null"  # the hidden variant that only delivers: what is measured of it is the harness's own part


@dataclass(frozen=True, slots=True)
class Comparison:
    """A variant compared with a reference on one metric in one scenario, paired by block.

    ratio: None unless both are above zero in every common block; then the difference decides.
    difference: variant - reference, in the metric's unit; None without a common block.
    """

    variant: VariantFacts
    reference: VariantFacts
    ratio: Estimate | None
    difference: Estimate | None
    verdict: Verdict


class Cells:
    """A run's trials by scenario and variant. Values are computed at the first request and cached."""

    def __init__(self, run: Run, trials: Iterable[Trial]) -> None:
        self.run = run
        self.trials = sorted(trials, key=lambda trial: (trial.planned.position, trial.planned.id))
        self.facts = {variant.name: variant for variant in run.variants}
        self._hidden = {variant.name for variant in run.variants if variant.hidden}
        self._trials: dict[tuple[str, str], list[Trial]] = {}
        self._points: dict[tuple[str, str], list[Trial]] = {}
        self._values: dict[tuple[str, str, str], list[tuple[int, float]]] = {}
        self._blocks: dict[tuple[str, str, str], dict[int, list[float]]] = {}
        self._estimates: dict[tuple[str, str, str], Estimate | None] = {}
        self._floors: dict[tuple[str, str], Floor] = {}
        for trial in self.trials:
            if trial.valid:
                trials_of = self._points if self.is_point(trial) else self._trials
                trials_of.setdefault((trial.planned.scenario, trial.planned.variant), []).append(trial)

    def is_point(self, trial: Trial) -> bool:
        """Whether the trial is a point of a sweep: of a variant that is compared, with a parameter changed."""
        return bool(trial.planned.changes) and trial.planned.variant not in self._hidden

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios in which variants are compared, in the run's order."""
        return [scenario.name for scenario in self.run.scenarios if not scenario.hidden]

    @property
    def shown(self) -> list[VariantFacts]:
        """The variants that a report compares, measured or not: all but the hidden ones."""
        return [variant for variant in self.run.variants if not variant.hidden]

    @property
    def compared(self) -> list[Trial]:
        """The trials of all variants but the hidden ones, valid or not, in the order of the plan; without the points
        of sweeps."""
        return [trial for trial in self.shown_trials if not trial.planned.changes]

    @property
    def shown_trials(self) -> list[Trial]:
        """The trials of all variants but the hidden ones, valid or not, with the points of sweeps."""
        return [trial for trial in self.trials if trial.planned.variant not in self._hidden]

    @property
    def swept(self) -> list[tuple[str, str]]:
        """(scenario, parameter) of every sweep with a valid point, sorted."""
        points = [point for points in self._points.values() for point in points]
        return sorted({(point.planned.scenario, name) for point in points for name in point.planned.changes})

    def along(self, metric: str, scenario: str, variant: str, parameter: str) -> list[tuple[float, Estimate]]:
        """The estimate of a metric at every value of a swept parameter and at the cell's own value, ascending.

        Empty where no valid trial has the metric, or the parameter is not a number.
        """
        cell = (scenario, variant)
        points = [trial for trial in self._points.get(cell, []) if list(trial.planned.changes) == [parameter]]
        values: dict[float, dict[int, float]] = {}
        for trial in [*points, *self._trials.get(cell, [])]:
            at, value = trial.parameters.get(parameter), METRICS[metric].of(trial)
            if isinstance(at, int | float) and value is not None:
                values.setdefault(float(at), {}).setdefault(trial.planned.block, float(value))
        estimates = [(at, estimate(list(blocks.values()))) for at, blocks in sorted(values.items())]
        return [(at, one) for at, one in estimates if one is not None]

    def off_loopback(self, scenario: str) -> bool:
        """Whether a scenario was run over an emulated path: its numbers are then not those of loopback."""
        return any(one.name == scenario and leads_elsewhere(one.parameters) for one in self.run.scenarios)

    def excluded(self, scenario: str) -> dict[str, str]:
        """The variants that a scenario excludes, with the reason: "has no broker"."""
        return next((one.excluded for one in self.run.scenarios if one.name == scenario), {})

    def valid(self, scenario: str, variant: str) -> list[Trial]:
        """The valid trials of a cell with its twins, in the order of the plan."""
        return self._trials.get((scenario, variant), [])

    def measured(self, scenario: str) -> list[VariantFacts]:
        """The variants with a valid trial in a scenario, in the run's order, without the hidden ones."""
        return [variant for variant in self.shown if self.valid(scenario, variant.name)]

    def harness(self, scenario: str) -> list[Trial]:
        """The valid trials of the harness in a scenario; empty where the run has none."""
        facts = self.facts.get(HARNESS)
        return self.valid(scenario, HARNESS) if facts is not None and facts.hidden else []

    def values(self, metric: str, scenario: str, variant: str) -> list[tuple[int, float]]:
        """(block, value) of every valid trial of a cell that has the metric, with its twins."""
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
            self._estimates[key] = estimate([values[0] for _, values in sorted(blocks.items())])
        return self._estimates[key]

    @property
    def points(self) -> list[tuple[str, str, str]]:
        """(scenario, variant, point) of every point of a sweep with a valid trial; a point is `rate_hz=40`."""
        order = {(*cell, point_of(trial)): _order(trial) for cell, trials in self._points.items() for trial in trials}
        return sorted(order, key=lambda key: (*key[:2], order[key]))

    def by_block(self, metric: str, scenario: str, variant: str, point: str = "") -> dict[int, float]:
        """The value of a cell, or of a point of a sweep, in every block that has one."""
        if not point:
            return {block: values[0] for block, values in sorted(self._by_block(metric, scenario, variant).items())}
        trials = [trial for trial in self._points.get((scenario, variant), []) if point_of(trial) == point]
        read = {trial.planned.block: METRICS[metric].of(trial) for trial in trials}
        return {block: float(value) for block, value in sorted(read.items()) if value is not None}

    def compare(self, metric: str, scenario: str, variant: str, reference: str) -> Comparison:
        """A variant compared with a reference, paired by block."""
        ours, theirs = (self.by_block(metric, scenario, name) for name in (variant, reference))
        shown = compare(ours, theirs, self.floor(metric, scenario))
        return Comparison(self.facts[variant], self.facts[reference], shown.ratio, shown.difference, shown.verdict)

    def floor(self, metric: str, scenario: str) -> Floor:
        """The noise floor of a metric in a scenario, from all twins there. Without twins it is assumed, and at least as
        wide as the floors that the twins of other scenarios show. Never less than the metric can resolve."""
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
        floor = noise_floor(pairs, METRICS[metric].grain)
        return replace(floor, ratio=max(floor.ratio, METRICS[metric].resolution))

    def _widened(self, assumed: Floor, metric: str) -> Floor:
        """An assumed floor, at least as wide as those that the twins of other scenarios show."""
        floors = [assumed, *(self._floor(metric, scenario) for scenario in self.scenarios)]
        return replace(
            assumed,
            ratio=max(floor.ratio for floor in floors),
            difference=max(floor.difference for floor in floors),
        )

    def twins(self, metric: str, scenario: str) -> list[Comparison]:
        """The A/A comparison: every cell that was run twice in a block, its twin compared with its first trial. The
        verdict on equal trials should be that no difference is shown."""
        comparisons = []
        for variant, blocks in self._twins(metric, scenario):
            first, second = ({block: pair[side] for block, pair in blocks.items()} for side in (0, 1))
            shown = compare_twins(second, first, METRICS[metric].grain)
            comparisons.append(Comparison(variant, variant, shown.ratio, shown.difference, shown.verdict))
        return comparisons

    def twinned(self, metric: str, scenario: str) -> list[str]:
        """The variants with twins, from which the noise floor of a metric in a scenario comes."""
        return [variant.name for variant, _ in self._twins(metric, scenario)]

    def _twins(self, metric: str, scenario: str) -> list[tuple[VariantFacts, dict[int, tuple[float, float]]]]:
        """The two values by block of every cell with twins."""
        twins = []
        for variant in self.measured(scenario):
            blocks = self._by_block(metric, scenario, variant.name)
            pairs = {block: (values[0], values[1]) for block, values in blocks.items() if len(values) > 1}
            if pairs:
                twins.append((variant, pairs))
        return twins

    def _by_block(self, metric: str, scenario: str, variant: str) -> dict[int, list[float]]:
        """The values of a cell's trials in each block: of the first trial, then of its twin."""
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
    """The changed parameters of a trial: `rate_hz=40`; empty where it has none."""
    return ", ".join(f"{name}={value}" for name, value in trial.planned.changes.items())


def _order(trial: Trial) -> list[tuple[str, float, str]]:
    """A sort key: by name, then by value, numbers in numeric order."""
    return [
        (name, float(value) if isinstance(value, int | float) else 0.0, str(value))
        for name, value in trial.planned.changes.items()
    ]
