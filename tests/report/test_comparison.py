"""The page of two runs: the verdict first, every number sortable, and nothing from outside that acts."""

import re

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.regressions import ChangeVerdict
from bench.report import comparison
from bench.results import ResultsError
from bench.units import TIMES
from tests._natures import NATURES
from tests._synthetic import HOSTILE, hostile, synthetic, write
from tests.report._pages import Reader, references

NAMES = ("before", "after")


def dearer(trials, variant, factor):
    """The trials with so many times the server CPU in one variant."""
    found = []
    for trial in trials:
        if trial.usage and trial.planned.variant == variant:
            server = msgspec.structs.replace(trial.usage.server, cpu_ns=int(trial.usage.server.cpu_ns * factor))
            trial = msgspec.structs.replace(trial, usage=msgspec.structs.replace(trial.usage, server=server))
        found.append(trial)
    return found


def two(blocks=5, factor=1.5, scenarios=("broadcast", "idle")):
    """Two runs of equal things, but for the CPU of WebSocket in the new one."""
    old = synthetic(NATURES[:5], scenarios, blocks, seed=1, troubles=False, twins=True, harness=True)
    run, trials = synthetic(NATURES[:5], scenarios, blocks, seed=2, troubles=False, twins=True, harness=True)
    environment = msgspec.structs.replace(run.environment, commit="f" * 40, dirty=False)
    run = msgspec.structs.replace(run, environment=environment)
    return Cells(*old), Cells(run, dearer(trials, "websocket", factor))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return comparison.write(*two(), NAMES, tmp_path_factory.mktemp("compared") / "reports", [])


@pytest.fixture(scope="module")
def read(written):
    return Reader(written.page.read_text(encoding="utf-8"))


def test_what_was_planted_is_found_and_nothing_else(written):
    assert [(one.scenario, one.variant.name, one.metric.name)
            for one in written.seen.of(ChangeVerdict.REGRESSION)] == [("broadcast", "websocket", "cpu")]  # fmt: skip


def test_the_screen_gets_the_verdict_first_then_what_changed_and_counts(written):
    lines = written.text.strip().splitlines()
    assert re.fullmatch(r"\*\*1 regression in \d+ comparisons; no improvement; no change shown in \d+\.\*\*", lines[0])
    assert "commit 0123456789 with uncommitted changes to ffffffffff" in written.text
    (row,) = (line for line in lines if line.startswith("| broadcast"))
    assert "| websocket | server and broker CPU per delivered message |" in row
    assert len(lines) < 30
    assert re.search(r"- before: \d+ trials planned: \d+ valid", written.text)


def test_the_page_is_whole_and_refers_to_nothing_outside(written, read):
    assert read.open == []
    assert written.page.parent.name == "compare-before-after"
    assert written.page.with_name("summary.md").is_file()
    for reference in references(read):
        assert reference.startswith("#") or (written.page.parent / reference).is_file()
    assert "1 regression in" in read.text
    assert "State of the machine, estimated from all variants" in read.text


def test_every_number_of_the_page_can_be_sorted_by_its_base_unit(written, read):
    tables = [attributes for tag, attributes in read.tags if tag == "table"]
    assert sum(attributes.get("class") == "sortable" for attributes in tables) >= 4
    headers = [attributes for tag, attributes in read.tags if tag == "th"]
    assert all(attributes.get("scope") == "col" for attributes in headers)
    values = [attributes["data-value"] for _, attributes in read.tags if "data-value" in attributes]
    numbers = [float(value) for value in values if value]
    assert len(numbers) > 100
    cpu = next(one for one in written.seen.changes if one.verdict is ChangeVerdict.REGRESSION)
    assert cpu.new in numbers


def test_every_comparison_is_on_the_page_and_in_the_summary(written, read):
    rows = [tag for tag, _ in read.tags].count("tr")
    assert rows > len(written.seen.changes)
    summary = written.page.with_name("summary.md").read_text(encoding="utf-8")
    assert len(re.findall(r"^\| (?:broadcast|idle) \|", summary, re.M)) >= len(written.seen.changes)


def test_the_smallest_change_that_would_have_been_found_is_told(written, read):
    told = {(title, scenario): words for title, scenario, words in comparison.findable(written.seen)}
    least = told["server and broker CPU per delivered message", "broadcast"]
    assert 1.01 < float(least.rstrip(TIMES)) < 1.5  # 1.5 was planted, and found
    assert f"server and broker CPU per delivered message (broadcast) {least}" in read.text


def test_compared_by_force_is_said_on_top(tmp_path):
    written = comparison.write(*two(3, 1.0, ("broadcast",)), NAMES, tmp_path, ["kernel: 6.1 -> 6.2"])
    text = Reader(written.page.read_text(encoding="utf-8")).text
    assert "Forced comparison" in text
    assert "kernel: 6.1 -> 6.2" in text.split("What changed")[0]
    assert "Forced comparison" in written.text
    assert "kernel: 6.1 -" in written.text


def test_what_only_one_run_has_is_listed(tmp_path):
    old, new = two(3, 1.0, ("broadcast",))
    kept = [trial for trial in new.trials if trial.planned.variant != "sse"]
    written = comparison.write(old, Cells(new.run, kept), NAMES, tmp_path, [])
    assert "Only in before: 1 cell" in written.text
    assert "Only in before broadcast sse" in Reader(written.page.read_text(encoding="utf-8")).text


def test_nothing_from_outside_becomes_markup_or_markdown(tmp_path):
    cells = Cells(*hostile(NATURES[2:5], blocks=3))
    other = Cells(*synthetic(NATURES[2:5]))
    written = comparison.write(cells, other, NAMES, tmp_path, [HOSTILE])
    back = comparison.write(other, cells, NAMES[::-1], tmp_path, [HOSTILE])
    for one in (written, back):
        text = one.page.read_text(encoding="utf-8")
        assert Reader(text).open == []
        assert "<script>alert" not in text.lower()
        assert text.count("</style>") == 1
        assert "\u202e" not in text
        for markdown in (one.text, one.page.with_name("summary.md").read_text(encoding="utf-8")):
            assert "<" not in markdown
            assert "[a](" not in markdown


def test_the_same_runs_give_the_same_bytes(tmp_path):
    def files():
        page = comparison.write(*two(3, 1.2, ("broadcast",)), NAMES, tmp_path, []).page
        return {path.name: path.read_bytes() for path in page.parent.iterdir()}

    first = files()
    (tmp_path / "compare-before-after" / "stale.txt").write_text("left over")
    assert files() == first


def test_it_is_never_written_over_results(tmp_path):
    write(tmp_path, *synthetic(NATURES[2:3], ["idle"], 1, troubles=False), name="compare-before-after")
    with pytest.raises(ResultsError, match="holds results"):
        comparison.write(*two(3, 1.0, ("broadcast",)), NAMES, tmp_path, [])
