"""The report as a whole: what a sceptic, a phone and an attacker find in it."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import msgspec
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.trials.metrics import METRICS
from bench.report import build, sections
from bench.report.shell import SCRIPTS as COMMON
from bench.results import EmulatedPath, Failure, ResultsError, ScenarioFacts, Trial
from bench.units import measured, quantity
from tests._natures import NATURES
from tests._synthetic import HOSTILE, hostile, synthetic, write
from tests._trials import over_broker
from tests.report._pages import Reader, references, report, worded

SCRIPTS = (*COMMON, *sections.scripts())


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(tmp_path_factory.mktemp("attacked"), *hostile(NATURES[2:5], blocks=2))


@pytest.fixture(scope="module")
def read(page: Path) -> Reader:
    return Reader(page.read_text(encoding="utf-8"))


def test_the_page_is_balanced_markup(read: Reader) -> None:
    assert read.open == []


def test_the_page_refers_to_itself_its_files_and_the_raw_records_alone(page: Path, read: Reader) -> None:
    found = list(references(read))
    assert found
    anchors = {attributes["id"] for _, attributes in read.tags if "id" in attributes}
    for reference in found:
        if reference.startswith("#"):
            assert reference[1:] in anchors, reference
        else:
            assert (page.parent / reference).exists(), reference
            assert not reference.startswith("..") or reference.startswith(f"../../results/{page.parent.name}/")
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"https?://|//[a-z]|@import|url\((?!#)", text)


def test_the_page_runs_its_own_scripts_and_its_policy_forbids_all_but_them_and_its_style(
    page: Path, read: Reader
) -> None:
    tags = {tag for tag, _ in read.tags}
    assert not tags & {"iframe", "object", "embed", "base"}
    assert not [key for _, attributes in read.tags for key in attributes if key.startswith("on") or key == "style"]
    policies = [attributes["content"] or "" for tag, attributes in read.tags
                if attributes.get("http-equiv") == "Content-Security-Policy"]  # fmt: skip
    text = page.read_text(encoding="utf-8")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    assert scripts == [script.read_text(encoding="utf-8") for script in SCRIPTS]
    assert [tag for tag, _ in read.tags].count("script") == len(SCRIPTS)
    assert policies == [
        f"default-src 'none'; style-src {digest(style)}; script-src {' '.join(map(digest, scripts))};"
        " base-uri 'none'; form-action 'none'"
    ]


def digest(source: str) -> str:
    """How a policy names what stands in the page itself."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def test_every_class_of_the_page_has_its_colour(page: Path, read: Reader) -> None:
    swatches = {name for _, attributes in read.tags for name in (attributes.get("class") or "").split()
                if re.fullmatch(r"v\d+", name)}  # fmt: skip
    text = page.read_text(encoding="utf-8")
    assert len(swatches) == 9
    assert all(f".{name}{{" in text for name in swatches)


def test_figures_and_files_are_there(page: Path, read: Reader) -> None:
    names = sorted(path.stem for path in (page.parent / "figures").glob("*.svg"))
    assert len(names) == 15
    for kind in ("png", "csv"):
        assert names == sorted(path.stem for path in (page.parent / "figures").glob(f"*.{kind}"))
    assert [tag for tag, _ in read.tags].count("svg") == 15
    assert (page.parent / "summary.md").is_file()


def test_latest_leads_to_the_newest_report(page: Path) -> None:
    latest = page.parents[1] / "latest"
    assert latest.resolve() == page.parent.resolve()
    assert not Path(latest.readlink()).is_absolute()


def test_what_is_missing_is_said_with_its_reason(read: Reader) -> None:
    for words in (
        "63 trials planned: 61 valid, 1 invalid, 1 failed, 0 not run.",
        "no binary on PATH",
        "order: message 4 arrived before message 3",
        "in phase connect: no delivery within 5 s",
        "3 lost of 5,003 expected deliveries",
    ):
        assert words in read.text


def test_the_opening_names_wins_and_losses_in_the_same_type(page: Path, read: Reader) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<dt>WebSocket wins</dt><dd>" in text
    assert "<dt>WebSocket loses</dt><dd>" in text
    assert "memory per connection, idle: WebSocket 2" in read.text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_sections_come_in_the_order_in_which_one_asks(read: Reader) -> None:
    sections = [attributes["id"] for tag, attributes in read.tags if tag == "section"]
    assert sections == [
        "advice", "decision", "claims", "figures", "workloads", "faults", "trust", "calibration", "laws", "classics",
        "missing", "method", "environment", "numbers",
    ]  # fmt: skip
    linked = [attributes["href"] for tag, attributes in read.tags if tag == "a"][-1000:]
    assert {f"#{section}" for section in sections} <= set(linked)


def test_every_claim_has_an_anchor_and_leads_to_its_figure(page: Path, read: Reader) -> None:
    anchors = [attributes["id"] for tag, attributes in read.tags if tag == "tr" and "id" in attributes]
    assert len(anchors) == len(set(anchors)) > 60
    assert all(str(anchor).startswith("claim-") for anchor in anchors)
    text = page.read_text(encoding="utf-8")
    for figure in ("latency-broadcast", "round-trip-echo", "cpu-echo", "wire-broadcast", "memory-idle", "connect-idle"):
        assert f'<a href="#{figure}">figure</a>' in text


