"""The section "Advice" of the page: its form, its data, what is there without JavaScript; both compute alike."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import asdict, astuple, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from bench.advice import answer
from bench.advice.at_a_glance import glance as at_a_glance
from bench.advice.costs import CPU_FEATURES, Costs, fit
from bench.advice.needs import FIELDS, Need
from bench.advice.ranking import Advice, advise
from bench.advice.words import PHRASES, phrased
from bench.cli import parse
from bench.commands.advise import need_of
from bench.report import sections
from bench.report.sections import advice
from bench.report.sections._advice_data import data
from bench.report.sections.advice import TYPICAL
from bench.report.shell import SCRIPTS as COMMON
from tests._natures import NATURES
from tests._priced import PRICES, cells, priced
from tests._synthetic import HOSTILE, synthetic
from tests.report._pages import Reader, report, worded

SCRIPTS = (*COMMON, *sections.scripts())
SCRIPT = Path(advice.__file__).with_name("advice.js")
NODE = shutil.which("node")
NEEDS = [
    *(need for _, need in TYPICAL),
    Need(100, 10.0, 200, 0.0, 2.0, 100),
    Need(100, 10.0, 200, 1.5, 0.005, 1),
    Need(20_000, 1.0, 5000, 0.0, 30.0, 20_000, cores=2),
    Need(7, 0.0001, 60, 20.0, 0.0025, 3),
    Need(3_000_000, 0.02, 1000, 0.0, 60.0, 1, cores=64),
    Need(1, 1.0, 1, 0.0, 0.5, 1),
]


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("priced")
    return worded(folder, *priced()).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(text: str) -> Reader:
    return Reader(re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL))


def embedded(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="costs">(.*?)</script>', text, re.DOTALL)
    assert found
    held: dict[str, Any] = json.loads(found[1])
    return held


def numbers(advice: Advice) -> list[dict[str, Any]]:
    """The facts of every option that are numbers, marks or None, as the script has them."""
    return [{name: fact for name, fact in answer.facts(option).items() if name in NUMBERS} for option in advice.options]


NUMBERS = (
    "place", "tie", "far", "core_count", "p50_ns", "p99_ns", "waited_ns", "memory_bytes", "wire_bytes", "asks",
    "request_count", "process_count", "several_processes", "interval_ns", "connections", "open_files", "ping_count",
)  # fmt: skip


def random_needs(count: int) -> list[Need]:
    """Needs all over what may be asked for, the same each time."""
    rng = np.random.default_rng(7)
    found = []
    for _ in range(count):
        subscribers = int(10 ** rng.uniform(0, 6))
        found.append(
            Need(
                subscribers=subscribers,
                rate=float(10 ** rng.uniform(-3, 2)),
                payload_bytes=float(10 ** rng.uniform(0, 5)),
                upstream_rate=float(rng.choice([0.0, 10 ** rng.uniform(-2, 0.5)])),
                max_staleness_s=float(10 ** rng.uniform(-2.9, 2)),
                fan_out=max(1, int(subscribers * rng.choice([1.0, 0.1, 1e-6]))),
                cores=None if rng.random() < 0.7 else int(10 ** rng.uniform(0, 3)),
            )
        )
    return found


def of_the_script(function: str, given: dict[str, Any]) -> list[Any]:
    """What a function of the page's script returns for every need, run by node."""
    program = (
        f"const script = require({json.dumps(str(SCRIPT))});"
        "const given = JSON.parse(require('fs').readFileSync(0));"
        f"console.log(JSON.stringify(given.needs.map(need => script.{function}(given.costs, need))));"
    )
    assert NODE
    ended = subprocess.run(
        [NODE, "-e", program], input=json.dumps(given), capture_output=True, text=True, timeout=60, check=True
    )
    found: list[Any] = json.loads(ended.stdout)
    return found


def limited(costs: Costs) -> Costs:
    """The same with few open files and a variant that pings."""
    pinging = msgspec.structs.replace(costs.models[-1].variant, options={"ping_interval": "25"})
    return replace(costs, open_files=5000, models=(*costs.models[:-1], replace(costs.models[-1], variant=pinging)))


