"""Every kind of fault in sentences: what was done, what was lost and who said so, who was back when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bench.analysis.numbers.statistics import Verdict, estimate
from bench.analysis.runs.cells import Cells
from bench.analysis.runs.fault_controls import beside_control
from bench.analysis.runs.fault_matrix import FaultResult, Outcome, trustworthy
from bench.analysis.runs.faults import Fault, by_block, grown_bytes, trials_under
from bench.report import noise
from bench.report.sections._fault_names import NAMES, fault_words, what_was_done
from bench.report.text import listed
from bench.results import EmulatedPath, Trial
from bench.units import SPACE, counted, factor, quantity


def paragraph(cells: Cells, scenario: str, harms: Sequence[FaultResult]) -> list[str]:
    """A scenario in sentences: first what was done, then what was seen."""
    (facts, *_) = [facts for facts in cells.run.scenarios if facts.name == scenario]
    done = what_was_done(NAMES[scenario], facts.parameters, dict.fromkeys(one.fault for one in harms))
    measured = [one for one in harms if one.outcome is not Outcome.ABSENT]
    if not measured:
        return [done, "No trial of it says anything.", *_absent(harms)]
    parts = [_losses(measured), _disorder(measured), _recoveries(measured, NAMES[scenario].recovered)]
    parts += [told(cells, measured) for told in PARTICULARS.get(scenario, ())]
    parts.append(_absent(harms))
    return [done, *(sentence for held in parts for sentence in held)]


def share(part: int, whole: int) -> str:
    """A part of the whole as a percentage; never 0 % where there is any."""
    if not part or not whole:
        return f"0{SPACE}%"
    return f"below 0.01{SPACE}%" if part / whole < 1e-4 else quantity(part / whole, "share")


def _by_fault(harms: Sequence[FaultResult]) -> dict[Fault, list[FaultResult]]:
    found: dict[Fault, list[FaultResult]] = {}
    for one in harms:
        found.setdefault(one.fault, []).append(one)
    return found


def _losses(harms: Sequence[FaultResult]) -> list[str]:
    """What was lost under every fault, and whether anybody said so; faults without any loss in one sentence."""
    faults = _by_fault(harms)
    whole = [fault for fault, held in faults.items() if all(one.outcome is Outcome.WHOLE for one in held)]
    sentences = [_loss(fault, held, several=len(faults) > 1) for fault, held in faults.items() if fault not in whole]
    if whole and len(whole) == len(faults):
        return ["Nothing that is counted here was lost."]
    if whole:
        sentences.append(f"Nobody lost anything with {listed(fault_words(fault) for fault in whole)}.")
    return sentences


LOST = (
    (Outcome.BROKEN, ", which breaks a promise"),
    (Outcome.SIGNALLED, ""),
    (Outcome.UNSIGNALLED, ", as delivery at most once allows"),
)
"""In this order, and what follows from it."""


def _loss(fault: Fault, harms: Sequence[FaultResult], several: bool) -> str:
    parts = [
        f"{_shares(held)}{words}"
        for outcome, words in LOST
        if (held := [one for one in harms if one.outcome is outcome])
    ]
    whole = [one.variant.label for one in harms if one.outcome is Outcome.WHOLE]
    parts += [f"nothing with {listed(whole)}"] if whole else []
    head = f"{fault_words(fault)[0].upper()}{fault_words(fault)[1:]}, lost" if several else "Lost"
    return f"{head} of all deliveries: {'; '.join(parts)}."


def _shares(harms: Sequence[FaultResult]) -> str:
    """Who lost how much, and how much of that was signalled."""
    shares = [f"{one.variant.label} {share(one.lost, one.expected)}" for one in harms]
    if not any(one.unsignalled for one in harms):
        return f"{listed(shares)}, all of it signalled"
    if not any(one.signalled for one in harms):
        return f"{listed(shares)}, all of it without a word"
    parts = [share(one.unsignalled, one.lost) for one in harms]
    return listed(f"{lost} ({part} of it without a word)" for lost, part in zip(shares, parts, strict=True))


def _disorder(harms: Sequence[FaultResult]) -> list[str]:
    told = [
        f"{one.variant.label} {' and '.join(parts)} ({fault_words(one.fault)})"
        for one in harms
        if (parts := [f"{number:,} {words}" for number, words in
                      ((one.duplicated, "repeated"), (one.reordered, "out of order")) if number])
    ]  # fmt: skip
    return [f"Beyond that: {'; '.join(told)}."] if told else ["Nothing came twice or out of order."]


def _recoveries(harms: Sequence[FaultResult], recovered: str) -> list[str]:
    """The quickest and the slowest under every fault, and who never recovered."""
    sentences = []
    faults = _by_fault(harms)
    for fault, held in faults.items():
        known = [(one.recovery.median, one.variant.label) for one in held if one.recovery is not None]
        head = f"{fault_words(fault)[0].upper()}{fault_words(fault)[1:]}: " if len(faults) > 1 else ""
        if known:
            ends = [f"{quantity(value, 'ns')} ({label})" for value, label in dict.fromkeys((min(known), max(known)))]
            sentence = f"{head}{recovered}, it took {' to '.join(ends)}."
            sentences.append(sentence[0].upper() + sentence[1:])
        never = [one.variant.label for one in held if one.unrecovered]
        if never:
            sentences.append(f"{head}somebody had not recovered at the end of a trial with {listed(never)}.")
    return sentences


def _absent(harms: Sequence[FaultResult]) -> list[str]:
    """Who is not in it, though measured elsewhere, and why; a reason that many share is told once."""
    reasons: dict[str, list[str]] = {}
    for one in harms:
        if one.outcome is Outcome.ABSENT and one.variant.status == "measured":
            label = one.variant.label if _nowhere(one, harms) else f"{one.variant.label} ({fault_words(one.fault)})"
            held = reasons.setdefault(one.reason, [])
            if label not in held:
                held.append(label)
    return [f"Not measured: {listed(labels)} ({reason})." for reason, labels in reasons.items()]


def _nowhere(harm: FaultResult, harms: Sequence[FaultResult]) -> bool:
    """Whether the variant is missing under every fault of the scenario."""
    return all(one.outcome is Outcome.ABSENT for one in harms if one.variant == harm.variant)


Told = Callable[[Cells, Sequence[FaultResult]], list[str]]


def _unsent(cells: Cells, harms: Sequence[FaultResult]) -> list[str]:
    """How many messages had no server to be handed to."""
    held = [trial for one in harms for trial in trials_under(cells, one.fault, one.variant.name) if trustworthy(trial)]
    counts = [trial.reconnects.unsent_messages for trial in held if trial.reconnects is not None]
    if not any(counts):
        return []
    ends = " to ".join(f"{count:,}" for count in dict.fromkeys((min(counts), max(counts))))
    return [f"Of what was lost, {ends} messages of a trial could be handed to nobody, because no server was there."]


def _neighbours(cells: Cells, harms: Sequence[FaultResult]) -> list[str]:
    """What the slow one does to the slowest hundredth of the others' latencies."""
    found = [(one, beside_control(cells, "latency_p99", one.fault, one.variant.name)) for one in harms]
    known = [(one, compared, compared.ratio) for one, compared in found if compared.ratio is not None]
    if not known:
        return ["There is no trial without a slow one to compare with."]
    shown = [
        f"{one.variant.label} {factor(ratio.median)}"
        for one, compared, ratio in known
        if compared.verdict in (Verdict.HIGHER, Verdict.LOWER)
    ]
    level = [one.variant.label for one, compared, _ in known if compared.verdict is Verdict.NONE_SHOWN]
    few = [one.variant.label for one, compared, _ in known if compared.verdict is Verdict.TOO_FEW]
    told = (
        [f"Beside the slow one, the others' latency at 99\u00a0% is this many times that without it: {listed(shown)}."]
        if shown
        else []
    )
    what = "it" if shown else "the others' latency at 99\u00a0%"
    told += [f"No change of {what} is shown with {listed(level)}."] if level else []
    told += [f"Too few trials to tell with {listed(few)}."] if few else []
    return told + [sentence for fault in _by_fault(harms) for sentence in noise.about_steal(cells, fault)]


