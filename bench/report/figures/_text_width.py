"""How wide texts are, by the font's own metrics, and what of them fits."""

from __future__ import annotations

import functools

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from bench.report.text import ELLIPSIS, clean

FONT_PT = 8.6
# The height of a line of text, in its size.
LINE = 1.3


@functools.lru_cache(maxsize=4096)
def _line_width_pt(line: str, size_pt: float, bold: bool) -> float:
    font = FontProperties(family="DejaVu Sans", size=size_pt, weight="bold" if bold else "normal")
    return float(text_to_path.get_text_width_height_descent(line, font, ismath=False)[0])


def text_width_in(text: str, size_pt: float = FONT_PT, bold: bool = False) -> float:
    """How wide a text is on the canvas, by the font's own metrics."""
    return max((_line_width_pt(line, size_pt, bold) for line in text.splitlines()), default=0.0) / 72


def fitted(text: object, width_in: float, size_pt: float = FONT_PT, bold: bool = False) -> str:
    """The cleaned text, cut with an ellipsis where it would be wider than `width_in`."""
    whole = clean(text).strip()
    if text_width_in(whole, size_pt, bold) <= width_in:
        return whole
    fits, cut = 0, len(whole)
    while cut - fits > 1:
        middle = (fits + cut) // 2
        within = text_width_in(whole[:middle].rstrip() + ELLIPSIS, size_pt, bold) <= width_in
        fits, cut = (middle, cut) if within else (fits, middle)
    return whole[:fits].rstrip() + ELLIPSIS
