"""Bursts: when everybody has the whole of one, and how what is queued of it becomes less."""

from __future__ import annotations

from matplotlib.figure import Figure as Canvas

from bench.report.figures import _latency_curves, _metric_panels
from bench.report.figures._curves import drawn
from bench.report.figures._figure import WORKLOADS, Figure
from bench.report.figures._metric_panels import Panel
from bench.report.figures._scenarios import having, in_bursts
from bench.report.figures._scene import Scene
from bench.units import quantity

PANELS = (
    Panel("burst_p50", "until the last subscriber\nhas the whole burst"),
    Panel("batch", "messages per response\n(pushed: per segment)"),
)


def whole_sentence(scene: Scene) -> str:
    """What is drawn, and how large a burst is."""
    size, subscribers = scene.number("burst"), scene.number("subscribers")
    of = f"{size:,.0f} messages" if size else "many messages"
    to = f"each of {subscribers:,.0f} subscribers" if subscribers else "every subscriber"
    return (
        f"Further left is sooner: {of} are due at the same moment, and a burst is over when {to} has all of them."
        " Right: how many of them one response brings, or, where nobody asks, one segment received."
    )


def drain_sentence(scene: Scene) -> str:
    """How to read a queue off the curves, and when it was empty."""
    size = scene.number("burst")
    found = _latency_curves.compared(scene)
    of = f"All {size:,.0f} messages of a burst" if size else "All messages of a burst"
    sentence = (
        f"{of} are due at the same moment: what a curve lacks to 100\u00a0% is what is still queued by then, at first"
        f" all of it. {_latency_curves.single_trials(found)}."
    )
    if len(found) > 1 and not scene.doubt:
        soonest, latest = (
            min(found, key=lambda curve: float(curve.at_ns[-1])), max(found, key=lambda curve: float(curve.at_ns[-1]))
        )  # fmt: skip
        sentence += (
            f" The last message of any burst was there after {quantity(float(soonest.at_ns[-1]), 'ns')} with"
            f" {soonest.name} and after {quantity(float(latest.at_ns[-1]), 'ns')} with {latest.name}."
        )
    return sentence + _latency_curves.harness_sentence(scene)


def drain(scene: Scene) -> Canvas:
    """How a burst arrives: cumulative, on a logarithmic axis, one curve per variant."""
    across, share = "time since the burst was due", "share of the burst that has arrived"
    return drawn(_latency_curves.compared(scene), _latency_curves.harness(scene), across, share)


FIGURES = (
    Figure("burst", "A whole burst", 180, whole_sentence, _metric_panels.draw(PANELS), _metric_panels.alt(PANELS),
           _metric_panels.sheet(PANELS), having("burst_p50"), missing=False, section=WORKLOADS),
    Figure("drain", "How a burst drains", 190, drain_sentence, drain, _latency_curves.alt, _latency_curves.sheet,
           in_bursts, section=WORKLOADS),
)  # fmt: skip