def _growth(cells: Cells, harms: Sequence[FaultResult]) -> list[str]:
    """How much the memory of the server grew, and how much more than where nobody was slow."""
    grown = [
        (known.median, one.variant.label)
        for one in harms
        if (known := estimate(list(by_block(trials_under(cells, one.fault, one.variant.name), grown_bytes).values())))
    ]
    ends = (
        [f"{quantity(value, 'memory bytes')} ({label})" for value, label in dict.fromkeys((min(grown), max(grown)))]
        if grown
        else []
    )
    if not ends:
        return []
    told = [f"The memory of the server grew by {' to '.join(ends)} at most."]
    beside = [(one, beside_control(cells, "memory_growth", one.fault, one.variant.name).difference) for one in harms]
    more = [
        f"{one.variant.label} {quantity(apart.median, 'memory bytes')}" for one, apart in beside if apart is not None
    ]
    return told + ([f"Less what it grew where nobody was slow, that leaves: {listed(more)}."] if more else [])


def _slow_one(cells: Cells, harms: Sequence[FaultResult]) -> list[str]:
    """What became of the slow one itself."""
    fates: dict[str, list[str]] = {}
    for one in harms:
        trials = [trial for trial in trials_under(cells, one.fault, one.variant.name) if trustworthy(trial)]
        for words in _fate(trials):
            fates.setdefault(words, []).append(one.variant.label)
    return [f"The slow one {words} with {listed(labels)}." for words, labels in fates.items()]


