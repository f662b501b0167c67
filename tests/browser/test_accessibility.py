"""What axe-core finds, and what it does not look for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser._sight import seen
from tests.browser.conftest import WIDTHS

GRAVE = {"serious", "critical"}
CONTRAST = 3.0
"""Of what is no text: Web Content Accessibility Guidelines 2.2, success criterion 1.4.11."""

EXAMINED = [
    ("whole", "desk", "light"), ("whole", "desk", "dark"), ("whole", "phone", "dark"),
    ("hostile", "tablet", "light"), ("failed", "desk", "dark"), ("reference", "desk", "light"),
]  # fmt: skip


def examined(page: Any, axe: str) -> tuple[list[str], set[str]]:
    """What axe-core finds against the page that is serious or critical, and the names of the rules that it passed."""
    page.add_script_tag(content=axe)
    # what is drawn within a figure is to it one image with a label, but would take most of its time
    page.evaluate("() => document.querySelectorAll('figure svg').forEach((drawing) => drawing.replaceChildren())")
    result = page.evaluate("() => axe.run(document, { resultTypes: ['violations'] })")
    found = [
        f"{violation['id']} ({violation['impact']}): {node['html'][:200]}"
        for violation in result["violations"]
        if violation["impact"] in GRAVE
        for node in violation["nodes"]
    ]
    return found, {rule["id"] for rule in result["passes"]}


@pytest.mark.parametrize(("name", "width", "scheme"), EXAMINED)
def test_axe_finds_nothing_serious(
    browser: Any, report: Callable[[str], Path], axe: str, name: str, width: str, scheme: str
) -> None:
    with seen(browser, report(name), WIDTHS[width], scheme, bypass_csp=True) as sight:
        sight.page.evaluate("() => document.querySelectorAll('details').forEach((part) => { part.open = true })")
        found, passed = examined(sight.page, axe)
        assert found == []
        assert {"color-contrast", "document-title", "html-has-lang"} <= passed


def test_axe_would_find_what_is_too_pale(browser: Any, report: Callable[[str], Path], axe: str) -> None:
    with seen(browser, report("failed"), bypass_csp=True) as sight:
        sight.page.evaluate("() => document.querySelector('h1').style.setProperty('color', '#bbb')")
        found, _ = examined(sight.page, axe)
        assert [line for line in found if line.startswith("color-contrast")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_edge_of_a_swatch_stands_out(browser: Any, report: Callable[[str], Path], scheme: str) -> None:
    with seen(browser, report("whole"), scheme=scheme) as sight:
        edge, paper = sight.page.evaluate("""() => [
            getComputedStyle(document.querySelector(".swatch")).boxShadow.match(/\\(([^)]*)\\)/)[1],
            getComputedStyle(document.body).backgroundColor.match(/\\(([^)]*)\\)/)[1],
        ].map((colour) => colour.split(",").map(Number))""")
        lights = sorted([luminance(edge), luminance(paper)])
        assert (lights[1] + 0.05) / (lights[0] + 0.05) >= CONTRAST


def luminance(colour: list[float]) -> float:
    """The relative luminance of red, green and blue from 0 to 255, by the same guidelines."""
    shares = [part / 255 for part in colour[:3]]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_whoever_comes_by_keyboard_sees_where_they_are(
    browser: Any, report: Callable[[str], Path], scheme: str
) -> None:
    with seen(browser, report("whole"), scheme=scheme) as sight:
        for _ in range(12):
            sight.page.keyboard.press("Tab")
            outline = sight.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"


def test_who_wants_no_motion_gets_none(browser: Any, report: Callable[[str], Path]) -> None:
    asked = "() => getComputedStyle(document.documentElement).scrollBehavior"
    for motion, behaviour in (("no-preference", "smooth"), ("reduce", "auto")):
        with seen(browser, report("failed"), reduced_motion=motion) as sight:
            assert sight.page.evaluate(asked) == behaviour
