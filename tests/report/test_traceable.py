"""Every number of the answer, followed back to the raw records by another way: json, the statistics module, plain
arithmetic; the HdrHistogram library for quantiles; scipy's t. Nothing here is computed by the analysis that it checks.
"""

from __future__ import annotations

import functools
import json
import math
import re
import statistics
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from scipy import stats

from bench.report import build
from tests.report._pages import without_drawings

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
SPACE = "\N{NO-BREAK SPACE}"
TIMES = "\N{MULTIPLICATION SIGN}"
NUMBER = re.compile(r"(?P<sign>\N{MINUS SIGN}?)(?P<digits>[\d,]+(?:\.(?P<places>\d+))?)\s*(?P<unit>\D*)")
UNITS = {
    "": 1.0, TIMES: 1.0, "ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9, "B": 1.0, "kB": 1e3, "MB": 1e6, "KiB": 1024.0,
    "MiB": 1024.0**2, "ns/s": 1.0, "µs/s": 1e3, "ms/s": 1e6,
}  # fmt: skip
SEGMENT_BYTES = 52  # as METHODOLOGY states the estimate
GRAIN_OF_COUNTS = 0.01
ASSUMED_RATIO = 1.05  # the floor where no twins have ratios
MUCH = 1.25  # as the page takes a ratio for one that would matter


@functools.cache
def run() -> dict[str, Any]:
    """What is known of the reference run beside its trials."""
    return dict(json.loads((REFERENCE / "run.json").read_text(encoding="utf-8")))


PRODUCTS = {facts["label"] for facts in run()["variants"] if facts["product"]}
RANGE = f"{100 * (1 - 2.0 ** (1 - run()['repetitions'])):.0f} %"  # how surely the range of the trials holds the median
ALLOWED = ("p99", "99 %", "90 %", RANGE, f"2{TIMES}", f"Python {run()['environment']['facts']['python']}")
"""Digits that are no measurement: the name of a quantile, how to read a number, and what it was measured on."""

Record = dict[str, Any]


# The raw records, and numbers from them


def valid(trial: Record) -> bool:
    return trial["failure"] is None and not any(finding["disqualifying"] for finding in trial["findings"])


@functools.cache
def records() -> dict[tuple[str, str], dict[int, list[Record]]]:
    """The valid trials of the reference run by cell and block, twins after the first; without points of sweeps."""
    held: dict[tuple[str, str], dict[int, list[Record]]] = {}
    for path in sorted((REFERENCE / "trials").glob("*.json"), key=lambda path: path.stem):  # a twin after its first
        trial = json.loads(path.read_text(encoding="utf-8"))
        planned = trial["planned"]
        if valid(trial) and not planned["changes"]:
            cell = held.setdefault((planned["scenario"], planned["variant"]), {})
            cell.setdefault(planned["block"], []).append(trial)
    return held


def quantile(distribution: Record | None, q: float) -> float | None:
    """The value that at least the share q does not exceed, as the HdrHistogram library reads it."""
    if not distribution:
        return None
    rank = math.ceil(q * distribution["count"] - 1e-9)
    histogram = HdrHistogram.decode(distribution["histogram"])
    found = histogram.get_value_at_percentile(100 * rank / distribution["count"])
    return float(min(max(found, distribution["min_ns"]), distribution["max_ns"]))


def cpu(trial: Record) -> float | None:
    usage = trial["usage"]
    if usage is None:
        return None
    broker = usage["broker"]["cpu_ns"] if usage["broker"] else 0
    return float((usage["server"]["cpu_ns"] + broker) / usage["deliveries"])


def wire(trial: Record) -> float | None:
    sockets = trial["wire"]
    if sockets is None:
        return None
    segments = sockets["segments_in"] + sockets["segments_out"]
    return float((sockets["received_bytes"] + sockets["sent_bytes"] + SEGMENT_BYTES * segments) / sockets["deliveries"])


def per_connection(trial: Record, key: str, per_second: bool) -> float | None:
    counts, held = [], []
    for step in trial["idle"]:
        total = step["server"][key] + (step["broker"][key] if step["broker"] else 0)
        counts.append(step["subscribers"])
        held.append(total * 1e9 / step["window_ns"] if per_second else total)
    return statistics.linear_regression(counts, held).slope if counts else None


READ = {
    "latency_p50": lambda trial: quantile(trial["latency"], 0.5),
    "latency_p99": lambda trial: quantile(trial["latency"], 0.99),
    "round_trip_p50": lambda trial: quantile(trial["latency"], 0.5),
    "round_trip_p99": lambda trial: quantile(trial["latency"], 0.99),
    "connect_p50": lambda trial: quantile(trial["connect"], 0.5),
    "cpu": cpu,
    "wire": wire,
    "requests": lambda trial: trial["wire"]["requests"] / trial["wire"]["deliveries"],
    "connection_memory": lambda trial: per_connection(trial, "pss_bytes", False),
    "connection_cpu": lambda trial: per_connection(trial, "cpu_ns", True),
}


