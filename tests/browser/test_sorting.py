"""Tables that can be sorted: by mouse and by keyboard, group by group, what is missing last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser._sight import seen

Row = tuple[str, list[tuple[str, float | None]]]
"""The class of a row, and of each cell its text and its bare number."""

ROWS = """(table) => [...table.tBodies].map((body) => [...body.rows].map((row) => [row.className,
    [...row.cells].map((cell) => [cell.innerText.trim(), "value" in cell.dataset ? Number(cell.dataset.value) : null])]
))"""
CLICKED = f"""(table) => [...table.querySelectorAll("thead button")].map((button) => {{
    const states = [];
    for (let clicks = 0; clicks < 3; clicks++) {{ button.click(); states.push(({ROWS})(table)); }}
    return states;
}})"""


@pytest.fixture(scope="module")
def page(browser: Any, report: Callable[[str], Path]) -> Iterator[Any]:
    """The page of the whole run; every test leaves its tables as they were written."""
    with seen(browser, report("whole")) as sight:
        yield sight.page


@pytest.fixture
def table(page: Any) -> Any:
    """Every number of the broadcast."""
    return page.locator("#numbers table.sortable").first


def head(table: Any, name: str) -> Any:
    """The head of a column by its words."""
    return table.locator("thead th").filter(has_text=name)


def names(table: Any) -> list[list[str]]:
    """The first cell of every row, by group, without its small print."""
    return [[cells[0][0].split("\n")[0] for _, cells in body] for body in table.evaluate(ROWS)]


def expected(body: list[Row], column: int, sign: int) -> list[Row]:
    """What stays first, then the rows by their numbers, then those without one."""
    first = [row for row in body[:1] if row[0] == "group"]
    rest = body[len(first) :]
    known = sorted((row for row in rest if row[1][column][1] is not None), key=lambda row: sign * row[1][column][1])
    return [*first, *known, *(row for row in rest if row[1][column][1] is None)]


def test_every_column_of_numbers_sorts_up_and_down_and_back(page: Any) -> None:
    columns = missing = moved = 0
    for table in page.locator("table.sortable").all():
        written = table.evaluate(ROWS)
        for column, (up, down, back) in enumerate(table.evaluate(CLICKED)):
            values = [row[1][column][1] for body in written for row in body if row[0] != "group"]
            if any(value is not None for value in values):
                columns += 1
                missing += None in values
                assert up == [expected(body, column, +1) for body in written]
                assert down == [expected(body, column, -1) for body in written]
                moved += up != written
            assert back == written
    assert columns > 20
    assert missing
    assert moved > 20


def test_tables_of_numbers_can_be_sorted_by_every_number_they_show(page: Any) -> None:
    for table in page.locator(".numbers table.sortable").all():
        for body in table.evaluate(ROWS):
            for _, (_, *cells) in body:
                for text, value in cells:
                    assert (value is None) is (text == "\N{EN DASH}"), text


def test_names_sort_as_words_group_by_group(table: Any) -> None:
    written = names(table)
    button = head(table, "variant").get_by_role("button")
    button.click()
    assert names(table) == [[group, *sorted(rest, key=str.casefold)] for group, *rest in written]
    assert names(table) != written
    button.click()
    button.click()
    assert names(table) == written


def test_the_head_says_how_the_table_is_sorted(table: Any) -> None:
    first, second = head(table, "delivery latency, median"), head(table, "bytes on the wire")
    states = []
    up, down = "ascending", "descending"
    for column in (first, first, second, second, second):
        column.get_by_role("button").click()
        states.append([one.get_attribute("aria-sort") for one in (first, second)])
    assert states == [[up, None], [down, None], [None, up], [None, down], [None, None]]


def test_the_keyboard_sorts(page: Any, table: Any) -> None:
    written = names(table)
    column = head(table, "delivery latency, median")
    column.get_by_role("button").focus()
    page.keyboard.press("Enter")
    up = names(table)
    assert column.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Space")
    assert column.get_attribute("aria-sort") == "descending"
    assert [group[1:] for group in names(table)] == [group[:0:-1] for group in up]
    page.keyboard.press("Enter")
    assert names(table) == written


def test_the_tab_key_comes_from_head_to_head(page: Any, table: Any) -> None:
    buttons = table.locator("thead button")
    buttons.first.focus()
    reached = []
    for _ in range(buttons.count()):
        reached.append(page.evaluate("() => document.activeElement.textContent"))
        page.keyboard.press("Tab")
    assert reached == table.locator("thead th").all_text_contents()


def test_what_is_a_foot_stays_a_foot(table: Any) -> None:
    head(table, "variant").get_by_role("button").click()
    assert table.locator("tr").last.inner_text().startswith("noise floor")
    for _ in range(2):
        head(table, "variant").get_by_role("button").click()


def test_without_scripts_there_is_a_table_and_nothing_dead_in_it(browser: Any, report: Callable[[str], Path]) -> None:
    with seen(browser, report("whole"), java_script_enabled=False) as sight:
        assert sight.page.locator("table.sortable").count() > 3
        assert sight.page.locator("th button").count() == 0
