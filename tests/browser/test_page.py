"""The page in a browser: on a desk, a tablet, a phone and paper, in light and dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.browser._sight import CROWDED, Sight, seen
from tests.browser.conftest import REPORTS


def test_the_browser_complains_of_nothing(sight: Sight) -> None:
    assert sight.complaints == []


def test_nothing_but_the_page_itself_is_asked_for(sight: Sight) -> None:
    assert sight.requests == [sight.page.url]


def test_the_page_does_not_scroll_sideways(sight: Sight) -> None:
    wide, room = sight.page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= room


def test_every_text_of_a_figure_is_whole_and_clear_of_the_others(sight: Sight) -> None:
    assert sight.page.evaluate(CROWDED) == []


def test_every_link_within_the_page_leads_to_one_place(sight: Sight) -> None:
    links, ids = sight.page.evaluate("""() => [
        [...document.querySelectorAll("a[href^='#']")].map((link) => decodeURIComponent(link.hash.slice(1))),
        [...document.querySelectorAll("[id]")].map((element) => element.id)]""")
    assert links
    assert set(links) <= set(ids)
    assert len(ids) == len(set(ids))


def test_every_section_and_every_figure_has_a_link_to_quote(sight: Sight) -> None:
    places, links = sight.page.evaluate("""() => [
        [...document.querySelectorAll("main > section, figure")].map((place) => `#${place.id}`),
        [...document.querySelectorAll(":is(h2, h3) > a")].map((link) => link.hash)]""")
    assert len(places) > 5
    assert set(places) <= set(links)


def test_light_is_light_and_dark_is_dark(sight: Sight) -> None:
    dark = sight.page.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
    paper, ink = (brightness(sight.page, property) for property in ("backgroundColor", "color"))
    assert (paper < 0.1 and ink > 0.8) if dark else (paper > 0.9 and ink < 0.2)


def brightness(page: Any, colour: str) -> float:
    """How bright a colour of the page is, from 0 to 1; without a background, paper is white."""
    parts = page.evaluate(f"() => getComputedStyle(document.body).{colour}.match(/[\\d.]+/g).map(Number)")
    return 1.0 if parts[3:] == [0] else sum(parts[:3]) / 3 / 255


@pytest.mark.parametrize("family", ["Liberation Sans", "Noto Sans"])
@pytest.mark.parametrize("name", ["whole", "reference"])
def test_figures_stay_clear_in_the_type_of_another_system(
    browser: Any, report: Callable[[str], Path], name: str, family: str
) -> None:
    """A system without the type that figures are laid out in shows them in another."""
    with seen(browser, report(name)) as sight:
        sight.page.evaluate(
            f"() => document.styleSheets[0].insertRule('.plot text {{ font-family: \"{family}\", sans-serif }}',"
            " document.styleSheets[0].cssRules.length)"
        )
        assert sight.page.evaluate(CROWDED) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", REPORTS)
def test_paper_has_no_navigation_and_holds_what_is_folded_away(
    browser: Any, report: Callable[[str], Path], name: str, scheme: str
) -> None:
    with seen(browser, report(name), scheme=scheme) as sight:
        folded = "() => [...document.querySelectorAll('details > :not(summary)')].map((part) => part.checkVisibility())"
        assert set(sight.page.evaluate(folded)) == {False}
        sight.page.emulate_media(media="print")
        assert not sight.page.locator("nav").is_visible()
        assert set(sight.page.evaluate(folded)) == {True}
        assert brightness(sight.page, "backgroundColor") > 0.9
        assert brightness(sight.page, "color") < 0.2


UPRIGHT_PX, ACROSS_PX = 688, 1017
"""What A4 leaves between margins of 14 mm, at 96 pixels to the inch."""


@pytest.mark.parametrize("name", REPORTS)
def test_paper_is_wide_enough(browser: Any, report: Callable[[str], Path], name: str) -> None:
    reach = """(across) => Math.max(...[...document.querySelectorAll("body *")]
        .filter((element) => Boolean(element.closest("#numbers, #decision")) === across)
        .filter((element) => !element.parentElement.closest("svg"))
        .map((element) => element.getBoundingClientRect().right))"""
    for room, across in ((UPRIGHT_PX, False), (ACROSS_PX, True)):
        with seen(browser, report(name), room) as sight:
            sight.page.emulate_media(media="print")
            assert sight.page.evaluate(reach, across) <= room + 1


def test_what_the_policy_forbids_would_be_noticed(browser: Any, report: Callable[[str], Path]) -> None:
    with seen(browser, report("failed")) as sight:
        with sight.page.expect_console_message(lambda said: said.text.startswith("policy:")):
            sight.page.evaluate("() => document.body.setAttribute('style', 'color: red')")
        assert any("style-src" in complaint for complaint in sight.complaints)


def test_what_a_page_fetches_would_be_noticed(browser: Any, report: Callable[[str], Path]) -> None:
    with seen(browser, report("whole"), bypass_csp=True) as sight:
        with sight.page.expect_request("**/*.png"):
            sight.page.evaluate("() => { new Image().src = document.querySelector(\".files a[href$='.png']\").href }")
        assert len(sight.requests) == 2


def test_texts_that_overlap_or_are_cut_would_be_noticed(browser: Any, report: Callable[[str], Path]) -> None:
    with seen(browser, report("whole")) as sight:
        sight.page.evaluate("""() => {
            const [one, other, cut] = document.querySelectorAll("figure text");
            for (const key of ["x", "y", "transform"]) {
                const place = one.getAttribute(key);
                place === null ? other.removeAttribute(key) : other.setAttribute(key, place);
            }
            cut.setAttribute("transform", "translate(-500 20)");
        }""")
        found = sight.page.evaluate(CROWDED)
        assert any("overlaps" in crowded for crowded in found)
        assert any("is cut" in crowded for crowded in found)
