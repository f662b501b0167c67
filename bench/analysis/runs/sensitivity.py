"""What a comparison is worth: equal things must not be called different, and planted differences must be found.

An *experiment* is as many blocks as a run has. In each of them the same server runs four times with nothing planted, as
two pairs, and once with each planted difference. Every comparison is made as a report makes it (`statistics.compare`).
The noise floor under a pair of equal things is that of the other pair: its own would acquit it always.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.numbers.statistics import Estimate, Floor, Verdict, compare, noise_floor
from bench.analysis.trials.metrics import METRICS
from bench.results import Trial

NOTHING = ("nothing-1", "nothing-2"), ("nothing-3", "nothing-4")
"""The labels of two pairs of equal trials."""

WATCHED = ("latency_p50", "latency_p90", "latency_p99", "cpu")
"""The metrics on which equal things must be equal."""

MOST_ALARMS = 0.15
FEWEST_FOUND = 0.9


@dataclass(frozen=True, slots=True)
class Question:
    """A planted difference, a metric that must show it, and by which factor where that is known."""

    label: str
    words: str
    metric: str
    factor: float | None = None


QUESTIONS = (
    Question("late", "10 ms more on one delivery in five", "latency_p90"),
    Question("late", "10 ms more on one delivery in five", "latency_p99"),
    Question("busier", "20 % more server CPU per message", "cpu", 1.2),
)
"""What is late by a fifth of the deliveries is the upper tenth, and the slowest hundredth, which also holds every stall
of the machine: there a difference shows later."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a question over all experiments. `found` counts the right verdicts: of equal things that they were
    called different, of planted ones that they were called higher; `wrong` those with the wrong sign.
    """

    words: str
    metric: str
    planted: bool
    asked: int
    found: int
    wrong: int
    ratios: tuple[Estimate, ...]

    @property
    def met(self) -> bool:
        """Whether that is as it must be."""
        share = self.found / self.asked
        return self.wrong == 0 and (share >= FEWEST_FOUND if self.planted else share <= MOST_ALARMS)


def label_of(trial: Trial) -> str:
    """What the trial is in its block."""
    return trial.planned.place.partition("-sensitivity-")[2]


def outcomes(trials: Iterable[Trial], blocks: int) -> list[Outcome]:
    """All questions, asked of every complete experiment of so many blocks."""
    held: dict[int, dict[int, dict[str, Trial]]] = {}
    for trial in trials:
        if label_of(trial) and trial.valid:
            experiment = (trial.planned.block - 1) // blocks
            held.setdefault(experiment, {}).setdefault(trial.planned.block, {})[label_of(trial)] = trial
    experiments = [by_block for _, by_block in sorted(held.items())]
    equal = [found for metric in WATCHED if (found := _equal(metric, experiments))]
    return equal + [found for question in QUESTIONS if (found := _planted(question, experiments))]


Experiment = Mapping[int, Mapping[str, Trial]]


def _values(metric: str, label: str, experiment: Experiment) -> dict[int, float]:
    read = {block: METRICS[metric].of(trials[label]) for block, trials in experiment.items() if label in trials}
    return {block: value for block, value in read.items() if value is not None}


def _floor(metric: str, pairs: Sequence[tuple[str, str]], experiment: Experiment) -> Floor:
    twins: dict[int, list[tuple[float, float]]] = {}
    for pair in pairs:
        one, other = (_values(metric, label, experiment) for label in pair)
        for block in sorted(one.keys() & other.keys()):
            twins.setdefault(block, []).append((one[block], other[block]))
    return noise_floor(twins, METRICS[metric].grain)


def _equal(metric: str, experiments: Sequence[Experiment]) -> Outcome | None:
    verdicts, ratios = [], []
    for experiment in experiments:
        for pair, others in (NOTHING, NOTHING[::-1]):
            floor = _floor(metric, [others], experiment)
            one, other = (_values(metric, label, experiment) for label in pair)
            found = compare(other, one, floor)
            verdicts.append(found.verdict)
            ratios += [found.ratio] if found.ratio else []
    called = sum(verdict in (Verdict.HIGHER, Verdict.LOWER) for verdict in verdicts)
    told = sum(verdict is not Verdict.TOO_FEW for verdict in verdicts)
    return Outcome("nothing (equal servers)", metric, False, told, called, 0, tuple(ratios)) if told else None


def _planted(question: Question, experiments: Sequence[Experiment]) -> Outcome | None:
    verdicts, ratios = [], []
    for experiment in experiments:
        floor = _floor(question.metric, NOTHING, experiment)
        with_it, without = (_values(question.metric, label, experiment) for label in (question.label, NOTHING[0][0]))
        found = compare(with_it, without, floor)
        verdicts.append(found.verdict)
        ratios += [found.ratio] if found.ratio else []
    told = sum(verdict is not Verdict.TOO_FEW for verdict in verdicts)
    higher, lower = verdicts.count(Verdict.HIGHER), verdicts.count(Verdict.LOWER)
    return Outcome(question.words, question.metric, True, told, higher, lower, tuple(ratios)) if told else None
