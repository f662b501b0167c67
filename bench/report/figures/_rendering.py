"""A figure as files: SVG, PNG and CSV, and the SVG that a page holds."""

from __future__ import annotations

import io
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from bench.report import svg
from bench.report.figures._canvas import FOOT_IN, HEAD_IN, drawing, settle, sign
from bench.report.figures._figure import Figure
from bench.report.figures._parameter_lines import scale
from bench.report.figures._scene import Scene, absences
from bench.report.text import clean, slug

UNSTABLE = ("Date", "Creator", "Type", "Format")  # metadata left out of an SVG, so that equal runs give equal files


@dataclass(frozen=True, slots=True)
class Drawn:
    """A finished figure: its file name, heading and caption, its description in words, its renderings, its numbers, and
    the name of its page section."""

    name: str
    title: str
    scenario: str
    sentence: str
    alt: str
    svg: str
    inline: str
    png: bytes
    csv: str
    section: str


def title(figure: Figure, scene: Scene) -> str:
    """What a figure is called, without its scenario."""
    return f"{figure.title} against {scale(scene.parameter).name}" if scene.parameter else figure.title


def painted(figure: Figure, scene: Scene) -> Canvas:
    """The drawing, with its title and its origin. Call it, and save the canvas, within `drawing()`."""
    canvas = figure.draw(scene)
    settle(canvas)
    sign(canvas, f"{title(figure, scene)}: {clean(scene.scenario)}", f"Pushbench, run {clean(scene.cells.run.name)}")
    return canvas


def rendered(figure: Figure, scene: Scene, colours: dict[str, str]) -> Drawn:
    """A figure with all its files. colours: the name in the page of every colour that a figure uses."""
    name = "-".join(
        part for part in (figure.name, slug(scene.scenario), scene.parameter and slug(scene.parameter)) if part
    )
    heading = title(figure, scene)
    vector, raster = _files(figure, scene, heading)
    missing = absences(scene) if figure.missing else ""
    alt = f"{heading}, {clean(scene.scenario)}. {figure.alt(scene)}"
    return Drawn(
        name,
        heading,
        scene.scenario,
        " ".join(part for part in (figure.sentence(scene), missing, scene.doubt) if part),
        alt,
        vector,
        svg.inline(vector, name, alt, colours, 72 * HEAD_IN, 72 * FOOT_IN),
        raster,
        figure.data(scene).text,
        figure.section,
    )


def _files(figure: Figure, scene: Scene, heading: str) -> tuple[str, bytes]:
    """SVG and PNG."""
    full = f"{heading}: {clean(scene.scenario)}. Pushbench, run {clean(scene.cells.run.name)}"
    vector, raster = io.StringIO(), io.BytesIO()
    with drawing():
        canvas = painted(figure, scene)
        canvas.savefig(vector, format="svg", metadata={"Title": full} | dict.fromkeys(UNSTABLE))
        canvas.savefig(
            raster, format="png", dpi=200, metadata={"Title": full, "Software": None}, pil_kwargs={"compress_level": 3}
        )
    return vector.getvalue(), raster.getvalue()
