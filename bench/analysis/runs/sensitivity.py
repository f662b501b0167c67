"""The error rates of comparisons: equal servers must not be called different, injected differences must be detected.

An *experiment* has as many blocks as a run. In each block the same server runs four times without a difference, as two
pairs, and once with each injected difference. Every comparison is the one of a report (`statistics.compare`). The noise
floor for a pair of equal servers is that of the other pair: with its own, no difference could ever be shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Compared, Estimate, Floor, Verdict, compare, noise_floor
from bench.analysis.trials.metrics import METRICS
from bench.results import Trial

EQUAL_PAIRS = ("nothing-1", "nothing-2"), ("nothing-3", "nothing-4")  # labels of two pairs of equal trials
EQUAL_METRICS = ("latency_p50", "latency_p90", "latency_p99", "cpu")  # on these equal servers must be equal

MOST_FALSE_ALARMS = 0.15
LEAST_POWER = 0.9


@dataclass(frozen=True, slots=True)
class InjectedDifference:
    """An injected difference, a metric that must show it, and the factor where it is known."""

    label: str
    words: str
    metric: str
    factor: float | None = None


# With a fifth of the deliveries late, p90 and p99 are latencies of late deliveries. p99 also contains all stalls of the
# machine, so it needs more trials to show the difference.
INJECTED_DIFFERENCES = (
    InjectedDifference("late", "10 ms more on one delivery in five", "latency_p90"),
    InjectedDifference("late", "10 ms more on one delivery in five", "latency_p99"),
    InjectedDifference("busier", "20 % more server CPU per message", "cpu", 1.2),
)


@dataclass(frozen=True, slots=True)
class ErrorRate:
    """The verdicts on one kind of comparison over all experiments. `comparisons` counts those with a verdict.
    `different` counts those called different (an injected difference: called higher), `wrong_sign` those called lower.
    """

    words: str
    metric: str
    injected: bool
    comparisons: int
    different: int
    wrong_sign: int
    ratios: tuple[Estimate, ...]

    @property
    def met(self) -> bool:
        """Whether there are few false alarms, or enough detections and none with the wrong sign."""
        share = self.different / self.comparisons
        return self.wrong_sign == 0 and (share >= LEAST_POWER if self.injected else share <= MOST_FALSE_ALARMS)


def label_of(trial: Trial) -> str:
    """The label of the trial in its block; empty for a trial of another kind."""
    return trial.planned.place.partition("-sensitivity-")[2]


def error_rates(trials: Iterable[Trial], blocks: int) -> list[ErrorRate]:
    """The error rates over all experiments of this number of blocks."""
    labelled: dict[int, dict[int, dict[str, Trial]]] = {}
    for trial in trials:
        if label_of(trial) and trial.valid:
            experiment = (trial.planned.block - 1) // blocks
            labelled.setdefault(experiment, {}).setdefault(trial.planned.block, {})[label_of(trial)] = trial
    experiments = [by_block for _, by_block in sorted(labelled.items())]
    rates = [_false_alarms(metric, experiments) for metric in EQUAL_METRICS]
    rates += [_detections(difference, experiments) for difference in INJECTED_DIFFERENCES]
    return [rate for rate in rates if rate is not None]


Experiment = Mapping[int, Mapping[str, Trial]]


def _values(metric: str, label: str, experiment: Experiment) -> dict[int, float]:
    values = {block: METRICS[metric].of(trials[label]) for block, trials in experiment.items() if label in trials}
    return {block: value for block, value in values.items() if value is not None}


def _floor(metric: str, pairs: Sequence[tuple[str, str]], experiment: Experiment) -> Floor:
    twins: dict[int, list[tuple[float, float]]] = {}
    for pair in pairs:
        one, other = (_values(metric, label, experiment) for label in pair)
        for block in sorted(one.keys() & other.keys()):
            twins.setdefault(block, []).append((one[block], other[block]))
    return noise_floor(twins, METRICS[metric].grain)


def _false_alarms(metric: str, experiments: Sequence[Experiment]) -> ErrorRate | None:
    """Of equal servers; None without a verdict."""
    compared = [
        _compared(metric, pair[::-1], [other_pair], experiment)
        for experiment in experiments
        for pair, other_pair in (EQUAL_PAIRS, EQUAL_PAIRS[::-1])
    ]
    return _rate("nothing (equal servers)", metric, False, (Verdict.HIGHER, Verdict.LOWER), (), compared)


def _detections(difference: InjectedDifference, experiments: Sequence[Experiment]) -> ErrorRate | None:
    """Of an injected difference; None without a verdict."""
    labels = (difference.label, EQUAL_PAIRS[0][0])
    compared = [_compared(difference.metric, labels, EQUAL_PAIRS, experiment) for experiment in experiments]
    return _rate(difference.words, difference.metric, True, (Verdict.HIGHER,), (Verdict.LOWER,), compared)


def _compared(
    metric: str, labels: tuple[str, str], twins: Sequence[tuple[str, str]], experiment: Experiment
) -> Compared:
    ours, theirs = (_values(metric, label, experiment) for label in labels)
    return compare(ours, theirs, _floor(metric, twins, experiment))


def _rate(
    words: str, metric: str, injected: bool, different: Collection[Verdict], wrong: Collection[Verdict],
    compared: Sequence[Compared],
) -> ErrorRate | None:  # fmt: skip
    verdicts = [one.verdict for one in compared if one.verdict is not Verdict.TOO_FEW]
    ratios = tuple(one.ratio for one in compared if one.ratio is not None)
    if not verdicts:
        return None
    called, wrongly = (sum(verdict in kinds for verdict in verdicts) for kinds in (different, wrong))
    return ErrorRate(words, metric, injected, len(verdicts), called, wrongly, ratios)
