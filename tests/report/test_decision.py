"""The decision table, and the contract of tables that can be sorted."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.analysis.runs.cells import Cells
from bench.report import build
from bench.report.sections.decision import decision
from bench.report.traced import plain
from bench.units import DASH
from tests._natures import NATURES
from tests._synthetic import synthetic, write
from tests.report._pages import without_drawings, worded


@pytest.fixture(scope="module")
def cells() -> Cells:
    return Cells(*synthetic(troubles=False, twins=True))


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> list[ET.Element]:
    """Every sortable table of a page."""
    folder = tmp_path_factory.mktemp("sortable")
    page = worded(folder, *synthetic()).read_text(encoding="utf-8")
    found = re.findall(r'<table class="sortable">.*?</table>', page, re.DOTALL)
    return [ET.fromstring(table.replace("&nbsp;", " ").replace("<br>", "<br/>")) for table in found]


def test_techniques_come_first_and_products_say_their_technique(cells: Cells) -> None:
    found = decision(cells)
    assert [words for words, _ in found.groups] == ["Techniques on neutral ground", "Products as deployed"]
    assert [row.variant.name for row in found.groups[0][1]] == ["polling", "long_polling", "sse", "websocket"]
    assert all(row.variant.product for row in found.groups[1][1])


def test_a_column_has_one_unit_and_three_digits(cells: Cells) -> None:
    found = decision(cells)
    units = [(head.column.metric, head.unit) for head in found.heads]
    assert ("latency_p50", "ms") in units
    assert ("connection_memory", "KiB") in units
    assert ("requests", "") in units
    rows = {row.variant.name: row for _, held in found.groups for row in held}
    place = [head.column.metric for head in found.heads].index("latency_p50")
    assert re.fullmatch(r"12\d", plain(rows["polling"].cells[place].number))
    assert re.fullmatch(r"0\.7\d\d", plain(rows["websocket"].cells[place].number))
    assert rows["polling"].cells[place].value == cells.estimate("latency_p50", "broadcast", "polling").median  # type: ignore[union-attr]


def test_the_best_and_all_not_told_apart_from_it_lead(cells: Cells) -> None:
    found = decision(cells)
    place = [(head.column.metric, head.column.scenario) for head in found.heads].index(("cpu", "broadcast"))
    leading = {row.variant.name for _, held in found.groups for row in held if row.cells[place].leads}
    assert leading == {"websocket"}


def test_resume_order_and_delivery_are_what_was_declared_and_checked(cells: Cells) -> None:
    promised = {
        row.variant.name: [one.text for one in row.promises] for _, held in decision(cells).groups for row in held
    }
    assert promised["sse"] == ["yes", "kept", "gaps signalled"]
    assert promised["flask_sse"] == ["no", "kept", "at most once"]


def test_a_short_table_has_fewer_columns(cells: Cells) -> None:
    assert len(decision(cells, compact=True).heads) == 7
    assert len(decision(cells).heads) == 11


def test_columns_that_nobody_has_a_number_for_are_left_out() -> None:
    found = decision(Cells(*synthetic(NATURES[2:4], ["idle"], troubles=False)))
    assert {head.column.metric for head in found.heads} == {"connection_memory", "connect_p50"}


def test_there_are_sortable_tables(tables: list[ET.Element]) -> None:
    assert len(tables) == 7  # decision, three of claims, every number of three scenarios


def test_a_sortable_table_has_column_heads(tables: list[ET.Element]) -> None:
    for table in tables:
        heads = table.findall("./thead/tr/th")
        assert len(heads) > 2
        assert all(head.get("scope") == "col" for head in heads)


def test_every_group_has_a_body_of_its_own_and_its_heading_first(tables: list[ET.Element]) -> None:
    for table in tables:
        for body in table.findall("./tbody"):
            classes = [(row.get("class") or "") for row in body.findall("./tr")]
            assert classes[0] == "group"
            assert "group" not in classes[1:]
            assert len(classes) > 1


def test_cells_carry_a_number_to_sort_by_or_nothing(tables: list[ET.Element]) -> None:
    seen = 0
    for table in tables:
        for cell in table.findall("./tbody/tr/td"):
            if "data-value" in cell.attrib:
                float(cell.get("data-value") or "")
                seen += 1
            assert cell.get("data-value") != ""
    assert seen > 200


def test_a_missing_number_has_nothing_to_sort_by(tables: list[ET.Element]) -> None:
    missing = [cell for table in tables for cell in table.findall("./tbody/tr/td") if (cell.text or "").strip() == DASH]
    assert missing
    assert all("data-value" not in cell.attrib for cell in missing)


def test_the_noise_floor_stands_in_the_foot(tables: list[ET.Element]) -> None:
    for table in (table for table in tables if "claim" not in [head.text for head in table.findall("./thead/tr/th")]):
        assert [row.get("class") for row in table.findall("./tfoot/tr")] == ["floor"]
        assert not [row for row in table.findall("./tbody/tr") if row.get("class") == "floor"]


def test_links_lead_to_the_raw_records_only_where_they_stand_beside_the_report(tmp_path: Path) -> None:
    run, trials = synthetic(NATURES[2:3], ["idle"], blocks=1, troubles=False)
    folder = write(tmp_path / "here" / "results", run, trials)
    (tmp_path / "here" / "METHODOLOGY.md").write_text("how", encoding="utf-8")
    with without_drawings():
        beside = build(folder, tmp_path / "here" / "reports").read_text(encoding="utf-8")
        elsewhere = build(folder, tmp_path / "elsewhere" / "reports").read_text(encoding="utf-8")
    assert f'href="../../results/{run.name}/run.json"' in beside
    assert f'href="../../results/{run.name}/trials"' in beside
    assert 'href="../../METHODOLOGY.md"' in beside
    assert "BIAS.md" not in beside
    assert 'href="../' not in elsewhere
