"""A figure as files: SVG, PNG and CSV, and the SVG inside a page."""

from __future__ import annotations

import functools
import io
from collections.abc import Mapping
from dataclasses import dataclass

from matplotlib.figure import Figure as Canvas

from bench.report import svg
from bench.report.figures._canvas import FOOT_IN, HEAD_IN, drawing, settle, sign
from bench.report.figures._figure import Figure
from bench.report.figures._parameter_lines import scale
from bench.report.figures._scene import Scene, absences
from bench.report.text import clean, slug

UNSTABLE = ("Date", "Creator", "Type", "Format")  # metadata left out of an SVG, so that equal runs give equal files


@dataclass(eq=False)
class Drawn:
    """A figure of a run: its file name, heading and caption, its description in words, its numbers, and its renderings.
    Each is made when it is first read, and kept: words and numbers need no drawing.

    colours: the name in the page of every colour that a figure uses.
    """

    figure: Figure
    scene: Scene
    colours: Mapping[str, str]

    @property
    def name(self) -> str:
        """Of its files, and in the page."""
        parts = (self.figure.name, slug(self.scenario), self.scene.parameter and slug(self.scene.parameter))
        return "-".join(part for part in parts if part)

    @property
    def title(self) -> str:
        """Its heading, without its scenario."""
        return title(self.figure, self.scene)

    @property
    def scenario(self) -> str:
        """The scenario that it is about."""
        return self.scene.scenario

    @property
    def section(self) -> str:
        """The name of its page section."""
        return self.figure.section

    @functools.cached_property
    def sentence(self) -> str:
        """Its caption, with the variants that are missing and why nothing may be ranked."""
        missing = absences(self.scene) if self.figure.missing else ""
        return " ".join(part for part in (self.figure.sentence(self.scene), missing, self.scene.doubt) if part)

    @functools.cached_property
    def alt(self) -> str:
        """What it shows, in words."""
        return f"{self.title}, {clean(self.scenario)}. {self.figure.alt(self.scene)}"

    @functools.cached_property
    def csv(self) -> str:
        """Its numbers."""
        return self.figure.data(self.scene).text

    @functools.cached_property
    def svg(self) -> str:
        """The vector file."""
        file = io.StringIO()
        with drawing():
            self._canvas.savefig(file, format="svg", metadata={"Title": self._origin} | dict.fromkeys(UNSTABLE))
        return file.getvalue()

    @functools.cached_property
    def inline(self) -> str:
        """The SVG that a page holds."""
        return svg.inline(self.svg, self.name, self.alt, self.colours, 72 * HEAD_IN, 72 * FOOT_IN)

    @functools.cached_property
    def png(self) -> bytes:
        """The raster file."""
        file, metadata = io.BytesIO(), {"Title": self._origin, "Software": None}
        with drawing():
            self._canvas.savefig(file, format="png", dpi=200, metadata=metadata, pil_kwargs={"compress_level": 3})
        return file.getvalue()

    def files(self) -> dict[str, bytes]:
        """Every file by its suffix. The drawing is released: those of all figures of a run would take 100 MB."""
        files = {"svg": self.svg.encode(), "png": self.png, "csv": self.csv.encode()}
        del self._canvas
        return files

    @functools.cached_property
    def _canvas(self) -> Canvas:
        with drawing():
            return painted(self.figure, self.scene)

    @property
    def _origin(self) -> str:
        return f"{self.title}: {clean(self.scenario)}. Pushbench, run {clean(self.scene.cells.run.name)}"


def title(figure: Figure, scene: Scene) -> str:
    """The title of a figure, without its scenario."""
    return f"{figure.title} against {scale(scene.parameter).name}" if scene.parameter else figure.title


def painted(figure: Figure, scene: Scene) -> Canvas:
    """The drawing, with its title and its origin. Call it, and save the canvas, within `drawing()`."""
    canvas = figure.draw(scene)
    settle(canvas)
    sign(canvas, f"{title(figure, scene)}: {clean(scene.scenario)}", f"Pushbench, run {clean(scene.cells.run.name)}")
    return canvas
