"""What is reported of some faults only: of those that replace the server, slow one subscriber down, or need a proxy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.analysis.numbers.statistics import Verdict, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_controls import beside_control
from bench.analysis.runs.fault_matrix import FaultResult, trustworthy
from bench.analysis.runs.faults import by_block, grown_bytes, trials_under
from bench.report import noise
from bench.report.text import listed
from bench.results import EmulatedPath, SlowReader, Trial
from bench.scenarios import of_record
from bench.units import counted, factor, quantity


def details(cells: Cells, scenario: str, results: Sequence[FaultResult]) -> Iterator[str]:
    """The sentences that follow from what a scenario declares; none for most."""
    declared = of_record(scenario)
    if declared.replaces_server:
        yield from _unsent(cells, results)
    if declared.apart:
        yield from _neighbours(cells, results)
        yield from _growth(cells, results)
        yield from _slow_reader(cells, results)
    if declared.proxied:
        yield from _paths(cells, results)


def _trials(cells: Cells, result: FaultResult) -> list[Trial]:
    """The trials of a cell of the matrix with a reliable count."""
    return [trial for trial in trials_under(cells, result.fault, result.variant.name) if trustworthy(trial)]


def _unsent(cells: Cells, results: Sequence[FaultResult]) -> list[str]:
    """How many messages were due while there was no server."""
    trials = [trial for one in results for trial in _trials(cells, one)]
    counts = [trial.reconnects.unsent_messages for trial in trials if trial.reconnects is not None]
    if not any(counts):
        return []
    ends = " to ".join(f"{count:,}" for count in dict.fromkeys((min(counts), max(counts))))
    return [f"Of the lost messages, {ends} per trial were due while there was no server to take them."]


def _neighbours(cells: Cells, results: Sequence[FaultResult]) -> list[str]:
    """What the slow reader does to the p99 latency of the others."""
    comparisons = [(one, beside_control(cells, "latency_p99", one.fault, one.variant.name)) for one in results]
    paired = [(one, compared, compared.ratio) for one, compared in comparisons if compared.ratio is not None]
    if not paired:
        return ["There is no trial without a slow reader to compare with."]
    shown = [
        f"{one.variant.label} {factor(ratio.median)}"
        for one, compared, ratio in paired
        if compared.verdict in (Verdict.HIGHER, Verdict.LOWER)
    ]
    level = [one.variant.label for one, compared, _ in paired if compared.verdict is Verdict.NONE_SHOWN]
    few = [one.variant.label for one, compared, _ in paired if compared.verdict is Verdict.TOO_FEW]
    sentences = []
    if shown:
        sentences.append(f"The p99 latency of the other subscribers, with a slow reader : without: {listed(shown)}.")
    if level:
        what = "" if shown else " in the p99 latency of the other subscribers"
        sentences.append(f"No difference{what} is shown with {listed(level)}.")
    if few:
        sentences.append(f"There are too few trials to show a difference with {listed(few)}.")
    for fault in dict.fromkeys(one.fault for one in results):
        sentences += noise.about_steal(cells, fault)
    return sentences


def _growth(cells: Cells, results: Sequence[FaultResult]) -> list[str]:
    """How much the server's memory grew, and how much more than without a slow reader."""
    trials = [(one, trials_under(cells, one.fault, one.variant.name)) for one in results]
    grown = [
        (growth.median, one.variant.label)
        for one, held in trials
        if (growth := estimate(list(by_block(held, grown_bytes).values())))
    ]
    if not grown:
        return []
    ends = [f"{quantity(value, 'memory bytes')} ({label})" for value, label in dict.fromkeys((min(grown), max(grown)))]
    differences = [
        (one, beside_control(cells, "memory_growth", one.fault, one.variant.name).difference) for one in results
    ]
    more = [f"{one.variant.label} {quantity(by.median, 'memory bytes')}" for one, by in differences if by is not None]
    return [
        f"The largest growth of the server's memory was {' to '.join(ends)}.",
        *([f"More than without a slow reader: {listed(more)}."] if more else []),
    ]


def _slow_reader(cells: Cells, results: Sequence[FaultResult]) -> list[str]:
    """What happened to the slow reader itself."""
    by_outcome: dict[str, list[str]] = {}
    for one in results:
        for words in _outcomes([trial.slow_reader for trial in _trials(cells, one) if trial.slow_reader is not None]):
            by_outcome.setdefault(words, []).append(one.variant.label)
    return [f"The slow reader {words} with {listed(labels)}." for words, labels in by_outcome.items()]


def _outcomes(slow: Sequence[SlowReader]) -> list[str]:
    """What happened to it, over the trials of a variant."""
    lost, signalled = sum(one.lost for one in slow), sum(one.signalled for one in slow)
    outcomes = {
        "received corrupted messages": any(one.corrupted for one in slow),
        "was disconnected by the server": any(one.closed_by_server for one in slow),
        "lost messages, all within signalled gaps,": 0 < lost <= signalled,
        "lost messages that were not signalled": lost > signalled,
        "received every message in the end": bool(slow) and not lost,
    }
    return [words for words, holds in outcomes.items() if holds]


def _paths(cells: Cells, results: Sequence[FaultResult]) -> list[str]:
    """What every path does, as recorded in its trials."""
    by_path: dict[str, list[EmulatedPath]] = {}
    for one in results:
        for trial in trials_under(cells, one.fault, one.variant.name):
            if trial.emulated_path is not None:
                by_path.setdefault(trial.emulated_path.name, []).append(trial.emulated_path)
    paths = "; ".join(f"{name}: {held[0].description}{_incidents(held)}" for name, held in by_path.items())
    return [f"All paths are emulated: {paths}."] if paths else []


def _incidents(paths: Sequence[EmulatedPath]) -> str:
    """How often connections were reset, or directions stalled, in the trials of a path; empty for never."""
    incidents = []
    for word, counts in (("reset", [one.resets for one in paths]), ("stall", [one.stalls for one in paths])):
        if any(counts):
            least = f"{min(counts):,} to " if min(counts) < max(counts) else ""
            incidents.append(f"{least}{counted(max(counts), word)} per trial")
    return f" ({', '.join(incidents)})" if incidents else ""
