"""The paragraph of a scenario with faults: what was done, what was lost and signalled, and how long recovery took."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_matrix import FaultResult, Outcome
from bench.analysis.runs.faults import Fault, declared
from bench.report.parameters import filled
from bench.report.sections._fault_details import details
from bench.report.text import capitalized, listed
from bench.report.traced import plain
from bench.results import ScenarioFacts
from bench.units import SPACE, quantity


def paragraph(cells: Cells, scenario: str, results: Sequence[FaultResult]) -> list[str]:
    """A scenario in sentences: what was done, then what was measured."""
    (facts, *_) = [facts for facts in cells.run.scenarios if facts.name == scenario]
    done = _done(facts, dict.fromkeys(one.fault for one in results))
    measured = [one for one in results if one.outcome is not Outcome.ABSENT]
    if not measured:
        return [*done, "No trial of it has a reliable count.", *_absent(results)]
    return [
        *done,
        *_losses(measured),
        *_disorder(measured),
        *_recoveries(measured, declared(scenario).recovered),
        *details(cells, scenario, measured),
        *_absent(results),
    ]


def title(scenario: str) -> str:
    """The heading of a scenario."""
    return declared(scenario).title or scenario


def fault_words(fault: Fault) -> str:
    """What a fault is called."""
    named = declared(fault.scenario).named.get(fault.value)
    return named.name if named else fault.value or fault.name


def share(part: int, whole: int) -> str:
    """A part of the whole as a percentage; never 0 % where there is any."""
    if not part or not whole:
        return f"0{SPACE}%"
    return f"below 0.01{SPACE}%" if part / whole < 1e-4 else quantity(part / whole, "share")


def _done(facts: ScenarioFacts, faults: Iterable[Fault]) -> list[str]:
    """What was done, with the parameters of the run and the faults that it caused."""
    words = declared(facts.name)
    acts = [
        plain(filled(words.named[fault.value].done, facts)) if fault.value in words.named else fault.value
        for fault in faults
    ]
    return [plain(filled(words.done, facts, acts=", or ".join(acts)))] if words.done else []


def _by_fault(results: Sequence[FaultResult]) -> dict[Fault, list[FaultResult]]:
    by_fault: dict[Fault, list[FaultResult]] = {}
    for one in results:
        by_fault.setdefault(one.fault, []).append(one)
    return by_fault


def _losses(results: Sequence[FaultResult]) -> list[str]:
    """What was lost under every fault, and whether it was signalled; faults without any loss in one sentence."""
    by_fault = _by_fault(results)
    whole = [fault for fault, held in by_fault.items() if all(one.outcome is Outcome.WHOLE for one in held)]
    sentences = [_loss(fault, held, len(by_fault) > 1) for fault, held in by_fault.items() if fault not in whole]
    if whole and len(whole) == len(by_fault):
        return ["No delivery was lost."]
    if whole:
        sentences.append(f"No variant lost a delivery with {listed(fault_words(fault) for fault in whole)}.")
    return sentences


# In the order of the sentence, and what follows from it.
_LOST = (
    (Outcome.BROKEN, ", which breaks a promise"),
    (Outcome.SIGNALLED, ""),
    (Outcome.UNSIGNALLED, ", as delivery at most once allows"),
)


def _loss(fault: Fault, results: Sequence[FaultResult], several: bool) -> str:
    parts = [
        f"{_shares(held)}{words}"
        for outcome, words in _LOST
        if (held := [one for one in results if one.outcome is outcome])
    ]
    whole = [one.variant.label for one in results if one.outcome is Outcome.WHOLE]
    parts += [f"nothing with {listed(whole)}"] if whole else []
    head = f"{capitalized(fault_words(fault))}, lost" if several else "Lost"
    return f"{head} of all deliveries: {'; '.join(parts)}."


def _shares(results: Sequence[FaultResult]) -> str:
    """How much each variant lost, and how much of that was signalled."""
    shares = [f"{one.variant.label} {share(one.lost, one.expected)}" for one in results]
    if not any(one.unsignalled for one in results):
        return f"{listed(shares)}, all of it signalled"
    if not any(one.signalled for one in results):
        return f"{listed(shares)}, none of it signalled"
    parts = [share(one.unsignalled, one.lost) for one in results]
    return listed(f"{lost} ({part} of it not signalled)" for lost, part in zip(shares, parts, strict=True))


def _disorder(results: Sequence[FaultResult]) -> list[str]:
    disorders = [
        f"{one.variant.label} {' and '.join(parts)} ({fault_words(one.fault)})"
        for one in results
        if (parts := [f"{number:,} {words}" for number, words in disorder(one) if number])
    ]
    return [f"Also: {'; '.join(disorders)}."] if disorders else ["No delivery was repeated or out of order."]


def disorder(result: FaultResult) -> tuple[tuple[int, str], ...]:
    """The deliveries that were not lost and yet wrong: their number and what is wrong with them."""
    return ((result.duplicated, "repeated"), (result.reordered, "out of order"))


def _recoveries(results: Sequence[FaultResult], recovered: str) -> list[str]:
    """The shortest and the longest recovery under every fault, and the variants with unrecovered subscribers."""
    sentences = []
    by_fault = _by_fault(results)
    for fault, held in by_fault.items():
        times = [(one.recovery.median, one.variant.label) for one in held if one.recovery is not None]
        head = f"{capitalized(fault_words(fault))}: " if len(by_fault) > 1 else ""
        if times:
            ends = [f"{quantity(value, 'ns')} ({label})" for value, label in dict.fromkeys((min(times), max(times)))]
            sentences.append(capitalized(f"{head}{recovered or 'to recover'}, it took {' to '.join(ends)}."))
        never = [one.variant.label for one in held if one.unrecovered]
        if never:
            sentences.append(f"{head}at the end of a trial a subscriber had not recovered with {listed(never)}.")
    return [capitalized(sentence) for sentence in sentences]


def _absent(results: Sequence[FaultResult]) -> list[str]:
    """The variants that were measured elsewhere but not here, with the reason; a shared reason is given once."""
    reasons: dict[str, list[str]] = {}
    for one in results:
        if one.outcome is Outcome.ABSENT and one.variant.status == "measured":
            label = one.variant.label if _nowhere(one, results) else f"{one.variant.label} ({fault_words(one.fault)})"
            labels = reasons.setdefault(one.reason, [])
            if label not in labels:
                labels.append(label)
    return [f"Not measured: {listed(labels)} ({reason})." for reason, labels in reasons.items()]


def _nowhere(result: FaultResult, results: Sequence[FaultResult]) -> bool:
    """Whether the variant is missing under every fault of the scenario."""
    return all(one.outcome is Outcome.ABSENT for one in results if one.variant == result.variant)
