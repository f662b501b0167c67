"""Figures as text: an SVG written by matplotlib becomes part of a page.

Inside the page every style attribute becomes a presentation attribute (so that the page's policy can forbid inline
styles), every colour of the theme a variable of the page (so that light and dark work), and every id gets the figure's
name in front (so that many figures share a page). Title and origin are the page's own there: they are cut off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED = {f"{_SVG}metadata", f"{_SVG}style", f"{_SVG}title"}
# The groups that only a file of its own needs.
_AROUND = {"title", "origin"}
_PLACES = {"d", "x", "y", "x1", "x2", "y1", "y2", "width", "height", "points"}
# Places in points: a hundredth is finer than any screen shows a figure of this size.
_LONG = re.compile(r"-?\d+\.\d{3,}")


def inline(
    svg: str, name: str, description: str, colours: Mapping[str, str], head_pt: float = 0.0, foot_pt: float = 0.0
) -> str:
    """The figure as an element for an HTML page, `description` its alternative text. `colours` maps #rrggbb to the name
    of a CSS variable; `head_pt` and `foot_pt` are cut off with what stands there.

    Raises xml.etree.ElementTree.ParseError for text that is not XML.
    """
    root = ET.fromstring(svg)  # noqa: S314  # our own renderer wrote it a moment ago
    for parent in root.iter():
        for child in [child for child in parent if child.tag in _DROPPED or child.get("id") in _AROUND]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _attributes(element, name, colours)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    root.set("viewBox", f"{left:g} {top + head_pt:g} {width:g} {height - head_pt - foot_pt:g}")
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-label", description)
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _attributes(element: ET.Element, name: str, colours: Mapping[str, str]) -> None:
    given = dict(element.attrib)
    element.attrib.clear()
    for key, value in given.items():
        if key == "style":
            for declaration in value.split(";"):
                part, _, setting = declaration.partition(":")
                _declare(element, part.strip(), setting.strip(), name, colours)
        elif key == "id":
            element.set("id", f"{name}-{value}")
        elif key == _LINK:
            element.set("href", f"#{name}-{value.removeprefix('#')}")
        elif key in _PLACES:
            element.set(key, " ".join(_LONG.sub(_rounded, value).split()))
        else:
            _declare(element, key, value, name, colours)


def _rounded(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")


def _declare(element: ET.Element, key: str, value: str, name: str, colours: Mapping[str, str]) -> None:
    """One presentation attribute; the font's family is left to the page."""
    if not key or key == "font-family":
        return
    value = _REFERENCE.sub(rf"url(#{name}-\1)", value)
    element.set(key, f"var({colours[value]})" if value in colours else value)
