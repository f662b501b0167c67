"""What a page says of the instrument: the calibration, read back and missed, and that nothing of it is compared."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.cells import Cells
from bench.planning.plan import WHOLE
from bench.report import build
from bench.report.figures import drawn
from bench.results import Finding, Run, Trial
from tests._natures import NATURES
from tests._synthetic import instrumented, synthetic, write
from tests.report._pages import Reader, without_drawings, worded


@pytest.fixture(scope="module")
def instrument(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return worded(tmp_path_factory.mktemp("instrument"), *instrumented(*synthetic(), WHOLE))


def test_the_calibration_stands_beside_its_truth(instrument: Path) -> None:
    text = Reader(instrument.read_text(encoding="utf-8")).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "delay 100 ms p50 100 ms" in text
    assert re.search(r"faults lost (\d+) \1 0 ±0", text)
    assert "17 of 17 readings met" in text
    assert "readings of 17 of the calibration missed" not in text
    assert (instrument.parent / "figures" / "calibration-calibration.svg").is_file()
    assert "| freeze | max | 500" in (instrument.parent / "summary.md").read_text(encoding="utf-8")


def missed() -> tuple[Run, list[Trial]]:
    """A run whose brief calibration stands on a floor that is 9 ms high."""
    run, trials = instrumented(*synthetic(NATURES[2:4], ["broadcast"], troubles=False))
    late = fold([9_000_000])
    return run, [
        msgspec.structs.replace(trial, latency=late) if trial.parameters.get("injected") == "faults" else trial
        for trial in trials
    ]


def test_a_calibration_that_was_missed_is_said_at_the_top(tmp_path: Path) -> None:
    run, off = missed()
    text = Reader(worded(tmp_path, run, off).read_text(encoding="utf-8")).text
    assert "2 readings of 5 of the calibration missed: delay 5 ms (p50) was measured as " in text
    found = re.search(r"\(p99\) was measured as (\S+)\sms, tolerance .(\S+)\s(µs|ms)", text)
    assert found, text
    assert abs(float(found[1].replace("\N{MINUS SIGN}", "-")) - 5) > float(found[2]) / (1000 if found[3] == "µs" else 1)
    assert re.search(r"the machine was not quiet\. The readings", text)


def test_beside_a_missed_reading_stand_the_findings_of_its_trials(tmp_path: Path) -> None:
    run, trials = missed()
    late, steal = (
        Finding(name=name, disqualifying=False, observation="seen", remedy="none")
        for name in ("publisher late", "steal")
    )
    held = [
        msgspec.structs.replace(trial, findings=[late, steal])
        if str(trial.parameters.get("injected")).startswith("delay")
        else trial
        for trial in trials
    ]
    text = Reader(worded(tmp_path, run, held).read_text(encoding="utf-8")).text
    opening = text.split("how quiet the machine was")[0]
    assert opening.count("(of 1 trial: publisher late in 1, steal in 1)") == 2  # of the median and of 99 %


def test_what_serves_the_instrument_is_compared_with_nobody(instrument: Path, page: Path) -> None:
    """The tables, the answers and all figures but those that draw the harness are those of the same run without it."""
    with_it, without = (Reader(one.read_text(encoding="utf-8")) for one in (instrument, page))
    answers = [reader.text.split("Claims and verdicts")[1].split(" Figures Solid")[0] for reader in (with_it, without)]
    assert answers[0] == answers[1]
    compared = [
        {figure.name: figure.svg for figure in drawn(Cells(*run)) if figure.name in ("memory-idle", "connect-idle")}
        for run in (instrumented(*synthetic(), WHOLE), synthetic())
    ]
    assert len(compared[0]) == 2
    assert compared[0] == compared[1]
    numbers = [figure for kind in ("cpu", "wire", "requests", "memory", "connect")
               for figure in (page.parent / "figures").glob(f"{kind}-*.csv")]  # fmt: skip
    assert len(numbers) == 8
    for figure in numbers:  # cost draws the harness as a line, and has no row of it
        assert (instrument.parent / "figures" / figure.name).read_bytes() == figure.read_bytes()
    swatches = [sum("swatch" in (attributes.get("class") or "") for _, attributes in reader.tags)
                for reader in (with_it, without)]  # fmt: skip
    assert swatches[0] == swatches[1]


def test_the_tables_of_summary_and_readme_hold_nothing_of_the_instrument(instrument: Path, page: Path) -> None:
    with_it, without = (
        (one.parent / "summary.md").read_text(encoding="utf-8").split("## Numbers")[1].split("## Figures")[0]
        for one in (instrument, page)
    )
    assert with_it == without


def test_a_run_that_only_calibrates_has_a_page_that_says_so(tmp_path: Path) -> None:
    run, trials = instrumented(*synthetic(NATURES[:1], ["idle"], blocks=1, troubles=False), WHOLE)
    alone = [trial for trial in trials if trial.planned.scenario == "calibration"]
    run = msgspec.structs.replace(
        run, variants=run.variants[-1:], scenarios=run.scenarios[-1:], plan=[trial.planned for trial in alone]
    )
    text = Reader(worded(tmp_path, run, alone).read_text(encoding="utf-8")).text
    assert "This run calibrates the instrument; it compares no variants." in text
    assert "9 trials planned: 9 valid" in text


def test_the_readings_of_the_run_itself_come_before_those_stored_beside_it(tmp_path: Path) -> None:
    run, off = missed()
    folder = write(tmp_path / "results", run, off)
    whole, every = instrumented(*synthetic(NATURES[:1], ["idle"], blocks=1, troubles=False), WHOLE)
    stored = [trial for trial in every if trial.planned.scenario == "calibration"]
    write(folder / "instrument", whole, stored, "calibration")
    with without_drawings():
        text = build(folder, tmp_path / "reports").read_text(encoding="utf-8")
    own, beside = text.split('<section id="calibration">')[1].split("</section>")[0].split("stored beside this run", 1)
    assert own.count('class="missed"') == 2
    assert beside.count('class="met"') == 17
    assert 'class="missed"' not in beside
    assert '<a href="#calibration">The readings</a>' in text
