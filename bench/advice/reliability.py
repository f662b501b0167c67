"""What every advice rests on, in words: how well the costs predict, the rule of the order, what is left out."""

from __future__ import annotations

from bench.advice.answer import place
from bench.advice.costs import Costs
from bench.advice.held_out import Miss, Quantity
from bench.advice.ranking import FAR, FULL
from bench.advice.words import listed
from bench.units import DASH, SPACE, counted, factor, percent

SATURATED = "\N{LEFT DOUBLE QUOTATION MARK}server saturated\N{RIGHT DOUBLE QUOTATION MARK}"
# What is predicted, and which median error was aimed at.
QUANTITIES: tuple[tuple[Quantity, str, float], ...] = (("cpu", "CPU", 0.20), ("wire", "bytes", 0.10))


def prediction(costs: Costs) -> str:
    """How far predictions were off for what was left out of the fit, and which was the worst."""
    checked = [(words, costs.held_out.of(which), costs.held_out.median(which)) for which, words, _ in QUANTITIES]
    predicted = [(words, misses, error) for words, misses, error in checked if error is not None]
    if not predicted:
        return "No prediction could be checked."
    labels = {model.variant.name: model.variant.label for model in costs.models}
    medians = ", ".join(f"{error * 100:.1f}{SPACE}% for {words}" for words, _, error in predicted)
    worst = max((misses[0] for _, misses, _ in predicted), key=lambda miss: miss.error)
    return (
        f"Typical error of a prediction: {medians} (median of {counted(len(predicted[0][1]), 'measured load')}, each"
        f" left out of the fit); the worst was {percent(worst.error)} ({_missed(worst, labels)}). {_saturated(costs)}"
    )


def _missed(miss: Miss, labels: dict[str, str]) -> str:
    return f"{labels.get(miss.variant, miss.variant)}, {place(miss.where)}"


def _saturated(costs: Costs) -> str:
    if not costs.saturated:
        return f"No trial in the fit has the finding {SATURATED}."
    have = "has" if costs.saturated == 1 else "have"
    return f"The fit uses {counted(costs.saturated, 'trial')} that {have} the finding {SATURATED}."


def ranking(costs: Costs) -> str:
    """The rule of the order."""
    least = factor(costs.held_out.distinguishing_factor())
    return (
        f"Ranked by server cores. Those with less than {least} the fewest cores of their group share a rank (1=),"
        " because nine of ten predicted ratios between two variants were off by less; they stand by memory, then by"
        " bytes."
    )


def errors(costs: Costs) -> list[tuple[str, ...]]:
    """Per variant: its label and the median errors of CPU and of bytes."""
    rows = []
    for model in costs.models:
        medians = [costs.held_out.median(which, model.variant.name) for which, _, _ in QUANTITIES]
        rows.append((model.variant.label, *(DASH if error is None else f"{error:.1%}" for error in medians)))
    return rows


def aims(costs: Costs) -> str:
    """Which median errors were aimed at, and whether that was met."""
    parts = []
    for which, words, target in QUANTITIES:
        error = costs.held_out.median(which)
        if error is not None:
            parts.append(f"{percent(target)} at most for {words}, {'met' if error <= target else 'missed'}")
    return f"Aimed at: {'; '.join(parts)}." if parts else ""


def lacking(costs: Costs) -> str:
    """Which variants cannot be costed from this run, why, and the command that would measure what they lack."""
    return "; ".join(part for part in (_not_varied(costs), _not_measured(costs)) if part)


def _not_measured(costs: Costs) -> str:
    if not costs.unmeasured:
        return ""
    labels = listed([variant.label for variant in costs.unmeasured])
    return f"{labels}: the process of the broker is not known, so that its CPU time and memory are missing"


def _not_varied(costs: Costs) -> str:
    if not costs.lacking:
        return ""
    labels = [variant.label for variant, _ in costs.lacking]
    missing = sorted({name for _, lacks in costs.lacking for _, name in lacks})
    return (
        f"{listed(labels)}: the costs of a delivery, a message and a byte cannot be separated, because this run did"
        f" not vary {listed(missing)}; {costs.command} does"
    )


def conventions() -> str:
    """What the numbers of every option leave out."""
    return (
        f"One server process uses one core here, and is planned to be busy {percent(FULL)} of the time at most; what"
        " needs several was not measured with several, and a broker between them is not in the numbers. Waits of long"
        " polling that end unanswered are counted; pings that keep open connections alive, TLS and proxies are not."
        f" \N{LEFT DOUBLE QUOTATION MARK}About\N{RIGHT DOUBLE QUOTATION MARK}: extrapolated by more than a factor of"
        f" {FAR:g}."
    )
