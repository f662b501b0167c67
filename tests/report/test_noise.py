"""What a report says about noise: too few trials, the floor, twins, missed laws and the harness itself."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.cells import Cells
from bench.report import noise
from bench.report.figures import Drawn, drawn
from bench.report.figures.latency_over_time import trial_series
from bench.results import Run, Trial
from tests._natures import NATURES, NULL
from tests._synthetic import synthetic
from tests.report._pages import worded, words_in

FEW = (NATURES[0], NATURES[2], NATURES[3])
SPACE = "\N{NO-BREAK SPACE}"


def pages(folder: Path, run: Run, trials: list[Trial]) -> tuple[str, str]:
    """The page and the summary."""
    page = worded(folder, run, trials)
    texts = (path.read_text(encoding="utf-8").replace(SPACE, " ") for path in (page, page.with_name("summary.md")))
    return next(texts), next(texts)


def figures(run: Run, trials: list[Trial]) -> dict[str, Drawn]:
    return {figure.name: figure for figure in drawn(Cells(run, trials))}


def with_cpu(trial: Trial, factor: float) -> Trial:
    assert trial.usage
    server = trial.usage.server
    dearer = msgspec.structs.replace(server, cpu_ns=int(server.cpu_ns * factor))
    return msgspec.structs.replace(trial, usage=msgspec.structs.replace(trial.usage, server=dearer))


def flagged_run() -> tuple[Run, list[Trial]]:
    """Twins whose second run costs a fifth more CPU in every block, and otherwise the same."""
    run, trials = synthetic(FEW, ["broadcast"], troubles=False, twins=True)
    first = {
        trial.planned.block: trial
        for trial in trials
        if trial.planned.variant == FEW[-1].name and not trial.planned.id.endswith("-twin")
    }
    same = [
        with_cpu(msgspec.structs.replace(first[trial.planned.block], planned=trial.planned), 1.2)
        if trial.planned.id.endswith("-twin")
        else trial
        for trial in trials
    ]
    return run, same


@pytest.mark.parametrize("blocks", [1, 2])
def test_with_too_few_blocks_everything_says_so_and_nobody_wins(tmp_path: Path, blocks: int) -> None:
    run = synthetic(FEW, blocks=blocks, troubles=False)
    page, summary = pages(tmp_path, *run)
    for text in (page, summary):
        assert "too few for an interval or a comparison" in text
        assert text.count("Too few trials for a ranking") == len(figures(*run)) + 3
        for winning in (
            "WebSocket wins",
            "WebSocket loses",
            ": supported",
            "not supported",
            "No difference shown",
            "alone",
        ):
            assert (
                winning
                not in re.sub(r"overhead only|stand alone|handshake alone", "", text).split("Limits of trust")[0]
            ), winning
        assert "\N{MULTIPLICATION SIGN} that of" not in text
    assert 'class="leads"' not in page
    assert not [name for name, figure in figures(*run).items() if "best technique" in words_in(figure)]
    assert "One half had arrived" not in page
    assert "least dear technique" not in page


def test_unranked_variants_do_not_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    _, summary = pages(tmp_path, *synthetic(FEW, ["broadcast"], blocks=1, troubles=False))
    opening = summary.split("## Claims")[0].split("**Too few trials to compare**")[1].split("**")[0]
    lines = [line for line in opening.splitlines() if line.startswith("- ")]
    assert lines
    orders = {tuple(re.findall("polling|SSE|WebSocket", line)) for line in lines}
    assert orders == {("WebSocket", "polling", "SSE")}


def test_every_table_has_the_noise_floor_of_its_columns(tmp_path: Path) -> None:
    run, trials = synthetic(FEW, ["broadcast"], troubles=False, twins=True)
    page, summary = pages(tmp_path, run, trials)
    floor = noise.floor_words(Cells(run, trials), "latency_p50", "broadcast")
    assert re.fullmatch(r"\d+ %", floor.replace(SPACE, " "))
    (row,) = [line for line in summary.split("## Numbers")[1].splitlines() if line.startswith("| *Noise floor* |")]
    assert row.startswith(f"| *Noise floor* | {floor.replace(SPACE, ' ')} |")
    assert page.count('<th scope="row">noise floor</th>') == 2  # the decision table and the one of every number


def test_where_a_number_can_be_zero_the_floor_is_in_its_unit() -> None:
    cells = Cells(*synthetic(FEW, ["broadcast"], troubles=False, twins=True))
    assert noise.floor_words(cells, "requests", "broadcast") == "0.01"


def test_a_floor_that_is_assumed_says_so() -> None:
    cells = Cells(*synthetic(FEW, ["broadcast"], troubles=False))
    assert noise.floor_words(cells, "cpu", "broadcast").replace(SPACE, " ") == "5 %, assumed"
    assert "assumed" in noise.about_twins(cells)[0]


def test_an_assumed_floor_beside_twins_says_so_and_why(tmp_path: Path) -> None:
    run, trials = synthetic(FEW, troubles=False, twins=True)
    cells = Cells(run, trials)
    assert noise.floor_words(cells, "cpu", "echo") == f"{noise.floor_text(cells, 'cpu', 'echo')}, assumed"
    assert noise.doubled(cells) == "broadcast"
    page, summary = pages(tmp_path, run, trials)
    assert "Elsewhere the assumed floor is 5 %, or the widest measured floor if that is wider." in summary
    assert "one variant of broadcast is run twice" in page


def test_where_all_scenarios_have_twins_none_is_named() -> None:
    assert noise.doubled(Cells(*synthetic(FEW, ["broadcast"], troubles=False, twins=True))) == "every scenario"


def test_bars_and_lines_show_how_wide_the_floor_is(tmp_path: Path) -> None:
    run = synthetic(FEW, troubles=False, twins=True)
    _, summary = pages(tmp_path, *run)
    for name in ("cpu-broadcast", "cpu-echo", "wire-broadcast", "requests-broadcast", "connect-idle"):
        assert "noise floor, from the best technique" in words_in(figures(*run)[name])
    sentences = dict(re.findall(r"\(figures/([a-z-]+)\.svg\): (.*)", summary))
    for name in ("latency-broadcast", "round-trip-echo", "memory-idle"):
        assert "oise floor" in sentences[name]


def test_there_is_an_a_a_line_for_every_headline_metric_of_the_twins(tmp_path: Path) -> None:
    run, trials = synthetic(FEW, ["broadcast"], troubles=False, twins=True)
    page, summary = pages(tmp_path, run, trials)
    lines = noise.twins(Cells(run, trials))
    assert [line.metric.name for line in lines] == [
        "latency_p50", "latency_p99", "cpu", "wire", "requests", "connect_p50",
    ]  # fmt: skip
    assert "6 comparisons of a cell with itself, no difference shown" in summary
    assert "exceeds the floor by chance in 5 % of cases" in summary
    assert summary.count("twins of WebSocket differ by") == 6
    assert page.count("no difference shown</td>") == 6
    assert "A/A flagged" not in page + summary


def test_twins_that_differ_are_a_doubt_at_the_top(tmp_path: Path) -> None:
    page, summary = pages(tmp_path, *flagged_run())
    for text in (page, summary):
        opening = text.split("## Claims")[0] if text is summary else text.split("<main>")[0]
        assert "A/A flagged: server and broker CPU per delivered message, broadcast" in opening
    assert 'class="missed">difference shown' in page


def test_a_missed_law_is_said_in_words_at_the_top_and_where_trust_is_limited(tmp_path: Path) -> None:
    run, trials = synthetic(FEW, ["broadcast"], troubles=False)
    rng = np.random.default_rng(1)
    fast = [
        msgspec.structs.replace(trial, latency=fold(rng.integers(1_000_000, 2_000_000, 5_000)))
        if trial.planned.variant == "polling"
        else trial
        for trial in trials
    ]
    page, summary = pages(tmp_path, run, fast)
    for text, trust in ((page, 'id="trust"'), (summary, "## Limits of trust")):
        before, after = text.split(trust)
        assert "missed: uniform wait (Polling, broadcast)" in before
        assert "Until this is explained, the instrument may be wrong." in before
        assert "missed: uniform wait (Polling, broadcast)" in after
    assert "law of" not in pages(tmp_path / "met", run, trials)[1]


def test_the_harness_is_drawn_and_told_and_never_ranked(tmp_path: Path) -> None:
    run, trials = synthetic(FEW, troubles=False, harness=True)
    page, summary = pages(tmp_path, run, trials)
    found = figures(run, trials)
    for name in ("latency-broadcast", "round-trip-echo", "time-broadcast", "time-echo", "law-broadcast"):
        assert "harness floor" in words_in(found[name])
    for name in ("cpu-broadcast", "wire-echo", "memory-idle", "connect-idle"):
        assert NULL.label not in words_in(found[name])
    assert summary.count(f"({NULL.label}: plain lines over TCP through the same server host): median ") == 2
    assert not [line for line in summary.splitlines() if line.startswith(f"| {NULL.label}")]
    assert "6 measured the instrument itself" in page
    assert f"{NULL.label}</h3>" in page
    assert NULL.label not in summary.split("## Limits of trust")[0]


def test_a_run_without_the_harness_has_no_curve_of_it_and_says_so(tmp_path: Path) -> None:
    run = synthetic(FEW, ["broadcast"], troubles=False)
    _, summary = pages(tmp_path, *run)
    assert not [name for name, figure in figures(*run).items() if "harness floor" in words_in(figure)]
    assert "This run did not measure the harness without a technique" in summary


def test_the_course_of_a_trial_is_drawn_as_it_was_measured() -> None:
    _, trials = synthetic(FEW[1:2], ["broadcast"], troubles=False)
    found = trial_series(trials)
    assert len(found) == len(trials)
    for course, trial in zip(found, trials, strict=True):
        assert trial.series
        known = [value for value in trial.series.latency_p50_ns if value is not None]
        assert course.median_ns.tolist() == known
