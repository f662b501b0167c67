"""Every text of every figure can be read: none covers another, none leaves the figure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import matplotlib.text
import msgspec
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.transforms import Bbox

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.cells import Cells
from bench.report.figures import painted, scenes
from bench.report.figures._canvas import drawing
from bench.results import Run, Trial, load
from tests._faults import faulty
from tests._natures import NATURES
from tests._synthetic import instrumented, swept, synthetic
from tests._workloads import worked, workloads

Runs = tuple[Run, list[Trial]]

REFERENCE = Path(__file__).parents[2] / "results" / "reference"

TOUCH_PX = 1.0
"""Boxes of texts hold the room of the tallest letters: so much of two may meet without a letter touching another."""

STRANGERS = tuple(
    replace(nature, name=f"{nature.name}_{number}", label=f"{nature.label} {number}", product=f"Product {number}")
    for number, nature in enumerate(NATURES * 2)
)
LONG = tuple(
    replace(nature, label=f"{nature.label} with a name that is much longer than a name should be") for nature in NATURES
)
WIDE = tuple(replace(nature, label="W" * 40) for nature in NATURES)
MANY = (*NATURES, *STRANGERS)
EQUAL = tuple(
    replace(nature, service_us=800.0, cpu_us=20.0, broker_us=0.0, poll=False, framing_bytes=12, head_bytes=0,
            requests=0.0, connection_kib=22.0)
    for nature in NATURES
)  # fmt: skip
HUGE = tuple(
    replace(nature, service_us=nature.service_us * 1e7, cpu_us=nature.cpu_us * 1e7, framing_bytes=10**9,
            connect_us=1e9, connection_kib=1e7)
    for nature in NATURES
)  # fmt: skip
TINY = tuple(replace(nature, service_us=0.02, cpu_us=0.001, connect_us=0.01, connection_kib=0.01) for nature in NATURES)
SWEEPS = {
    "broadcast": {
        "subscribers": [10, 30, 300],
        "rate_hz": [1.0, 5.0, 40.0],
        "payload_bytes": [1000, 8000],
        "poll_interval_s": [0.1, 0.5, 1.0, 2.0],
    },
    "echo": {"rate_hz": [0.5, 6.0]},
}
CLOSE = {"broadcast": {"subscribers": [99, 101, 102, 103], "poll_interval_s": [0.24, 0.26, 0.27]}}


def spoilt() -> Runs:
    """One variant with all trials of a scenario struck out, one failed in all of them."""
    run, trials = synthetic()
    lost = next(trial for trial in trials if trial.findings).findings
    failure = next(trial.failure for trial in trials if trial.failure)
    spoils = {"sse": {"findings": lost}, "websocket": {"failure": failure, "usage": None, "latency": None}}
    return run, [msgspec.structs.replace(trial, **spoils.get(trial.planned.variant, {})) for trial in trials]


def same() -> Runs:
    """Every number of every variant the same in every trial."""
    run, trials = synthetic(EQUAL, blocks=2, troubles=False)
    first = {trial.planned.scenario: trial for trial in reversed(trials)}
    return run, [
        msgspec.structs.replace(first[trial.planned.scenario], planned=trial.planned, latency=fold(np.full(9, 10**6)))
        for trial in trials
    ]


RUNS = {
    "whole, with troubles and harness": lambda: instrumented(*synthetic()),
    "two variants": lambda: synthetic(NATURES[2:4], troubles=False),
    "one variant": lambda: synthetic(NATURES[:1], troubles=False),
    "one trial": lambda: synthetic(blocks=1, harness=True),
    "nine variants": lambda: instrumented(*synthetic((*NATURES, *STRANGERS[:2]), troubles=False)),
    "twenty-one variants": lambda: synthetic((*NATURES, *STRANGERS), ["broadcast", "idle"], blocks=1, troubles=False),
    "long names": lambda: swept(*instrumented(*synthetic(LONG)), SWEEPS, LONG),
    "wide names": lambda: synthetic(WIDE, blocks=2),
    "equal variants": lambda: synthetic(EQUAL, harness=True),
    "equal numbers": same,
    "huge numbers": lambda: synthetic(HUGE, blocks=1),
    "tiny numbers": lambda: synthetic(TINY, blocks=2),
    "many trials": lambda: synthetic(NATURES[2:5], ["broadcast", "idle"], blocks=14, troubles=False),
    "sweeps": lambda: swept(*synthetic(harness=True), SWEEPS),
    "a sweep of neighbours": lambda: swept(*synthetic(NATURES[:4], ["broadcast"], troubles=False), CLOSE, NATURES[:4]),
    "invalid and failed": spoilt,
    "everything that goes wrong": lambda: faulty(*synthetic(scenarios=["broadcast"])),
    "faults of many": lambda: faulty(*synthetic(MANY, ["idle"], blocks=1, troubles=False), MANY),
    "faults with wide names": lambda: faulty(*synthetic(WIDE, ["idle"], blocks=2), WIDE),
    "a fault of one": lambda: faulty(*synthetic(NATURES[4:5], ["idle"], blocks=1, troubles=False), NATURES[4:5]),
    "workloads": lambda: swept(*workloads(harness=True), {"broadcast": SWEEPS["broadcast"]}),
    "workloads of long names": lambda: workloads(LONG),
    "workloads of wide names, one trial": lambda: workloads(WIDE, blocks=1),
    "workloads of twenty-one variants": lambda: workloads((*NATURES, *STRANGERS), blocks=1),
    "workloads of equal variants": lambda: worked(*synthetic(EQUAL, ["broadcast"], blocks=2, troubles=False), EQUAL),
    "workloads of huge numbers": lambda: workloads(HUGE, blocks=1),
    "workloads of one tiny variant": lambda: workloads(TINY[2:3], blocks=2),
    "workloads, many trials": lambda: workloads(NATURES[2:5], blocks=14),
    "the reference run": lambda: load(REFERENCE),
}


class Seen:
    """Every text that is drawn, with its place on the canvas."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.texts: dict[matplotlib.text.Text, None] = {}
        draw = matplotlib.text.Text.draw

        def watched(text: matplotlib.text.Text, renderer: object) -> None:
            if text.get_visible() and text.get_text().strip():
                self.texts[text] = None
            draw(text, renderer)

        monkeypatch.setattr(matplotlib.text.Text, "draw", watched)

    def boxes(self, painting: Canvas) -> list[tuple[str, Bbox]]:
        canvas = painting.canvas
        assert isinstance(canvas, FigureCanvasAgg)  # the one it was laid out on, which has measured its texts
        renderer = canvas.get_renderer()
        self.texts.clear()
        painting.draw_without_rendering()  # on that renderer, without its pixels
        extent = matplotlib.text.Text.get_window_extent  # of the text alone: an annotation would add its line
        return [(text.get_text(), extent(text, renderer)) for text in self.texts]