@functools.cache
def values(metric: str, scenario: str, variant: str) -> dict[int, float]:
    """One number per block: of the trial as planned, or of its twin where that is not valid."""
    blocks = records()[(scenario, variant)]
    return {block: value for block, held in sorted(blocks.items()) if (value := READ[metric](held[0])) is not None}


def bootstrap(sample: list[float]) -> tuple[float, float]:
    """Percentile bootstrap of the median: 10,000 resamples, seeded by the number of trials, 2.5 % off both ends."""
    drawn = np.random.default_rng(len(sample)).integers(0, len(sample), (10_000, len(sample)))
    low, high = np.percentile(np.median(np.array(sample)[drawn], axis=1), [2.5, 97.5])
    return float(low), float(high)


def student(sample: list[float]) -> tuple[float, float]:
    """Student's 90 % interval of the mean, widened to hold the median."""
    reach = float(stats.t.ppf(0.95, len(sample) - 1)) * statistics.stdev(sample) / math.sqrt(len(sample))
    middle, mean = statistics.median(sample), statistics.mean(sample)
    return min(mean - reach, middle), max(mean + reach, middle)


def three(middle: float, ends: tuple[float, float]) -> dict[str, float]:
    return {"": middle, "-low": ends[0], "-high": ends[1]}


def expected(kind: str, metric: str, scenario: str, variant: str, against: str) -> float:
    """What a number of the page should be."""
    what, end = re.fullmatch(r"(median|ratio|difference)(-low|-high)?", kind).groups("")  # type: ignore[union-attr]
    ours = values(metric, scenario, variant)
    if what == "median":
        sample = list(ours.values())
        return three(statistics.median(sample), bootstrap(sample))[end]
    theirs = values(metric, scenario, against)
    blocks = sorted(ours.keys() & theirs.keys())
    if what == "difference":
        sample = [ours[block] - theirs[block] for block in blocks]
        return three(statistics.median(sample), student(sample))[end]
    sample = [math.log(ours[block] / theirs[block]) for block in blocks]
    return math.exp(three(statistics.median(sample), student(sample))[end])


def floor(kind: str, metric: str, scenario: str) -> float:
    """How far the mean of as many equal pairs as there are blocks strays from equality in 95 of 100 cases."""
    pairs = []
    for (where, variant), blocks in records().items():
        if where == scenario and variant != "null":
            twins = [[READ[metric](trial) for trial in held[:2]] for held in blocks.values() if len(held) > 1]
            pairs += [pair for pair in twins if None not in pair]
    by_ratio = kind == "floor-ratio"
    if by_ratio:
        apart = [math.log(one / other) for one, other in pairs if one > 0 and other > 0]
    else:
        apart = [one - other for one, other in pairs]
    if not apart:
        return ASSUMED_RATIO
    spread = math.sqrt(sum(value**2 for value in apart) / len(apart))
    stray = float(stats.t.ppf(0.975, len(apart))) * spread / math.sqrt(len(apart))
    return max(math.exp(stray), 1.01) if by_ratio else max(stray, GRAIN_OF_COUNTS)


# What the page says


def agrees(text: str, value: float, size: float | None = None) -> float:
    """Check that a text is a value rounded to its own digits, on that size of a unit or the one it names; the size."""
    found = NUMBER.fullmatch(text.replace(SPACE, " "))
    assert found, text
    size = UNITS[found["unit"].strip()] if size is None or found["unit"].strip() else size
    number = float(found["digits"].replace(",", "")) * (-1 if found["sign"] else 1)
    half = 0.5 * 10 ** -len(found["places"] or "")
    assert abs(number - value / size) <= half * (1 + 1e-6), f"{text} for {value / size}"
    return size


def parameter(name: str, scenario: str, value: float) -> float:
    """What the run was told, in base units; of several, the one that is named."""
    (facts,) = [facts for facts in run()["scenarios"] if facts["name"] == scenario]
    told = facts["parameters"][name]
    if isinstance(told, list):
        assert value in (min(told), max(told))
        return value
    return float(told) * (1e9 if name.endswith("_s") else 1.0)