def test_the_classics_stand_beside_what_was_measured(read: Reader) -> None:
    text = read.text
    assert "Lubbers and Greco" in text
    assert "not testable in this run" in text
    assert "python -m bench run -s broadcast --sweep rate_hz=" in text


def test_laws_at_the_points_of_sweeps_are_folded_away(tmp_path: Path) -> None:
    run, trials = synthetic(NATURES[:2], ["broadcast"], troubles=False)
    points = [
        msgspec.structs.replace(
            trial,
            planned=msgspec.structs.replace(trial.planned, id=f"{trial.planned.id}-p", changes={"rate_hz": 5.0}),
            parameters={**trial.parameters, "rate_hz": 5.0},
        )
        for trial in trials
    ]
    run = msgspec.structs.replace(run, plan=[*run.plan, *(point.planned for point in points)])
    text = worded(tmp_path, run, [*trials, *points]).read_text(encoding="utf-8")
    before, after = text.split('<section id="laws">')[1].split("</section>")[0].split("<details>")
    assert "rate_hz 5" not in before
    assert after.count("rate_hz 5") == before.count("<small>broadcast</small>")
    assert "The same laws at points of sweeps: 4 readings" in after


def test_how_sure_the_numbers_are_is_said(read: Reader) -> None:
    text = read.text.replace("\N{NO-BREAK SPACE}", " ")
    assert "at most 75 % with 3; 2 or fewer trials have no brackets" in text
    assert "No variant was run twice in a block" in text


def test_the_summary_holds_the_numbers_of_the_metrics(page: Path) -> None:
    summary = (page.parent / "summary.md").read_text(encoding="utf-8")
    cells = Cells(*synthetic())
    seen = 0
    for metric in METRICS.values():
        for scenario in cells.scenarios:
            for variant in cells.measured(scenario):
                found = cells.estimate(metric.name, scenario, variant.name)
                if metric.headline and found is not None:
                    row = next(line for line in summary.split(f"### {scenario}")[1].splitlines()
                               if line.startswith(f"| {variant.label} |"))  # fmt: skip
                    assert f"| {measured(found, metric.unit)} |" in row
                    seen += 1
    assert seen > 90


def test_the_page_holds_every_metric(read: Reader) -> None:
    cells = Cells(*synthetic())
    for name, metric in METRICS.items():
        found = [cells.estimate(name, scenario, "sse") for scenario in cells.scenarios if metric.applies(scenario)]
        for number in found:
            assert number is None or quantity(number.median, metric.unit) in "".join(read.words)


def test_nothing_from_outside_becomes_markup(attacked: Path) -> None:
    text = attacked.read_text(encoding="utf-8")
    reader = Reader(text)
    assert reader.open == []
    assert text.lower().count("<script") == len(SCRIPTS)
    assert "<script>alert" not in text
    assert text.count("</style>") == 1
    assert "\u202e" not in text
    assert "\x07" not in text
    assert "&lt;script&gt;" in text
    assert all(not reference.startswith("javascript") for reference in references(reader))


def test_nothing_from_outside_becomes_markdown(attacked: Path) -> None:
    summary = (attacked.parent / "summary.md").read_text(encoding="utf-8")
    assert "<" not in summary
    assert "[a](" not in summary
    assert HOSTILE not in summary
    tables = re.findall(r"(?:^\|.*\n)+", summary, re.MULTILINE)
    assert len(tables) > 5
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_hostile_names_of_scenarios_stay_in_the_folder(tmp_path: Path) -> None:
    run, trials = synthetic(NATURES[2:3], ["broadcast"], blocks=1, troubles=False)
    name = f"../../{HOSTILE}"
    run = msgspec.structs.replace(run, scenarios=[msgspec.structs.replace(run.scenarios[0], name=name)])
    trials = [
        msgspec.structs.replace(trial, planned=msgspec.structs.replace(trial.planned, scenario=name))
        for trial in trials
    ]
    run = msgspec.structs.replace(run, plan=[trial.planned for trial in trials])
    made = report(tmp_path, run, trials)
    assert Reader(made.read_text(encoding="utf-8")).open == []
    written = {path.name for path in (made.parent / "figures").iterdir()}
    assert written
    assert all(re.fullmatch(r"[a-z0-9-]+\.(svg|png|csv)", file) for file in written)


def test_a_report_is_rebuilt_in_place_to_the_same_bytes(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", *synthetic(NATURES[2:4], ["idle"], troubles=False))
    page = build(folder, tmp_path / "reports")
    first = {path.name: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()}
    (page.parent / "figures" / "stale.svg").write_text("left over")
    assert build(folder, tmp_path / "reports") == page
    assert {path.name: path.read_bytes() for path in page.parent.rglob("*") if path.is_file()} == first
    assert sorted(path.name for path in (tmp_path / "reports").iterdir()) == [folder.name, "latest"]


def test_where_there_are_no_links_latest_holds_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refused)
    run, trials = synthetic(NATURES[2:3], ["idle"], blocks=1, troubles=False)
    page = report(tmp_path, run, trials)
    assert (tmp_path / "reports" / "latest").read_text(encoding="utf-8").strip() == page.parent.name