def _fate(trials: Sequence[Trial]) -> list[str]:
    """What happened to it, over the trials of a variant."""
    slow = [trial.slow_reader for trial in trials if trial.slow_reader is not None]
    lost, signalled = sum(one.lost for one in slow), sum(one.signalled for one in slow)
    words = {
        "received torn or altered messages": any(one.corrupted for one in slow),
        "was cut off by the server": any(one.closed_by_server for one in slow),
        "lost messages, all within signalled gaps,": 0 < lost <= signalled,
        "lost messages unsaid": lost > signalled,
        "got every message in the end": bool(slow) and not lost,
    }
    return [said for said, holds in words.items() if holds]


def _paths(cells: Cells, harms: Sequence[FaultResult]) -> list[str]:
    """What every path does, as its trials say."""
    held: dict[str, list[EmulatedPath]] = {}
    for one in harms:
        for trial in trials_under(cells, one.fault, one.variant.name):
            if trial.emulated_path is not None:
                held.setdefault(trial.emulated_path.name, []).append(trial.emulated_path)
    told = "; ".join(f"{path}: {seen[0].description}{_befell(seen)}" for path, seen in held.items())
    return [f"The paths, none of them a real one: {told}."] if told else []


def _befell(seen: Sequence[EmulatedPath]) -> str:
    """How often connections were reset, or directions stalled, in the trials of a path; empty for never."""
    told = []
    for word, counts in (("reset", [one.resets for one in seen]), ("stall", [one.stalls for one in seen])):
        if any(counts):
            least = f"{min(counts):,} to " if min(counts) < max(counts) else ""
            told.append(f"{least}{counted(max(counts), word)} in a trial")
    return f" ({', '.join(told)})" if told else ""


PARTICULARS: Mapping[str, tuple[Told, ...]] = {
    "restart": (_unsent,),
    "slow_reader": (_neighbours, _growth, _slow_one),
    "lossy": (_paths,),
}
"""What is told of one scenario alone."""
