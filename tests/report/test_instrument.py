"""What the instrument shows of itself beside a run: whatever is there is told, what is malformed is refused by name."""

from pathlib import Path

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.planning.plan import WHOLE
from bench.report import build, instrument, spliced
from bench.results import Recount, ResultsError, Trial, load
from tests._natures import NATURES
from tests._synthetic import CALIBRATION, instrumented, synthetic, write
from tests._trials import changed
from tests.analysis.runs.test_sensitivity import BLOCKS, EXPERIMENTS, trials
from tests.report._pages import without_drawings

PROSE = "before\n<!-- the comparison: begin -->\nold\n<!-- the comparison: end -->\nafter\n"


@pytest.fixture
def run_folder(tmp_path: Path) -> Path:
    """A run with a harness floor and a brief calibration."""
    run, held = instrumented(*synthetic(NATURES[2:4], ["broadcast"], troubles=False, twins=True))
    return write(tmp_path, run, held, "reference")


def cells(folder: Path) -> Cells:
    return Cells(*load(folder))


def test_without_anything_beside_it_a_run_speaks_for_itself(run_folder: Path) -> None:
    told = instrument.facts(run_folder, cells(run_folder))
    assert {row.reading.injection for row in told.calibration} == {"delay 5 ms", "faults"}
    assert (told.sensitivity, told.generators) == ([], [])


def recorded(trial: Trial) -> Trial:
    """A trial of an experiment as a record that agrees with its plan and with itself."""
    count = trial.latency.count if trial.latency else 0
    return msgspec.structs.replace(
        changed(trial, "ledger", expected=count, delivered=count),
        parameters={**CALIBRATION, **trial.planned.changes},
        connect=None,
        recount=Recount(lost=0, signalled=0, duplicated=0, reordered=0),
    )


def test_what_stands_beside_a_run_is_told(run_folder: Path) -> None:
    beside = run_folder / "instrument"
    run, held = instrumented(*synthetic(NATURES[:1], ["idle"], blocks=1, troubles=False), WHOLE)
    write(beside, run, [trial for trial in held if trial.planned.scenario == "calibration"], "calibration")
    experiments = [recorded(trial) for trial in trials(late=2.0, busier=1.3)]
    plan = [trial.planned for trial in experiments]
    write(beside, msgspec.structs.replace(run, plan=plan, repetitions=BLOCKS), experiments, "sensitivity")
    (beside / "generator.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ResultsError, match=r"generator\.json is malformed"):
        instrument.facts(run_folder, cells(run_folder))
    (beside / "generator.json").unlink()
    told = instrument.facts(run_folder, cells(run_folder))
    assert "freeze" in {row.reading.injection for row in told.calibration}
    assert (told.experiments, told.blocks) == (EXPERIMENTS, BLOCKS)
    assert [one.comparisons for one in told.sensitivity if one.injected] == [EXPERIMENTS] * 3


def test_what_was_measured_under_different_conditions_says_so(run_folder: Path) -> None:
    here = cells(run_folder).run.environment
    elsewhere = msgspec.structs.replace(here, facts={**here.facts, "cpu": "<other> CPU", "load average before": "9"})
    later = msgspec.structs.replace(here, facts={**here.facts, "load average before": "9"})
    newer = msgspec.structs.replace(here, facts={**here.facts, "kernel": "99"})
    assert instrument.where(later, here) == "under the same conditions, at a different time"
    assert instrument.where(elsewhere, here).startswith("under different conditions: cpu <other> CPU, ")
    assert "kernel 99" in instrument.where(newer, here)
    run, held = instrumented(*synthetic(NATURES[:1], ["idle"], blocks=1, troubles=False), WHOLE)
    calibrations = [trial for trial in held if trial.planned.scenario == "calibration"]
    write(run_folder / "instrument", msgspec.structs.replace(run, environment=elsewhere), calibrations, "calibration")
    with without_drawings():
        page = build(run_folder, run_folder.parent / "reports").read_text(encoding="utf-8")
    assert "Measured under different conditions: cpu &lt;other&gt; CPU" in page
    readings = (run_folder.parent / "reports" / run_folder.name / "instrument.md").read_text(encoding="utf-8")
    assert "Measured under different conditions: cpu &#60;other&#62; CPU" in readings
    assert "| delay 5 ms | p50 |" in readings


def test_prose_is_spliced_between_its_marks_alone(run_folder: Path) -> None:
    text = spliced(PROSE, run_folder, "reports/reference")
    assert text.startswith("before\n<!-- the comparison: begin -->\n")
    assert text.endswith("<!-- the comparison: end -->\nafter\n")
    assert "old" not in text.splitlines()
    assert "| variant |" in text
    assert spliced(text, run_folder, "reports/reference") == text


@pytest.mark.parametrize("prose", ["no marks", "<!-- the comparison: begin --> but no end"])
def test_prose_without_marks_is_refused(run_folder: Path, prose: str) -> None:
    with pytest.raises(ValueError, match="there is no <!-- the"):
        spliced(prose, run_folder, "reports/reference")