def test_results_are_only_read(tmp_path: Path) -> None:
    folder = write(tmp_path / "results", *synthetic(NATURES[2:3], ["idle"], blocks=1, troubles=False))
    before = {path: path.read_bytes() for path in folder.rglob("*.json")}
    build(folder, tmp_path / "reports")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def fail(trial: Trial) -> Trial:
    return msgspec.structs.replace(trial, failure=Failure(phase="start", error="port taken"))


@pytest.mark.parametrize("kept", ["all failed", "none run"])
def test_a_run_without_a_valid_trial_still_has_a_page(tmp_path: Path, kept: str) -> None:
    run, trials = synthetic(NATURES[2:4], blocks=1, troubles=False)
    page = report(tmp_path, run, [fail(trial) for trial in trials] if kept == "all failed" else [])
    text = Reader(page.read_text(encoding="utf-8")).text
    assert "No trial of this run is valid." in text
    assert "6 trials planned: 0 valid" in text
    assert ("port taken" in text) is (kept == "all failed")


def test_one_trial_gives_numbers_without_intervals_and_no_ranking(tmp_path: Path) -> None:
    run, trials = synthetic(NATURES[2:4], ["idle"], blocks=1, troubles=False)
    text = Reader(report(tmp_path, run, trials).read_text(encoding="utf-8")).text
    assert "too few for an interval or a comparison" in text
    assert "but cannot rank it" in text


def test_without_its_protagonist_a_run_says_nothing_about_it(tmp_path: Path) -> None:
    run, trials = synthetic(NATURES[:2], ["idle"], troubles=False)
    text = Reader(report(tmp_path, run, trials).read_text(encoding="utf-8")).text
    assert "no valid trial of WebSocket on neutral ground" in text


def test_a_folder_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match=r"run\.json"):
        build(tmp_path / "nothing", tmp_path / "reports")
    assert not (tmp_path / "reports").exists()


def test_a_report_is_never_written_over_results(tmp_path):
    run, trials = synthetic()
    folder = write(tmp_path, run, trials)
    with pytest.raises(ResultsError, match="holds results"):
        build(folder, tmp_path)
    assert (folder / "run.json").exists()


def test_claims_about_the_protagonist_are_open_and_the_others_folded(page: Path) -> None:
    section = page.read_text(encoding="utf-8").split('<section id="claims">')[1].split("</section>")[0]
    before, *folded = section.split("<details>")
    assert before.count('id="claim-') > 25
    assert [part.count("<table") for part in (before, *folded)][:3] == [1, 1, 1]
    assert "too few trials" not in before


def test_who_has_no_part_in_a_scenario_is_named_with_the_reason(tmp_path: Path) -> None:
    run, trials = synthetic(troubles=False)
    facts = ScenarioFacts(name="outage", description="Outage.", parameters={}, excluded={"sse": "has no broker"})
    run = msgspec.structs.replace(run, scenarios=[*run.scenarios, facts])
    page = worded(tmp_path, run, trials)
    assert "SSE: has no broker" in page.read_text()
    assert "- excluded from outage: SSE: has no broker" in (page.parent / "summary.md").read_text()


def test_the_broker_that_was_used_is_named_and_one_that_was_not_measured_is_a_doubt(tmp_path: Path) -> None:
    run, trials = synthetic(troubles=False)
    (product,) = (facts.name for facts in run.variants if facts.product == "flask-sse")
    used = [over_broker(trial) if trial.planned.variant == product else trial for trial in trials]
    text = worded(tmp_path, run, used).read_text()
    identity = "Redis 7.4.1, REDIS_URL, reached at redis://a-host:6379/0, its process not known"
    assert text.count(f"Broker: {identity}") == 1
    assert "broker not measured" in text
    assert "leave REDIS_URL unset" in text


def test_the_broker_of_the_checks_is_named_where_no_trial_recorded_one(tmp_path: Path) -> None:
    run, trials = synthetic(troubles=False)
    broker = over_broker(trials[0], process_known=True).broker
    first, *others = run.variants
    run = msgspec.structs.replace(run, variants=[msgspec.structs.replace(first, broker=broker), *others])
    assert broker is not None
    assert worded(tmp_path, run, trials).read_text().count(f"Broker: {broker.identity}") == 1


def test_an_emulated_path_is_declared(tmp_path: Path) -> None:
    run, trials = synthetic(troubles=False)
    path = EmulatedPath(name="far", description="20 ms one way", connections=100, resets=0, stalls=0, pieces=9)
    trials = [msgspec.structs.replace(trials[0], emulated_path=path), *trials[1:]]
    text = worded(tmp_path, run, trials).read_text()
    said = (
        "In broadcast the path between subscribers and server was emulated in user space by a TCP proxy of the bench."
    )
    assert f"{said} far: 20 ms one way." in text
