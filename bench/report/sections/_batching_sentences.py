"""Batching in sentences: from which rate on a response carries several messages, and where polling then costs less."""

from __future__ import annotations

from collections.abc import Sequence

from bench.analysis.runs import batching
from bench.analysis.runs.batching import Crossing, Place
from bench.analysis.runs.cells import Cells
from bench.report.text import listed
from bench.report.traced import Phrase
from bench.units import factor, measured, quantity

QUESTION = (
    "Batching: at a higher rate one response carries several messages. From which rate on, and does polling then cost"
    " the server less than pushing?"
)
COMMAND = f"python -m bench run -s {batching.SCENARIO} --sweep {batching.SCENARIO}.{batching.PARAMETER}=1,5,80,320"


def answers(cells: Cells) -> list[Phrase]:
    """A sentence per polling variant: when its responses carry several messages, then its CPU beside pushing ones."""
    by_variant: dict[str, list[Crossing]] = {}
    for one in batching.crossings(cells):
        by_variant.setdefault(one.variant.name, []).append(one)
    return [
        (" ".join([*(_several(one) for one in crossings if one.other is None), *_cheaper(crossings)]),)
        for crossings in by_variant.values()
    ]


def _rate(hz: float) -> str:
    return quantity(hz, "per s")


def _several(one: Crossing) -> str:
    several, low, high = f"{batching.SEVERAL:g} messages", _rate(one.low_hz), _rate(one.high_hz)
    words = {
        Place.WITHIN: f"carries {several} from {measured(one.rate_hz, 'per s')} on",
        Place.BELOW: f"carries {several} or more at every measured rate, from {low} on",
        Place.ABOVE: f"carries fewer than {several} at every measured rate, {low} to {high}",
        Place.UNDECIDED: f"carries {several} in some blocks of this run and not in others, up to {high}",
    }
    batch = quantity(one.at_high, "count")
    return f"{one.variant.label}: one response {words[one.place]}; at {high} it carries {batch}."


# By the place of the crossing, and whether there were too few trials to find it.
_COSTS = {
    (Place.WITHIN, False): "Its server CPU per message falls below that of {}.",
    (Place.BELOW, False): "At both ends of the measured rates its server CPU per message is below that of {}.",
    (Place.ABOVE, False): "At both ends of the measured rates its server CPU per message is above that of {}.",
    (Place.UNDECIDED, False): "Its server CPU per message is not shown to cross that of {}.",
    (Place.UNDECIDED, True): "There are too few trials to say where its server CPU per message crosses that of {}.",
}


def _cheaper(crossings: Sequence[Crossing]) -> list[str]:
    sentences = []
    for kind, words in _COSTS.items():
        others = [(one, one.other) for one in crossings if one.other and (one.place, one.too_few) == kind]
        if others:
            sentences.append(words.format(listed(f"{other.label} {_where(one)}" for one, other in others)))
    return sentences


def _where(one: Crossing) -> str:
    """The rate of a crossing, or the measured rates and the ratio of the costs at the highest of them."""
    rates = f"{_rate(one.low_hz)} to {_rate(one.high_hz)}, {factor(one.at_high)} at the highest"
    return f"at {measured(one.rate_hz, 'per s')}" if one.place is Place.WITHIN else f"({rates})"