@pytest.mark.skipif(NODE is None, reason="no node on PATH to run the script of the page")
@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_the_script_computes_what_python_computes(noise: float) -> None:
    costs = limited(fit(cells(noise=noise)))
    needs = [*NEEDS, *random_needs(200)]
    given = {"costs": data(costs, TYPICAL, {}), "needs": list(map(asdict, needs))}
    options = 0
    for need, theirs in zip(needs, of_the_script("advise", given), strict=True):
        ours = advise(costs, need)
        assert [one["facts"]["label"] for one in theirs["options"]] == [one.variant.label for one in ours.options]
        for mine, other in zip(numbers(ours), theirs["options"], strict=True):
            same = {name: other["facts"][name] for name in NUMBERS}
            assert [name for name in NUMBERS if same[name] is None] == [name for name in NUMBERS if mine[name] is None]
            known = {name: fact for name, fact in mine.items() if fact is not None}
            assert {name: same[name] for name in known} == pytest.approx(known, rel=1e-6)
        assert [sorted(each["kind"] for each in one["beyond"]) for one in theirs["options"]] == [
            sorted(each.dimension.name for each in one.beyond) for one in ours.options
        ]
        assert [one["reason"] for one in theirs["refused"]] == [str(one.reason) for one in ours.refused]
        options += len(ours.options)
    assert options > 400


@pytest.mark.skipif(NODE is None, reason="no node on PATH to run the script of the page")
@pytest.mark.parametrize("noise", [0.0, 0.15])
def test_the_script_says_what_python_says(noise: float) -> None:
    costs = limited(fit(cells(noise=noise)))
    needs = [*NEEDS, replace(NEEDS[0], cores=1), replace(NEEDS[3], max_staleness_s=0.04), *random_needs(200)]
    given = {"costs": data(costs, TYPICAL, {}), "needs": list(map(asdict, needs))}
    everything = ""
    for need, theirs in zip(needs, of_the_script("worded", given), strict=True):
        ours = advise(costs, need)
        lines = answer.lines(ours)
        notes = answer.shared([line.notes for line in lines])
        assert theirs["conclusion"] == list(answer.conclusion(ours))
        assert theirs["rows"] == [list(line.cells) for line in lines]
        assert theirs["notes"] == list(notes.rows)
        assert theirs["common"] == (phrased("common", {"notes": notes.common}) if notes.common else "")
        assert theirs["refused"] == [phrased("refused", {"refusal": answer.refusal(one, need)}) for one in ours.refused]
        everything += json.dumps(theirs)
    for words in ("open files", "pings per second", "there is", "would have to poll", "about "):
        assert words in everything


def test_no_phrase_and_no_bound_of_advice_stands_in_the_script() -> None:
    source = SCRIPT.read_text(encoding="utf-8")
    for alternatives in PHRASES.values():
        for alternative in alternatives:
            for part in re.split(r"\{[^}]*\}", alternative):
                assert len(part.split()) < 2 or part not in source, part


def test_no_fact_is_called_like_a_phrase() -> None:
    """A phrase stands in for a fact that has no value, so a fact of its name would never be missing."""
    costs = fit(cells())
    need = NEEDS[3]
    named = set(answer.facts(advise(costs, NEEDS[0]).options[0]))
    for refused in advise(costs, need).refused:
        named |= set(answer.of_refusal(refused, need))
    assert not named & PHRASES.keys()


@pytest.mark.skipif(NODE is None, reason="no node on PATH to run the script of the page")
def test_the_command_beside_the_form_states_the_same_need() -> None:
    fields = data(fit(cells()), TYPICAL, {})["fields"]
    costs = {"command": "python -m bench advise priced", "fields": fields}
    given = {"costs": costs, "needs": list(map(asdict, NEEDS))}
    for need, typed in zip(NEEDS, of_the_script("command", given), strict=True):
        options = parse(typed.split()[3:])
        assert options.run == "priced"
        assert need_of(options) == need


def test_the_page_is_balanced_markup_with_the_section_in_its_contents(read: Reader) -> None:
    assert read.open == []
    assert ("a", {"href": "#advice"}) in read.tags
    assert any(tag == "section" and attributes.get("id") == "advice" for tag, attributes in read.tags)


