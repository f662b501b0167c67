"""A page as a reader takes it apart: its tags, its text, what it refers to."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from bench.report import build
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
    return build(write(folder / "results", run, trials), folder / "reports")


def references(reader: Reader) -> Iterator[str]:
    """Everything that a browser could follow or fetch."""
    for _, attributes in reader.tags:
        for key in ("href", "src", "action", "data", "poster", "srcset", "xlink:href"):
            if attributes.get(key):
                yield str(attributes[key])
