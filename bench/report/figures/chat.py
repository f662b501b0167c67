"""Chat: latency and CPU of a message in a room, beside those of an echo."""

from __future__ import annotations

from bench.analysis.numbers.statistics import Estimate
from bench.analysis.runs.cells import Cells
from bench.report.figures import _metric_panels
from bench.report.figures._figure import WORKLOADS, Figure
from bench.report.figures._metric_panels import Panel
from bench.report.figures._scene import Scene
from bench.results import VariantFacts
from bench.scenarios import Publishes, Question, Scenario, of_record, reference

ECHO = reference(Question.ROUND_TRIP)


def _in_echo(metric: str) -> _metric_panels.Beside:
    """The same variant's number in the echo of the run."""

    def beside(scene: Scene, variant: VariantFacts) -> Estimate | None:
        return scene.cells.estimate(metric, ECHO, variant.name)

    return beside


PANELS = (
    Panel("latency_p50", "median latency", _in_echo("round_trip_p50")),
    Panel("cpu", "server and broker CPU\nper delivered message", _in_echo("cpu")),
)


def in_rooms(cells: Cells) -> list[str]:
    """Scenarios whose subscribers publish to rooms."""
    return [
        name
        for name in cells.scenarios
        if _has_rooms(of_record(name))
        and any(cells.values(panel.metric, name, one.name) for panel in PANELS for one in cells.measured(name))
    ]


def _has_rooms(scenario: Scenario) -> bool:
    return scenario.publishes is Publishes.SUBSCRIBERS and not scenario.audience.alone


def sentence(scene: Scene) -> str:
    """The content of the figure, and the size of a room."""
    size = scene.number("room")
    members = f"{size:,.0f} members" if size else "its members"
    echo = any(panel.beside(scene, variant) for panel in PANELS if panel.beside for variant in scene.variants)
    beside = " Hollow marks: the echo, in which the server returns each message to its sender only."
    return (
        f"Further left is fresher and cheaper: the server delivers each message to all {members} of its room. Its CPU"
        f" is divided by the number of deliveries.{beside if echo else ''}"
    )


KEY = ("in a room", "echo")


FIGURES = (
    Figure("chat", "Rooms compared with the echo", 200, sentence, _metric_panels.draw(PANELS, KEY),
           _metric_panels.alt(PANELS), _metric_panels.sheet(PANELS), in_rooms, missing=False, section=WORKLOADS),
)  # fmt: skip