def overlaps(boxes: list[tuple[str, Bbox]]) -> Iterator[tuple[str, str]]:
    """Every pair of texts whose boxes share more than they may."""
    low, high = (np.array([getattr(box, end) for _, box in boxes]).reshape(-1, 2) for end in ("min", "max"))
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    for one, other in np.argwhere(np.triu((shared > TOUCH_PX).all(axis=2), k=1)):
        yield boxes[one][0], boxes[other][0]


@pytest.mark.parametrize("name", RUNS)
@pytest.mark.filterwarnings("error:constrained_layout")
def test_no_text_covers_another_or_leaves_the_figure(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Seen(monkeypatch)
    faults, count = [], 0
    for figure, scene in scenes(Cells(*RUNS[name]())):
        with drawing():
            painting = painted(figure, scene)
            boxes = seen.boxes(painting)
            whole = painting.bbox
        where = f"{figure.name} {scene.scenario} {scene.parameter}"
        count += len(boxes)
        faults += [f"{where}: {one!r} and {other!r}" for one, other in overlaps(boxes)]
        faults += [
            f"{where}: {text!r} is cut"
            for text, box in boxes
            if box.x0 < -0.5 or box.y0 < -0.5 or box.x1 > whole.x1 + 0.5 or box.y1 > whole.y1 + 0.5
        ]
    assert count > 20
    assert not faults, "\n".join(faults)
