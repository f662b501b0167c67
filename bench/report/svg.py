"""Figures as text: an SVG written by matplotlib becomes part of a page.

Inside the page every style attribute becomes a presentation attribute (so that the page's policy can forbid inline
styles), every colour of the theme a variable of the page (so that light and dark work), and every id gets the figure's
name in front (so that many figures share a page).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_DROPPED = {f"{_SVG}metadata", f"{_SVG}style", f"{_SVG}title"}


def inline(svg: str, name: str, description: str, colours: Mapping[str, str]) -> str:
    """The figure as an element for an HTML page. `colours` maps #rrggbb to the name of a CSS variable.

    Raises xml.etree.ElementTree.ParseError for text that is not XML.
    """
    root = ET.fromstring(svg)  # noqa: S314  # our own renderer wrote it a moment ago
    for parent in root.iter():
        for child in [child for child in parent if child.tag in _DROPPED]:
            parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        _attributes(element, name, colours)
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
        else:
            _declare(element, key, value, name, colours)


def _declare(element: ET.Element, key: str, value: str, name: str, colours: Mapping[str, str]) -> None:
    """One presentation attribute; the font's family is left to the page."""
    if not key or key == "font-family":
        return
    value = _REFERENCE.sub(rf"url(#{name}-\1)", value)
    element.set(key, f"var({colours[value]})" if value in colours else value)
