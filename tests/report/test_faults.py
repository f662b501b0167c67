"""What goes wrong, in the report: the matrix, the paragraphs, the figures, and the class beside every number."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.faults import Fault
from bench.cli import parse
from bench.report.figures import Drawn, drawn
from bench.report.numbers import csv_text
from bench.report.sections._fault_sentences import title
from bench.report.sections.faults import faults
from bench.scenarios import with_faults
from tests._faults import EXPECTED, OWN, faulty, robbed
from tests._natures import NATURES
from tests._synthetic import HOSTILE, hostile, synthetic
from tests.report._pages import report, worded

FEW = (NATURES[0], NATURES[2], NATURES[4], NATURES[5])  # polling, SSE, flask-sse with its broker, Flask-SocketIO
FIGURES = {
    "missed-dropped", "return-restart", "neighbours-slow-reader", "away-outage", "paths-lossy",
}  # fmt: skip


def whole(unreliable: str = "") -> Cells:
    return Cells(*faulty(*synthetic(FEW, ["broadcast"], troubles=False), FEW, unreliable=unreliable))


@pytest.fixture(scope="module")
def cells() -> Cells:
    return whole()


@pytest.fixture(scope="module")
def figures(cells: Cells) -> dict[str, Drawn]:
    return {figure.name: figure for figure in drawn(cells) if figure.section == "faults"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run, trials = faulty(*synthetic(FEW, ["broadcast"], troubles=False), FEW, unreliable="sse")
    base = tmp_path_factory.mktemp("faults")
    return worded(base, run, trials).parent


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("\N{NO-BREAK SPACE}", " ")


def section(folder: Path) -> str:
    page = (folder / "index.html").read_text(encoding="utf-8")
    return page.split('<section id="faults">')[1].split("</section>")[0]


def sentences(cells: Cells, scenario: str) -> str:
    (part,) = [part for part in faults(cells).parts if part.scenario == scenario]
    return " ".join(part.sentences).replace("\N{NO-BREAK SPACE}", " ")


def test_every_cell_of_the_matrix_says_what_was_lost_and_what_was_signalled(cells: Cells) -> None:
    held = {
        (row.fault.name, cell.result.variant.name): [line.replace("\N{NO-BREAK SPACE}", " ") for line in cell.lines]
        for row in faults(cells).rows
        for cell in row.cells
    }
    assert held["dropped", "sse"][0] == "nothing lost"
    assert held["restart TERM", "sse"][:2] == ["7.50 % lost", "all signalled"]
    assert held["restart TERM", "flask_socketio"][:2] == ["7.50 % lost", "none signalled"]
    assert held["outage KILL", "sse"] == ["has no broker"]
    assert held["lossy resets", "flask_sse"][:2] == ["4.50 % lost", "none signalled"]
    assert not any(cell.broken for row in faults(cells).rows for cell in row.cells)


def test_a_broken_promise_is_marked_and_said_first(folder: Path) -> None:
    text = section(folder)
    assert text.count('<span class="missed">broken promise</span>') == 5  # dropped, TERM, KILL, the others, stalls
    assert f"21 of {3 * EXPECTED:,} deliveries lost and not signalled, though it declares resume." in plain(text)
    assert text.index("though it declares resume") < text.index('id="fault-matrix"')


def test_a_loss_without_resume_is_shown_but_breaks_no_promise(folder: Path) -> None:
    matrix = section(folder).split("<details>")[0]
    cells_of = re.findall(r"<td>(.*?)</td>", matrix)
    unsignalled = [cell for cell in cells_of if "none signalled" in cell and "broken promise" not in cell]
    assert unsignalled
    assert not any("small" in cell or "class" in cell for cell in unsignalled)  # in the same size of type


def test_the_class_stands_beside_every_variant_of_the_matrix(folder: Path) -> None:
    head = section(folder).split("<thead>")[1].split("</thead>")[0]
    assert head.count("resume, gaps signalled") == 2
    assert head.count("no resume, at most once") == 2


def test_every_scenario_has_its_paragraph_and_its_figure(folder: Path) -> None:
    text = section(folder)
    for scenario in with_faults():
        assert title(scenario) in text
    assert {name for name in FIGURES if f'<figure id="{name}">' in text} == FIGURES


def test_the_paragraphs_say_what_was_measured(cells: Cells) -> None:
    dropped = sentences(cells, "dropped")
    assert "The connection of each of 50 subscribers was reset about every 2 s" in dropped
    assert (
        "flask-sse 18.0 % and Flask-SocketIO 18.0 %, none of it signalled, as delivery at most once allows" in dropped
    )
    assert "nothing with Polling and SSE" in dropped
    restart = sentences(cells, "restart")
    assert "Server killed (KILL), lost of all deliveries: Polling 5.62 % and SSE 5.62 %, all of it signalled" in restart
    assert "Of the lost messages, 5 per trial were due while there was no server to take them." in restart
    slow = sentences(cells, "slow_reader")
    assert "No delivery was lost." in slow
    assert "The p99 latency of the other subscribers, with a slow reader : without: Flask-SocketIO" in slow
    assert "The slow reader was disconnected by the server with Polling and SSE" in slow
    outage = sentences(cells, "outage")
    assert "Not measured: Polling, SSE and Flask-SocketIO (has no broker)." in outage
    assert "at the end of a trial a subscriber had not recovered with flask-sse" in outage
    lossy = sentences(cells, "lossy")
    assert "emulates a path in user space" in lossy
    assert "No variant lost a delivery with path: far, path: narrow, path: fragments and path: stalls." in lossy
    assert "far: what far does" in lossy


def test_beside_the_neighbours_stands_what_a_hypervisor_took_from_one_side() -> None:
    slow = Fault("slow_reader", "trickle then stop")
    uneven, even = (
        Cells(*robbed(FEW, slow, "sse", {slow.value: (3, 3, 3), "none": without})) for without in ((1, 1, 1), (3, 3, 3))
    )
    told = sentences(uneven, "slow_reader")
    assert (
        "different shares of CPU, which can cause or hide a difference: SSE 3.00 % of the cores with it, 1.00 %" in told
    )
    assert "hypervisor" not in sentences(even, "slow_reader")


def test_other_facts_give_other_sentences() -> None:
    unreliable = whole(unreliable="sse")
    told = sentences(unreliable, "dropped")
    assert "SSE 0.09 %, none of it signalled, which breaks a promise" in told
    assert "SSE 7.50 % (0.50 % of it not signalled), which breaks a promise" in sentences(unreliable, "restart")
    assert "nothing with Polling and SSE" not in told


def test_every_fault_has_its_figure_and_its_numbers_name_the_class(figures: dict[str, Drawn]) -> None:
    assert figures.keys() == FIGURES
    for figure in figures.values():
        rows = list(csv.DictReader(io.StringIO(figure.csv)))
        assert rows
        assert {row["delivery"] for row in rows} <= {"resume", "none"}
        assert all(row["fault"] for row in rows)
        assert figure.sentence.endswith(".")
        assert any(character.isdigit() for character in figure.alt)


def test_the_figures_hold_what_is_known_of_the_trials(figures: dict[str, Drawn]) -> None:
    rows = {name: list(csv.DictReader(io.StringIO(figure.csv))) for name, figure in figures.items()}
    dropped = {row["variant"]: row for row in rows["missed-dropped"]}
    assert (dropped["sse"]["lost"], dropped["sse"]["recovered"]) == ("0", str(3 * 180 * 8))
    assert (dropped["flask_sse"]["lost"], dropped["flask_sse"]["recovered"]) == (str(3 * 180 * 8), "0")
    attempts = [row for row in rows["return-restart"] if row["what"] == "attempts" and row["fault"] == "restart TERM"]
    assert max(float(row["attempts_or_share"]) for row in attempts) == 50
    away = [row for row in rows["away-outage"] if row["fault"] == "outage STOP"]
    assert max(float(row["delivered_share"]) for row in away) == pytest.approx(1.0)
    slow = {row["variant"]: float(row["ratio"]) for row in rows["neighbours-slow-reader"]}
    assert slow["flask_socketio"] > 3 > slow["flask_sse"]
    far = {row["variant"]: row for row in rows["paths-lossy"] if row["fault"] == "lossy far"}
    assert float(far["sse"]["latency_p50_ns"]) > 20e6


def test_a_path_is_said_to_be_emulated_at_its_figure(figures: dict[str, Drawn]) -> None:
    assert "emulated in user space" in figures["paths-lossy"].sentence


def test_no_figure_shows_a_fault_without_its_class(cells: Cells) -> None:
    elsewhere = [figure for figure in drawn(cells) if figure.section != "faults"]
    assert elsewhere
    assert not [figure.name for figure in elsewhere if figure.scenario in with_faults()]


def test_the_class_stands_beside_the_numbers_of_every_file(folder: Path, cells: Cells) -> None:
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    matrix = [line for line in summary.splitlines() if line.startswith("| server killed (KILL) |")]
    assert len(matrix) == 4
    assert sum("resume, gaps signalled" in line for line in matrix) == 2
    table = summary.split(r"### slow\_reader")[1].split("###")[0]
    assert "| Polling (resume, gaps signalled) |" in table
    assert "| flask-sse (no resume, at most once) |" in table
    rows = list(csv.DictReader(io.StringIO(csv_text(cells))))
    assert {(row["variant"], row["delivery"]) for row in rows if row["fault"]} == {
        ("polling", "resume"), ("sse", "resume"), ("flask_sse", "none"), ("flask_socketio", "none"),
    }  # fmt: skip
    assert {row["fault"] for row in rows if row["scenario"] == "restart"} == {"restart TERM", "restart KILL"}
    assert {row["fault"] for row in rows if row["scenario"] == "broadcast"} == {""}


def test_a_run_without_faults_says_so_in_one_line_with_a_command_that_works(tmp_path: Path) -> None:
    run, trials = synthetic(FEW, ["broadcast"], troubles=False)
    text = section(worded(tmp_path, run, trials).parent)
    assert text.count("<p>") == 1
    assert "<table" not in text
    told = plain(text)
    assert (
        "Not measured in this run: dropped connections, poor path, broker outage, server restart, slow reader." in told
    )
    commands = re.findall(r"<code>python -m bench (.*?)</code>", text)
    assert len(commands) == 2
    for command in commands:
        parse(command.split())


def test_measured_faults_are_reported_and_the_others_named() -> None:
    run, trials = faulty(*synthetic(FEW, ["broadcast"], troubles=False), FEW, ["restart"])
    found = faults(Cells(run, trials))
    assert [part.scenario for part in found.parts] == ["restart"]
    assert found.options == "-s dropped -s lossy -s outage -s slow_reader"
    assert set(OWN) == set(with_faults())


def test_faults_of_which_no_trial_can_be_believed_are_absent_with_their_reason() -> None:
    run, trials = faulty(*synthetic(FEW, ["broadcast"], troubles=False), FEW)
    few = [trial for trial in trials if trial.planned.scenario not in with_faults()]
    found = faults(Cells(run, few))
    assert all(cell.absent for row in found.rows for cell in row.cells)
    assert all("No trial of it has a reliable count." in part.sentences for part in found.parts)
    assert not [figure for figure in drawn(Cells(run, few)) if figure.section == "faults"]


def test_hostile_names_do_no_harm_among_faults(tmp_path: Path) -> None:
    natures = NATURES[3:5]
    run, trials = faulty(*hostile(natures, blocks=1), natures)
    paths = [
        msgspec.structs.replace(
            trial, emulated_path=msgspec.structs.replace(trial.emulated_path, name=HOSTILE, description=HOSTILE)
        )
        if trial.emulated_path
        else trial
        for trial in trials
    ]
    page = report(tmp_path, run, paths)
    text, summary = (page.parent / name for name in ("index.html", "summary.md"))
    assert "<script>alert" not in text.read_text(encoding="utf-8")
    assert "\u202e" not in text.read_text(encoding="utf-8")
    assert "<" not in summary.read_text(encoding="utf-8")
