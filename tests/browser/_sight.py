"""A page as a browser shows it, and what can be asked of it there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LOUD = ("error", "warning")
TELL_THE_CONSOLE = """addEventListener("securitypolicyviolation",
    (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`))"""


@dataclass(slots=True)
class Sight:
    """An opened page (playwright.sync_api.Page), every request it made, and all that the browser complained of."""

    page: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@contextmanager
def seen(browser: Any, report: Path, width: int = 1440, scheme: str = "light", **context: Any) -> Iterator[Sight]:
    """The report opened from its file in a window of its own."""
    window = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **context)
    try:
        sight = Sight(window.new_page())
        sight.page.set_default_timeout(20_000)
        sight.page.add_init_script(TELL_THE_CONSOLE)
        sight.page.on("request", lambda request: sight.requests.append(request.url))
        sight.page.on("pageerror", lambda error: sight.complaints.append(str(error)))
        sight.page.on("console", lambda said: said.type in LOUD and sight.complaints.append(said.text))
        sight.page.goto(report.as_uri())
        yield sight
    finally:
        window.close()


CROWDED = """() => {
  const ROOM = 0.16;  // of the height of the type, above capitals: the box of a text has it, its ink has not
  const SLACK = 0.5;  // pixels
  const ink = (text) => {
    const box = text.getBBox(), place = text.getScreenCTM();
    const room = ROOM * parseFloat(getComputedStyle(text).fontSize);
    const corners = [[box.x, box.y + room], [box.x + box.width, box.y + box.height]]
      .map(([x, y]) => new DOMPoint(x, y).matrixTransform(place));
    const [xs, ys] = [corners.map((corner) => corner.x), corners.map((corner) => corner.y)];
    return { words: text.textContent.trim(), left: Math.min(...xs), right: Math.max(...xs),
             top: Math.min(...ys), bottom: Math.max(...ys) };
  };
  const apart = (a, b) => a.right <= b.left + SLACK || b.right <= a.left + SLACK
    || a.bottom <= b.top + SLACK || b.bottom <= a.top + SLACK;
  const within = (a, frame) => a.left >= frame.left - SLACK && a.right <= frame.right + SLACK
    && a.top >= frame.top - SLACK && a.bottom <= frame.bottom + SLACK;
  const found = [];
  for (const figure of document.querySelectorAll("figure")) {
    for (const drawing of figure.querySelectorAll("svg")) {
      const frame = drawing.getBoundingClientRect();
      const texts = [...drawing.querySelectorAll("text")].map(ink).filter((text) => text.words);
      texts.forEach((one, place) => {
        if (!within(one, frame)) found.push(`${figure.id}: "${one.words}" is cut`);
        for (const other of texts.slice(place + 1))
          if (!apart(one, other)) found.push(`${figure.id}: "${one.words}" overlaps "${other.words}"`);
      });
    }
  }
  return found;
}"""
"""The texts of figures that overlap each other or are cut by the figure's edge."""
