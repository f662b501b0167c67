"""The form that asks for advice, as a person types into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.advice.answer import conclusion
from bench.advice.costs import Costs, fit
from bench.advice.needs import Need
from bench.advice.ranking import advise
from bench.analysis.runs.cells import Cells
from bench.results import load
from tests.browser._sight import seen
from tests.browser.conftest import ROOT

TYPED = (
    Need(subscribers=200, rate=20.0, payload_bytes=500.0, upstream_rate=0.0, max_staleness_s=0.25, fan_out=200),
    Need(subscribers=1000, rate=1.0, payload_bytes=200.0, upstream_rate=0.05, max_staleness_s=1.0, fan_out=20),
    Need(subscribers=50, rate=1.0, payload_bytes=100.0, upstream_rate=0.0, max_staleness_s=0.001, fan_out=50),
)


@pytest.fixture(scope="module")
def costs() -> Costs:
    return fit(Cells(*load(ROOT / "results" / "reference")))


@pytest.mark.parametrize("width", [1440, 390])
def test_what_is_typed_is_answered_as_on_the_command_line(
    browser: Any, report: Callable[[str], Path], costs: Costs, width: int
) -> None:
    with seen(browser, report("reference"), width) as sight:
        form = sight.page.locator("form.advise")
        assert form.is_visible()
        assert not sight.page.locator("#advise-typical").is_visible()
        for need in TYPED:
            for name in ("subscribers", "rate", "payload_bytes", "upstream_rate", "max_staleness_s", "fan_out"):
                form.locator(f"[name={name}]").fill(f"{getattr(need, name):g}")
            form.locator("[type=submit]").click()
            result = sight.page.locator("#advise-result").inner_text()
            for said in conclusion(advise(costs, need)):
                assert said in result
        assert sight.complaints == []


def test_a_typical_need_is_a_button_that_shows_that_it_is_pressed(browser: Any, report: Callable[[str], Path]) -> None:
    with seen(browser, report("reference")) as sight:
        buttons = sight.page.locator("form.advise [data-preset]")
        assert buttons.count() == 3
        told = []
        for place in range(3):
            buttons.nth(place).click()
            assert [one.get_attribute("aria-pressed") for one in buttons.all()].index("true") == place
            told.append(sight.page.locator("#advise-result").inner_text())
        assert len(set(told)) == 3


def test_an_answer_to_what_is_no_longer_asked_is_marked(browser: Any, report: Callable[[str], Path]) -> None:
    with seen(browser, report("reference")) as sight:
        sight.page.locator("form.advise [name=rate]").fill("")
        assert sight.page.locator("#advise-result").get_attribute("aria-busy") == "true"
        sight.page.locator("form.advise [name=rate]").fill("1")
        assert sight.page.locator("#advise-result").get_attribute("aria-busy") == "false"
