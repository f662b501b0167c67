"""Bursts: the time until all subscribers have the whole burst, and the arrival of its messages over time."""

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
    Panel("burst_p50", "time until the last subscriber\nhas the whole burst"),
    Panel("batch", "messages per response\n(push: per segment)"),
)


def whole_sentence(scene: Scene) -> str:
    """The content of the figure, and the size of a burst."""
    size, subscribers = scene.number("burst"), scene.number("subscribers")
    of = f"{size:,.0f} messages" if size else "many messages"
    to = f"each of {subscribers:,.0f} subscribers" if subscribers else "every subscriber"
    return (
        f"Further left is faster: {of} are due at the same moment, and a burst ends when {to} has all of them."
        " Right: number of messages per response; with push, per received segment."
    )


def drain_sentence(scene: Scene) -> str:
    """How the curves show the queue, and the arrival of the last message."""
    size = scene.number("burst")
    curves = _latency_curves.compared(scene)
    of = f"All {size:,.0f} messages of a burst" if size else "All messages of a burst"
    sentence = (
        f"{of} are due at the same moment. The distance of a curve from 100\u00a0% is the share that is still queued;"
        f" at first that is the whole burst. {_latency_curves.single_trials(curves)}."
    )
    if len(curves) > 1 and not scene.doubt:
        soonest, latest = (
            min(curves, key=lambda curve: float(curve.at_ns[-1])), max(curves, key=lambda curve: float(curve.at_ns[-1]))
        )  # fmt: skip
        sentence += (
            f" The last message of all bursts arrived after {quantity(float(soonest.at_ns[-1]), 'ns')} with"
            f" {soonest.name} and after {quantity(float(latest.at_ns[-1]), 'ns')} with {latest.name}."
        )
    return sentence + _latency_curves.harness_sentence(scene)


def drain(scene: Scene) -> Canvas:
    """The arrival of a burst: cumulative, on a logarithmic axis, one curve per variant."""
    across, share = "time since the burst was due", "share of the burst delivered"
    return drawn(_latency_curves.compared(scene), _latency_curves.harness(scene), across, share)


FIGURES = (
    Figure("burst", "A whole burst", 180, whole_sentence, _metric_panels.draw(PANELS), _metric_panels.alt(PANELS),
           _metric_panels.sheet(PANELS), having("burst_p50"), missing=False, section=WORKLOADS),
    Figure("drain", "How a burst drains", 190, drain_sentence, drain, _latency_curves.alt, _latency_curves.sheet,
           in_bursts, section=WORKLOADS),
)  # fmt: skip
