"""The tables of the report as plain data: what was measured, predicted, left out, doubted, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bench.analysis import calibration as calibrations
from bench.analysis.answers import Question, answer
from bench.analysis.cells import Cells
from bench.analysis.doubts import doubts
from bench.analysis.findings import CHECKS, Check
from bench.analysis.laws import LawVerdict, Reading, read_laws
from bench.analysis.metrics import METRICS, Metric
from bench.analysis.statistics import FEWEST_TRIALS
from bench.report import noise
from bench.report.palette import family_order
from bench.results import Trial, VariantFacts
from bench.units import DASH, counted, interval, measured, percent, quantity, whole


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a table: text, interval, base-unit value to sort by (None: not measured), and whether it is the
    best or not shown to differ from it."""

    text: str
    interval: str
    value: float | None
    leads: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One variant of a table: how many of its trials are valid, and its values in the order of the columns."""

    variant: VariantFacts
    valid: int
    run: int
    values: list[Value]


@dataclass(frozen=True, slots=True)
class Table:
    """The numbers of one scenario, techniques and products apart, with the noise floor of every column; `note` says
    where nothing can be ranked."""

    scenario: str
    metrics: list[Metric]
    groups: list[tuple[str, list[Row]]]
    floors: list[str]
    note: str


def tables(cells: Cells, headline: bool) -> list[Table]:
    """One table per scenario, of the headline metrics or of all."""
    found = [_table(cells, scenario, headline) for scenario in cells.scenarios]
    return [table for table in found if table.metrics]


def _table(cells: Cells, scenario: str, headline: bool) -> Table:
    variants = family_order(cells.measured(scenario))
    metrics = [
        metric
        for metric in METRICS.values()
        if (metric.headline or not headline)
        and any(cells.values(metric.name, scenario, variant.name) for variant in variants)
    ]
    leaders = {metric.name: _leaders(cells, metric, scenario) for metric in metrics}
    run = [trial.planned.variant for trial in cells.compared if trial.planned.scenario == scenario]
    rows = [
        Row(
            variant,
            len(cells.valid(scenario, variant.name)),
            run.count(variant.name),
            [_value(cells, metric, scenario, variant, leaders[metric.name]) for metric in metrics],
        )
        for variant in variants
    ]
    groups = [
        (words, [row for row in rows if bool(row.variant.product) is product])
        for words, product in (("Techniques on neutral ground", False), ("Products as deployed", True))
    ]
    return Table(
        scenario,
        metrics,
        [(words, held) for words, held in groups if held],
        [noise.floor_words(cells, metric.name, scenario) for metric in metrics],
        too_few(cells, scenario),
    )


def too_few(cells: Cells, scenario: str) -> str:
    """Why nobody can be ranked in a scenario: no variant has enough blocks. Empty where one has."""
    blocks = [
        len({trial.planned.block for trial in cells.valid(scenario, variant.name)})
        for variant in cells.measured(scenario)
    ]
    if not blocks or max(blocks) >= FEWEST_TRIALS:
        return ""
    return f"Too few trials to rank anybody: {counted(max(blocks), 'block')}, {FEWEST_TRIALS} are needed."


def _leaders(cells: Cells, metric: Metric, scenario: str) -> set[str]:
    given = answer(cells, Question(metric.name, scenario, ""))
    if not given.decided or len(given.leaders) == len(given.entries):
        return set()
    return {leader.name for leader in given.leaders}


def _value(cells: Cells, metric: Metric, scenario: str, variant: VariantFacts, leaders: set[str]) -> Value:
    found = cells.estimate(metric.name, scenario, variant.name)
    if found is None:
        return Value(DASH, "", None, False)
    text, ends = quantity(found.median, metric.unit), interval(found, metric.unit)
    return Value(text, ends, found.median, variant.name in leaders)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One law beside one cell, in words."""

    reading: Reading
    expected: str
    measured: str
    met: bool


def readings(cells: Cells) -> list[Reading]:
    """Every law read against the variants that are compared; hidden ones are held against other things."""
    return read_laws(cells.run, cells.seen)


def predictions(cells: Cells) -> list[Prediction]:
    """Every law that could be tested."""
    return [
        Prediction(
            reading,
            " to ".join(quantity(end, reading.law.unit) for end in (reading.expected.low, reading.expected.high)),
            measured(reading.measured, reading.law.unit),
            reading.verdict is LawVerdict.MET,
        )
        for reading in readings(cells)
    ]


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One reading of the calibration in words: durations over the floor, counts as they are."""

    reading: calibrations.Reading
    injected: str
    read_back: str
    error: str
    tolerance: str


def calibration(cells: Cells) -> list[Calibrated]:
    """Everything that was planted and read back in the run."""
    return [calibrated(reading) for reading in calibrations.readings(cells.trials)]


def calibrated(reading: calibrations.Reading) -> Calibrated:
    """A reading in words."""
    injected, read_back, error = (
        whole(number, reading.unit) for number in (reading.injected, reading.read_back, reading.error)
    )
    return Calibrated(
        reading, injected, read_back, error, f"\N{PLUS-MINUS SIGN}{whole(reading.tolerance, reading.unit)}"
    )


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What is missing from the numbers above, and why."""

    skipped: list[VariantFacts]
    failed_variants: list[VariantFacts]
    failed: list[Trial]
    struck: list[Trial]
    missing: int
    sentence: str