def test_every_field_of_the_form_has_a_label(read: Reader) -> None:
    tags = [(tag, attributes) for tag, attributes in read.tags if tag in ("label", "input")]
    assert [tag for tag, _ in tags] == ["label", "input"] * (len(tags) // 2)
    fields = [attributes["name"] for tag, attributes in tags if tag == "input"]
    assert read.text.count("Messages per second each receives") == 1
    assert fields == [field.name for field in FIELDS]
    assert set(fields) == set(asdict(NEEDS[0]))


def test_the_result_is_told_to_who_cannot_see_it(read: Reader) -> None:
    region = [attributes for _, attributes in read.tags if attributes.get("id") == "advise-result"]
    assert [one["aria-live"] for one in region] == ["polite"]


def test_without_javascript_the_typical_needs_are_worked_out(read: Reader) -> None:
    costs = fit(cells())
    for title, need in TYPICAL:
        assert title in read.text
        found = advise(costs, need)
        lines = answer.lines(found)
        notes = answer.shared([line.notes for line in lines])
        for line in lines:
            for cell in line.cells:
                assert " ".join(cell.split()) in read.text
        for words in (*notes.rows, notes.common, *answer.conclusion(found)):
            assert " ".join(words.split()) in read.text
    form = next(attributes for tag, attributes in read.tags if tag == "form")
    assert "hidden" in form


def test_typical_needs_are_answered_at_a_glance_before_all_else(text: str) -> None:
    section = text[text.index('<dl class="glance">') : text.index("</dl>", text.index('<dl class="glance">'))]
    assert text.index('<dl class="glance">') < text.index("advise-form")
    read = Reader(section)
    for title, need in TYPICAL:
        found = advise(fit(cells()), need)
        anchor = {"href": f"#{title.lower()}"}
        assert ("a", anchor) in read.tags
        assert f'<h3 id="{title.lower()}">' in text
        for words in (answer.requirement(need), *astuple(at_a_glance(found))):
            assert " ".join(words.split()) in read.text


def test_the_page_says_how_far_predictions_are_off_and_what_is_extrapolated(read: Reader) -> None:
    assert "Typical error of a prediction:" in read.text
    assert "several processes, one was measured" in read.text
    assert ", at most 400 measured (" in read.text


def test_the_data_of_the_page_are_the_fitted_costs(text: str) -> None:
    held = embedded(text)
    costs = fit(cells())
    assert [one["cpu"] for one in held["variants"]] == [
        dict(zip((each.name for each in CPU_FEATURES), model.cpu, strict=True)) for model in costs.models
    ]
    assert held["presets"][0] == asdict(TYPICAL[0][1])


def test_hostile_labels_do_not_leave_the_data(tmp_path: Path) -> None:
    page = report(tmp_path, *priced(PRICES[2:4], label=HOSTILE))
    text = page.read_text(encoding="utf-8")
    assert Reader(text).open == []
    assert text.lower().count("<script") == text.lower().count("</script") == len(SCRIPTS) + 1
    assert "<script>alert" not in text
    held = embedded(text)
    assert held["variants"][0]["facts"]["label"].startswith("SSE</style><script>")
    assert "\u202e" not in json.dumps(held, ensure_ascii=False)
    assert "\x07" not in json.dumps(held, ensure_ascii=False)


def test_a_run_without_sweeps_says_in_one_line_which_command_measures_them(tmp_path: Path) -> None:
    run, trials = synthetic(NATURES[2:4], ["broadcast"], blocks=1, troubles=False)
    page = worded(tmp_path, run, trials)
    read = Reader(page.read_text(encoding="utf-8"))
    assert "This run does not show what a load costs:" in read.text
    assert "python -m bench run --sweep broadcast.payload_bytes=" in read.text
    assert "form" not in {tag for tag, _ in read.tags}


def test_the_script_starts_nothing_where_there_are_no_costs() -> None:
    """It looks for the form before it reads anything, and knows no way to run text as markup or code."""
    source = SCRIPT.read_text(encoding="utf-8")
    assert "if (!data || !form) return;" in source
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function|fetch\(|\.style\b", source
    )
