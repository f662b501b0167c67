"""A page as a reader takes it apart: its tags, its text, what it refers to."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import AbstractContextManager
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

from matplotlib.figure import Figure as Canvas

from bench.report import build
from bench.report.figures import Drawn, _rendering
from bench.results import Run, Trial
from tests._synthetic import write

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}


class Reader(HTMLParser):
    """Every tag with its attributes, the visible text, and whether the tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def report(folder: Path, run: Run, trials: list[Trial]) -> Path:
    """The page of a run, with all files of its report beside it."""
    return build(write(folder / "results", run, trials), folder / "reports")


def worded(folder: Path, run: Run, trials: list[Trial]) -> Path:
    """The same without drawings."""
    with without_drawings():
        return report(folder, run, trials)


def without_drawings() -> AbstractContextManager[object]:
    """While this lasts every drawing is blank, for tests of words and numbers: those are of the run all the same.
    Drawings take most of the time of a report, and have tests of their own."""
    return mock.patch.object(_rendering, "painted", side_effect=lambda figure, scene: Canvas(figsize=(1, 1)))


def words_in(figure: Drawn) -> str:
    """Every text that is drawn in a figure."""
    return " ".join(element.text or "" for element in ET.fromstring(figure.svg).iter() if "text" in element.tag)


def references(reader: Reader) -> Iterator[str]:
    """Everything that a browser could follow or fetch."""
    for _, attributes in reader.tags:
        for key in ("href", "src", "action", "data", "poster", "srcset", "xlink:href"):
            if attributes.get(key):
                yield str(attributes[key])