def outcomes(cells: Cells) -> Outcomes:
    """Everything that was planned and did not become a valid trial."""
    run, trials = cells.run, cells.trials
    failed = [trial for trial in trials if trial.failure is not None]
    struck = [trial for trial in trials if trial.failure is None and not trial.valid]
    valid = len(trials) - len(failed) - len(struck)
    missing = len({planned.id for planned in run.plan} - {trial.planned.id for trial in trials})
    sentence = (
        f"{counted(len(run.plan), 'trial')} planned: {valid} valid, {len(struck)} struck out, {len(failed)} failed,"
        f" {missing} not run."
    )
    apart = [
        (len(cells.seen) - len(cells.compared), "were points of sweeps"),
        (len(trials) - len(cells.seen), "measured the instrument itself"),
    ]
    said = [f"{counted(number, 'trial')} {words}" for number, words in apart if number]
    if said:
        sentence += f" Of these, {' and '.join(said)}."
    return Outcomes(_with(run.variants, "skipped"), _with(run.variants, "failed"), failed, struck, missing, sentence)


def _with(variants: Iterable[VariantFacts], status: str) -> list[VariantFacts]:
    return [variant for variant in variants if variant.status == status]


@dataclass(frozen=True, slots=True)
class Doubt:
    """A finding that strikes nothing out: where it was made and what was seen. Without `trials`: of the whole run."""

    name: str
    trials: int | None
    cells: list[str]
    observation: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Trust:
    """What limits trust: findings beside the numbers, twins, missed laws, the harness itself, how late the publisher
    was, what the generator cost."""

    doubts: list[Doubt]
    sentences: list[str]
    twins: list[noise.Twins]
    checks: tuple[Check, ...]


def trust(cells: Cells) -> Trust:
    """What a sceptic asks first."""
    held: dict[str, list[Trial]] = {}
    for trial in cells.trials:
        for finding in trial.findings:
            if not finding.disqualifying:
                held.setdefault(finding.name, []).append(trial)
    found = [_doubt(name, trials) for name, trials in held.items()] + [
        Doubt(doubt.name, None, doubt.cells, doubt.observation, doubt.remedy) for doubt in doubts(cells)
    ]
    compared = [*about_laws(cells), *noise.about_twins(cells), *noise.about_harness(cells)] if cells.scenarios else []
    sentences = [
        *compared,
        *(told for told in (_slip(cells), _generator(cells), _room(cells)) if told),
    ]
    return Trust(found, sentences, noise.twins(cells), CHECKS)


def about_laws(cells: Cells) -> list[str]:
    """The laws that were missed, in words: each is a fault of the instrument until shown otherwise."""
    read = readings(cells)
    missed = [reading for reading in read if reading.verdict is not LawVerdict.MET]
    if not missed:
        return []
    said = ", ".join(f"{reading.law.name} ({reading.variant.label}, {reading.where})" for reading in missed)
    return [f"{counted(len(missed), 'law')} of {len(read)} missed: {said}. Until explained, doubt the instrument."]


def _doubt(name: str, trials: list[Trial]) -> Doubt:
    first = next(finding for finding in trials[0].findings if finding.name == name)
    cells = dict.fromkeys(f"{trial.planned.scenario} {trial.planned.variant}" for trial in trials)
    return Doubt(name, len(trials), list(cells), first.observation, first.remedy)


def _all(cells: Cells, metric: str) -> list[float]:
    values = [METRICS[metric].of(trial) for trial in cells.compared if trial.valid]
    return sorted(value for value in values if value is not None)


def _slip(cells: Cells) -> str:
    slips = _all(cells, "slip_p99")
    if not slips:
        return ""
    return (
        f"Publisher: in the middle trial 99 % of messages left within {quantity(slips[len(slips) // 2], 'ns')} of when"
        f" they were due, in the worst within {quantity(slips[-1], 'ns')}. Latency counts from when they were due."
    )


def _generator(cells: Cells) -> str:
    costs = _all(cells, "load_cpu")
    if not costs:
        return ""
    shares = [
        load.cpu_ns / trial.usage.window_ns
        for trial in cells.compared
        if trial.valid and trial.usage and trial.usage.window_ns
        for load in trial.usage.load
    ]
    return (
        f"Load generator: {quantity(costs[0], 'ns')} to {quantity(costs[-1], 'ns')} of CPU per received message; at its"
        f" busiest it used {percent(max(shares))} of a core."
    )


def _room(cells: Cells) -> str:
    lags, unread = _all(cells, "loop_lag_p99"), _all(cells, "unread_p50")
    if not lags:
        return ""
    said = (
        f"Its event loop came to 99 % of its alarms within {quantity(lags[len(lags) // 2], 'ns')} in the middle trial,"
        f" within {quantity(lags[-1], 'ns')} in the worst."
    )
    if unread:
        said += (
            f" Half of what it read had lain there for {quantity(unread[len(unread) // 2], 'ns')} or less in the"
            f" middle trial, {quantity(unread[-1], 'ns')} in the worst: so much of a latency is the generator's own."
        )
    return said
