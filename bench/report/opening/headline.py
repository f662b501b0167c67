"""The headline: one short computed sentence on the main technique.

First the techniques without a shown difference, then those with staler data, then the costs beside the nearest rival
(the one with the freshest data). Other losses are only named; the groups below the headline give the ratios.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.runs.claim_verdicts import ClaimVerdict, JudgedClaim
from bench.analysis.runs.claims import MAIN_TECHNIQUE
from bench.report import traced
from bench.report.text import capitalized, listed
from bench.report.traced import Number, Phrase

DECIDED = (ClaimVerdict.SUPPORTED, ClaimVerdict.NOT_SUPPORTED, ClaimVerdict.NO_DIFFERENCE)
# Themes on which the headline names techniques without a shown difference.
LEVEL = {"freshness": "freshness", "cpu": "CPU of a broadcast"}
# Themes on which it compares the main technique with its nearest rival.
COSTS = {"round-trip": "echo round trip", "cpu": "CPU of a broadcast", "cpu-echo": "echo CPU", "memory": "memory"}


def sentence(judged: Sequence[JudgedClaim]) -> Phrase:
    """The headline of the claims about the main technique."""
    measured = [one for one in judged if one.subject is not None]
    if not measured:
        return (f"This run has no valid trial of {MAIN_TECHNIQUE} on neutral ground, so it has no result on it.",)
    decided = [one for one in measured if one.verdict in DECIDED]
    if not decided:
        return (f"This run measured {MAIN_TECHNIQUE} on neutral ground, but cannot rank it.",)
    level = _level(decided)
    parts = [*level, _staler(decided, named=bool(level)), _fresher(decided), _costs(decided), _elsewhere(decided)]
    words: list[str | Number] = []
    for part in filter(None, parts):
        words += ["; ", *part] if words else part
    first = str(words[0])
    return (capitalized(first), *words[1:], ".")


def _level(judged: Sequence[JudgedClaim]) -> list[Phrase]:
    """The techniques without a shown difference from the main one, grouped by their themes."""
    on_what: dict[str, list[str]] = {}
    for name, words in LEVEL.items():
        for one in _about(judged, name, ClaimVerdict.NO_DIFFERENCE):
            if one.noisy:
                continue
            on_what.setdefault(one.claim.other.words, []).append(words)
    whom: dict[tuple[str, ...], list[str]] = {}
    for other, themes in on_what.items():
        whom.setdefault(tuple(themes), []).append(other)
    return [
        (
            f"{listed(others)} {'shows' if len(others) == 1 else 'each show'} no difference from {MAIN_TECHNIQUE} in"
            f" {' or '.join(themes)}",
        )
        for themes, others in whom.items()
    ]


def _staler(judged: Sequence[JudgedClaim], named: bool) -> Phrase:
    """The techniques with staler data, and the ratios; the main technique is omitted if already `named`."""
    beside = "" if named else f" as {MAIN_TECHNIQUE}"
    words: list[str | Number] = []
    for one in _about(judged, "freshness", ClaimVerdict.SUPPORTED):
        if number := _times(one):
            words += (
                [f", {one.claim.other.words} ", number]
                if words
                else [f"{one.claim.other.words} is ", number, f" as stale{beside}"]
            )
    return tuple(words)


def _fresher(judged: Sequence[JudgedClaim]) -> Phrase:
    """The techniques with fresher data than the main one."""
    words: list[str | Number] = []
    for one in _about(judged, "freshness", ClaimVerdict.NOT_SUPPORTED):
        if number := _times(one):
            words += [", " if words else f"{MAIN_TECHNIQUE} is ", number, f" as stale as {one.claim.other.words}"]
    return tuple(words)


def _costs(judged: Sequence[JudgedClaim]) -> Phrase:
    """The costs that are higher at the nearest rival, then those that are higher at the main technique."""
    rival = _nearest(judged)
    of_rival = [one for one in judged if one.claim.other.words == rival and one.claim.theme.name in COSTS]
    words: list[str | Number] = []
    sides = (
        (rival, ClaimVerdict.SUPPORTED, f"{MAIN_TECHNIQUE}'s", "its", ""),
        (MAIN_TECHNIQUE, ClaimVerdict.NOT_SUPPORTED, "the", "the", f" of {rival}"),
    )
    for who, verdict, first, later, after in sides:
        taken = [(number, COSTS[one.claim.theme.name]) for one in of_rival
                 if one.verdict is verdict and (number := _times(one))]  # fmt: skip
        for place, (number, theme) in enumerate(taken):
            between = " and " if place == len(taken) - 1 else ", "
            start = f"{', ' if words else ''}{who} {'' if words else 'takes '}"
            words += [between if place else start, number, f" {later if place else first} {theme}"]
        words += [after] if taken and after else []
    return tuple(words)


def _elsewhere(judged: Sequence[JudgedClaim]) -> Phrase:
    """The other themes on which the main technique loses, without numbers, or that it loses on none."""
    rival = _nearest(judged)
    lost = [one for one in judged if one.verdict is ClaimVerdict.NOT_SUPPORTED]
    if not lost:
        return (f"this run shows no loss of {MAIN_TECHNIQUE} on any theme",)
    at_rival = [one for one in lost if one.claim.other.words == rival and one.claim.theme.name in COSTS]
    if at_rival or _about(lost, "freshness", ClaimVerdict.NOT_SUPPORTED):
        return ()
    return (f"{MAIN_TECHNIQUE} loses on {listed(dict.fromkeys(one.claim.theme.short for one in lost))}",)


def _nearest(judged: Sequence[JudgedClaim]) -> str:
    """The rival with the freshest data, or, without any, the last that was compared."""
    fresh = [one for one in judged if one.claim.theme.name == "freshness" and one.other is not None]
    nearest = min(fresh, key=lambda one: one.other.estimate.median if one.other else 0.0) if fresh else judged[-1]
    return nearest.claim.other.words


def _about(judged: Sequence[JudgedClaim], theme: str, verdict: ClaimVerdict) -> list[JudgedClaim]:
    return [one for one in judged if one.claim.theme.name == theme and one.verdict is verdict]


def _times(judged: JudgedClaim) -> Number | None:
    """The ratio of the larger side to the smaller; None where one of them is zero."""
    theme, comparison = judged.claim.theme, judged.larger
    ratio = traced.compared(comparison, theme.metric, theme.scenario) if comparison else ()
    return ratio[0] if ratio and isinstance(ratio[0], Number) else None