def check(one: ET.Element, size: float | None) -> float | None:
    """Check one number of the page, text and value; the size of its unit for the ends of its interval."""
    kind, metric, scenario = (one.attrib[f"data-{key}"] for key in ("kind", "metric", "scenario"))
    value, text = float(one.attrib["value"]), one.text or ""
    if kind == "parameter":
        truth = parameter(metric, scenario, value)
        assert value == truth, one.attrib
        return agrees(text, truth, size)
    if kind == "messages-per-request":
        truth = 1 / expected("median", metric, scenario, one.attrib["data-variant"], "")
        assert value == pytest.approx(truth, rel=1e-6)
        return agrees(text, truth, size)
    if kind.startswith("floor"):
        truth = floor(kind, metric, scenario)
        share = math.ceil((truth - 1) * 100 - 1e-6)
        assert text.replace(SPACE, " ") == (f"{share} %" if kind == "floor-ratio" else f"{float(f'{truth:.2g}'):.4g}")
        assert value == pytest.approx(truth, rel=1e-6)
        return None
    truth = expected(kind, metric, scenario, one.attrib["data-variant"], one.attrib.get("data-against", ""))
    assert value == pytest.approx(truth, rel=1e-6, abs=1e-9), (text, one.attrib)
    return agrees(text, truth, size)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    with without_drawings():
        return build(REFERENCE, tmp_path_factory.mktemp("reports")).read_text(encoding="utf-8")


def part(page: str, pattern: str) -> ET.Element:
    found = re.search(pattern, page, re.DOTALL)
    assert found, pattern
    return ET.fromstring(found[0])


@pytest.fixture(scope="module")
def opening(page: str) -> ET.Element:
    """The headline and how the protagonist stands; the advice between them is worked out anew in its own tests."""
    held = ET.Element("div")
    held.extend(part(page, rf'<div id="{name}">.*?</div>') for name in ("opening", "standings"))
    return held


@pytest.fixture(scope="module")
def claims(page: str) -> ET.Element:
    section = page.split('<section id="claims">')[1].split("</section>")[0]
    return ET.fromstring(f"<div>{''.join(re.findall(r'<table.*?</table>', section, re.DOTALL))}</div>")


@pytest.fixture(scope="module")
def decision(page: str) -> ET.Element:
    return part(page.split('<section id="decision">')[1], r"<table.*?</table>")


def bare(element: ET.Element) -> Iterator[str]:
    """All text that is in no `<data>`."""
    if element.tag != "data":
        yield element.text or ""
        for child in element:
            yield from bare(child)
            yield child.tail or ""


def numbers(element: ET.Element) -> list[ET.Element]:
    return list(element.iter("data"))


def check_phrases(element: ET.Element) -> int:
    """Check every number of an element in which each follows the unit of the middle before it."""
    size: float | None = None
    for one in numbers(element):
        ends = one.attrib["data-kind"].endswith(("-low", "-high"))
        size = check(one, size if ends else None)
    return len(numbers(element))


def test_every_number_of_the_opening_follows_from_the_records(opening: ET.Element) -> None:
    assert check_phrases(opening) > 60


def test_every_number_of_the_claims_follows_from_the_records(claims: ET.Element) -> None:
    assert check_phrases(claims) > 400


def test_every_number_of_the_decision_table_follows_from_the_records(decision: ET.Element) -> None:
    units = [head.findall("small")[0].text or "" for head in decision.findall("./thead/tr/th")[1:] if len(head) == 3]
    sizes = [UNITS[unit.split(", ")[1]] if ", " in unit else 1.0 for unit in units]
    seen = 0
    for row in decision.findall("./tbody/tr[@data-variant]"):
        cells = [cell for cell in row.findall("td") if cell.get("class") != "promise"]
        for cell, size in zip(cells, sizes, strict=True):
            for one in numbers(cell):
                assert one.attrib["data-variant"] == row.attrib["data-variant"]
                check(one, size)
                seen += 1
            if numbers(cell):
                assert cell.attrib["data-value"] == numbers(cell)[0].attrib["value"]
    for cell in decision.findall("./tfoot/tr/td"):
        for one in numbers(cell):
            check(one, None)
            seen += 1
    assert seen > 200


@pytest.mark.parametrize("name", ["opening", "claims", "decision"])
def test_there_is_no_number_without_its_origin(name: str, request: pytest.FixtureRequest) -> None:
    for text in bare(request.getfixturevalue(name)):
        plain = text.replace(SPACE, " ")
        for allowed in ALLOWED:
            plain = plain.replace(allowed, "")
        assert not re.search(r"\d", plain), text


def test_a_wrong_number_would_be_found(decision: ET.Element) -> None:
    """The checks themselves can fail: a number off by one in its last place, and a value of another variant."""
    one = next(one for one in numbers(decision) if one.attrib["data-kind"] == "median")
    row = {**one.attrib}
    truth = expected("median", row["data-metric"], row["data-scenario"], row["data-variant"], "")
    with pytest.raises(AssertionError):
        agrees("1.33 ms", 1.32e6)
    forged = ET.Element("data", {**row, "value": repr(truth * 1.01)})
    forged.text = one.text
    with pytest.raises(AssertionError):
        check(forged, None)


def test_the_verdicts_of_the_claims_follow_from_ratio_interval_and_floor(claims: ET.Element) -> None:
    """Where there is a ratio: named only if its interval excludes 1 and its middle lies beyond the noise floor."""
    seen = set()
    for row in claims.findall("./table/tbody/tr[@id]"):
        verdict, ratio, ours = row.findall("td")[:3]
        held = {one.attrib["data-kind"]: float(one.attrib["value"]) for one in numbers(ratio)}
        if "ratio" not in held:
            continue
        metric, scenario = (numbers(ratio)[0].attrib[f"data-{key}"] for key in ("metric", "scenario"))
        beyond = floor("floor-ratio", metric, scenario)
        subject, label = numbers(ours)[0].attrib["data-variant"], (ours.text or "").strip()
        more = label in PRODUCTS  # a product is said to have more
        as_claimed = (numbers(ratio)[0].attrib["data-variant"] == subject) is more
        said = "no difference beyond noise"
        if held["ratio-low"] > 1 and held["ratio"] > beyond:
            said = "supported" if as_claimed else "not supported"
        assert as_claimed or said == "not supported", row.attrib["id"]
        small = [one.text for one in verdict.findall("small")]
        much = max(held["ratio"], 1 / held["ratio"]) > min(beyond, MUCH)
        noisy = said == "no difference beyond noise" and much
        assert (said in small) is noisy, row.attrib["id"]
        assert (verdict.text or "").split(":")[0] == ("too noisy to decide" if noisy else said), row.attrib["id"]
        seen.add(said)
    assert seen == {"supported", "not supported", "no difference beyond noise"}


# What the README says


README = (ROOT / "README.md").read_text(encoding="utf-8").split("<!-- the comparison: begin -->")[1]
BLOCK = README.split("<!-- the comparison: end -->")[0]
COLUMNS = {
    "freshness, median, broadcast": ("latency_p50", "broadcast"),
    "round trip, median, echo": ("round_trip_p50", "echo"),
    "server CPU per message, broadcast": ("cpu", "broadcast"),
    "server CPU per message, echo": ("cpu", "echo"),
    "bytes per message, broadcast": ("wire", "broadcast"),
    "bytes per message, echo": ("wire", "echo"),
    "memory per connection, idle": ("connection_memory", "idle"),
}


def rows() -> list[list[str]]:
    return [
        [cell.strip().replace("**", "") for cell in line.strip("|").split("|")]
        for line in BLOCK.splitlines()
        if line.startswith("| ")
    ]


def test_every_number_of_the_readme_table_follows_from_the_records() -> None:
    head, *body = rows()
    labels = {one["label"]: one["name"] for one in json.loads((REFERENCE / "run.json").read_text())["variants"]}
    shown = [cells for cells in body if cells[0] in labels]
    assert len(shown) == len(labels) - sum(one in ("harness floor", "calibration") for one in labels)
    seen = set()
    for cells in shown:
        for heading, cell in zip(head[1:-1], cells[1:-1], strict=True):
            title, unit = heading.rsplit(", ", 1)
            metric, scenario = COLUMNS[title]
            name = labels[cells[0]]
            found = re.fullmatch(r"(\S+)(?: \((\S+?)(?:\N{EN DASH}| to )(\S+)\))?", cell)
            assert found, cell
            middle, low, high = found.groups()
            assert (low is None) == (len(values(metric, scenario, name)) < 3)  # of two values there is no interval
            for text, kind in ((middle, "median"), (low, "median-low"), (high, "median-high")):
                if text is not None:
                    agrees(text, expected(kind, metric, scenario, name, ""), UNITS[unit])
            seen.add(title)
    assert seen == set(COLUMNS)


def test_the_noise_floors_of_the_readme_table_follow_from_the_records() -> None:
    head, *body = rows()
    (cells,) = [cells for cells in body if cells[0] == "*Noise floor*"]
    for heading, cell in zip(head[1:-1], cells[1:-1], strict=True):
        metric, scenario = COLUMNS[heading.rsplit(", ", 1)[0]]
        share = math.ceil((floor("floor-ratio", metric, scenario) - 1) * 100 - 1e-6)
        assert cell.replace(SPACE, " ") == f"{share} %"


def test_the_opening_of_the_summary_and_of_the_readme_is_that_of_the_page(opening: ET.Element) -> None:
    def plain(text: str) -> str:
        return " ".join(text.replace(SPACE, " ").replace("\\", "").split())

    told = {plain("".join(line.itertext())) for line in opening.iter("dd")}
    summary = (ROOT / "reports" / "reference" / "summary.md").read_text(encoding="utf-8").partition("## Claims")[0]
    assert told == {plain(line.removeprefix("- ")) for line in summary.splitlines() if line.startswith("- ")}
    sentence = next("".join(one.itertext()) for one in opening.iter("p"))
    assert plain(f"**{sentence}**") in plain(BLOCK)
