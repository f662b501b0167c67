"""Figures of whole runs and of the remains of runs."""

from __future__ import annotations

import csv
import io
import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterable

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.cells import Cells
from bench.report.figures import Drawn, drawn
from bench.report.figures._labels import spread
from bench.results import Failure, Run, Trial
from tests._natures import NATURES
from tests._synthetic import HOSTILE, hostile, instrumented, swept, synthetic

FEW = (NATURES[0], NATURES[3], NATURES[4])  # a poller, a stream, a product with a broker


def draw(run: Run, trials: Iterable[Trial]) -> dict[str, Drawn]:
    return {figure.name: figure for figure in drawn(Cells(run, trials))}


def silent(trial: Trial) -> Trial:
    """The trial with nothing delivered."""
    if trial.usage is None or trial.wire is None or trial.series is None:
        return trial
    nothing = [None] * len(trial.series.delivered)
    return msgspec.structs.replace(
        trial,
        latency=fold([]),
        completion=fold([]),
        usage=msgspec.structs.replace(trial.usage, deliveries=0),
        wire=msgspec.structs.replace(trial.wire, deliveries=0),
        series=msgspec.structs.replace(
            trial.series, delivered=[0] * len(nothing), latency_p50_ns=nothing, latency_max_ns=nothing
        ),
    )


def failed(trial: Trial) -> Trial:
    return msgspec.structs.replace(trial, failure=Failure(phase="connect", error="refused"))


@pytest.fixture(scope="module")
def whole() -> dict[str, Drawn]:
    return draw(*synthetic(FEW, troubles=False))


def table(figure: Drawn) -> list[dict[str, str]]:
    """The numbers of a figure, by the names of their columns."""
    return list(csv.DictReader(io.StringIO(figure.csv)))


def test_a_whole_run_has_every_figure(whole: dict[str, Drawn]) -> None:
    assert whole.keys() == {
        "tradeoff-broadcast", "latency-broadcast", "round-trip-echo", "fan-out-broadcast", "law-broadcast",
        "time-broadcast", "time-echo", "cpu-broadcast",
        "cpu-echo", "wire-broadcast", "wire-echo", "requests-broadcast", "requests-echo", "memory-idle", "connect-idle",
    }  # fmt: skip


def test_every_figure_says_what_to_see(whole: dict[str, Drawn]) -> None:
    for figure in whole.values():
        assert figure.sentence.endswith(".")
        assert figure.png.startswith(b"\x89PNG")


def test_the_names_of_variants_are_text_in_the_figure(whole: dict[str, Drawn]) -> None:
    for name in ("latency-broadcast", "cpu-broadcast", "wire-echo", "time-echo", "memory-idle"):
        texts = " ".join(
            element.text or "" for element in ET.fromstring(whole[name].svg).iter() if "text" in element.tag
        )
        for nature in FEW:
            assert nature.label in texts


def test_every_figure_is_told_in_words_that_its_title_does_not_have(whole: dict[str, Drawn]) -> None:
    for figure in whole.values():
        label = ET.fromstring(figure.inline).get("aria-label")
        assert label == figure.alt
        assert label.startswith(f"{figure.title}, {figure.scenario}. ")
        assert any(character.isdigit() for character in label)


def test_the_files_carry_title_and_origin_and_the_page_does_not(whole: dict[str, Drawn]) -> None:
    for figure in whole.values():
        written = "".join(ET.fromstring(figure.svg).itertext())
        shown = "".join(ET.fromstring(figure.inline).itertext())
        for words in (f"{figure.title}: {figure.scenario}", "Pushbench, run 2026-01-02-030405-standard"):
            assert words in written
            assert words not in shown
        assert b"Pushbench, run 2026-01-02-030405-standard" in figure.png


def test_the_numbers_of_a_figure_are_those_that_it_shows(whole: dict[str, Drawn]) -> None:
    for figure in whole.values():
        rows = table(figure)
        assert rows
        assert {row["variant"] for row in rows} <= {nature.name for nature in FEW}
        assert not any(None in row.values() or None in row for row in rows)
    medians = {row["variant"]: row for row in table(whole["cpu-broadcast"]) if row["what"] == "median"}
    cells = Cells(*synthetic(FEW, troubles=False))
    for nature in FEW:
        found = cells.estimate("cpu", "broadcast", nature.name)
        assert found
        row = medians[nature.name]
        assert float(row["cpu_ns"]) == pytest.approx(found.median)
        assert float(row["server_cpu_ns"]) + float(row["broker_cpu_ns"]) == pytest.approx(found.median, rel=1e-3)
    trials = [row for row in table(whole["cpu-broadcast"]) if row["what"] == "trial"]
    assert [row["variant"] for row in trials].count("websocket") == 3


def test_who_is_missing_from_a_chart_has_a_row_that_says_why() -> None:
    run, trials = synthetic(NATURES[:5], ["broadcast"])
    lost = next(trial for trial in trials if trial.findings).findings
    struck = [
        msgspec.structs.replace(trial, findings=lost) if trial.planned.variant == "sse" else trial for trial in trials
    ]
    figures = draw(run, struck)
    for name in ("cpu-broadcast", "wire-broadcast", "fan-out-broadcast"):
        words = [element.text for element in ET.fromstring(figures[name].svg).iter() if element.tag.endswith("text")]
        for word in ("invalid", "skipped", "failed its checks", "SSE", "Mercure", "Leaky"):
            assert word in words
        assert "SSE (invalid)" in figures[name].alt
    assert {row["what"] for row in table(figures["cpu-broadcast"])} == {
        "median", "trial", "invalid", "skipped", "failed its checks",
    }  # fmt: skip
    assert "Not shown: SSE (invalid), Leaky (failed its checks), Mercure (skipped)." in (
        figures["latency-broadcast"].sentence
    )


def test_many_trials_are_a_range_and_the_figure_says_so() -> None:
    figures = draw(*synthetic(NATURES[2:4], blocks=14, troubles=False))
    assert "The band is the range of all trials" in figures["latency-broadcast"].sentence
    assert "a band is the range of all trials" in figures["time-echo"].sentence
    assert "is the range of all trials of a step" in figures["memory-idle"].sentence
    few = draw(*synthetic(NATURES[2:4], blocks=3, troubles=False))
    assert len(figures["time-echo"].inline) < 2 * len(few["time-echo"].inline)
    assert len(figures["latency-broadcast"].inline) < 2 * len(few["latency-broadcast"].inline)


SWEEPS = {
    "broadcast": {"subscribers": [10, 30], "payload_bytes": [1000], "poll_interval_s": [0.5, 2.0]},
    "echo": {"rate_hz": [6.0]},
}


@pytest.fixture(scope="module")
def varied() -> dict[str, Drawn]:
    return draw(*swept(*synthetic(FEW, troubles=False), SWEEPS, FEW))


def test_every_sweep_has_its_figures(whole: dict[str, Drawn], varied: dict[str, Drawn]) -> None:
    assert varied.keys() - whole.keys() == {
        "sweep-latency-broadcast-subscribers", "sweep-latency-broadcast-payload-bytes", "sweep-latency-echo-rate-hz",
        "sweep-cpu-broadcast-subscribers", "sweep-cpu-broadcast-payload-bytes", "sweep-cpu-echo-rate-hz",
        "sweep-wire-broadcast-payload-bytes", "law-intervals-broadcast",
    }  # fmt: skip
    assert varied["sweep-cpu-echo-rate-hz"].title == "Server CPU per message against publish rate"


def test_the_numbers_of_a_sweep_hold_every_point(varied: dict[str, Drawn]) -> None:
    rows = table(varied["sweep-wire-broadcast-payload-bytes"])
    assert {(row["variant"], float(row["payload_bytes"])) for row in rows} == {
        (nature.name, size) for nature in FEW for size in (128.0, 1000.0)
    }
    assert {row["metric"] for row in rows} == {"wire", "wire_framing", "wire_segments"}
    assert all(row["trials"] == "3" and float(row["low"]) <= float(row["median"]) for row in rows)


def test_the_law_over_intervals_says_how_far_off_a_point_lies(varied: dict[str, Drawn]) -> None:
    rows = table(varied["law-intervals-broadcast"])
    assert {float(row["poll_interval_s"]) for row in rows} == {0.25, 0.5, 2.0}
    assert {row["metric"] for row in rows} == {"latency_p50", "latency_p99"}
    for row in rows:
        assert float(row["latency_ns"]) == pytest.approx(float(row["law_ns"]), rel=0.05)
    assert "The largest deviation from the law is 0." in varied["law-intervals-broadcast"].sentence


def test_cost_against_freshness_tells_what_polling_gives_up_to_be_as_cheap(whole: dict[str, Drawn]) -> None:
    told = whole["tradeoff-broadcast"].sentence.replace("\N{NO-BREAK SPACE}", " ")
    assert "The curve is Polling at all intervals, by the law from the only measured interval" in told
    # 45 us at 0.2 polls per message are 225 us per poll; 20 messages per second, 12 us with WebSocket: 225 * 50 / 12 ms
    assert "as cheap as WebSocket at an interval of 9" in told
    kinds = [row["what"] for row in table(whole["tradeoff-broadcast"])]
    assert (kinds.count("measured"), kinds.count("law")) == (3, 161)


def test_a_sweep_of_the_interval_puts_its_points_into_cost_against_freshness(varied: dict[str, Drawn]) -> None:
    points = [row for row in table(varied["tradeoff-broadcast"]) if row["what"] == "measured"]
    assert sorted(float(row["poll_interval_s"] or 0) for row in points) == [0.0, 0.0, 0.25, 0.5, 2.0]
    assert "fitted to 3 measured intervals" in varied["tradeoff-broadcast"].sentence


def test_a_technique_that_is_staler_and_dearer_is_called_beaten_and_a_product_never() -> None:
    figure = draw(*synthetic(troubles=False))["tradeoff-broadcast"]
    beaten = {row["variant"]: row["beaten_by"] for row in table(figure) if row["what"] == "measured"}
    assert beaten["long_polling"]
    assert not beaten["websocket"]
    assert not any(beaten[nature.name] for nature in NATURES if nature.product)
    few = draw(*synthetic(blocks=2, troubles=False))["tradeoff-broadcast"]
    assert not any(row["beaten_by"] for row in table(few))


def test_the_last_receiver_stands_beside_its_law(whole: dict[str, Drawn]) -> None:
    rows = {row["variant"]: row for row in table(whole["fan-out-broadcast"]) if row["what"] == "median"}
    assert float(rows["websocket"]["law_ns"]) == pytest.approx(100 * 12_000, rel=0.1)
    assert float(rows["polling"]["law_ns"]) == 250_000_000
    assert "N \N{MULTIPLICATION SIGN} s" in whole["fan-out-broadcast"].sentence


def test_the_harness_is_drawn_where_a_latency_or_a_cost_is() -> None:
    figures = draw(*instrumented(*synthetic(FEW, troubles=False)))
    for name in ("cpu-broadcast", "fan-out-broadcast"):
        assert "harness floor, without any technique" in figures[name].svg
    for name in ("tradeoff-broadcast", "latency-broadcast", "law-broadcast", "time-broadcast"):
        assert "harness floor" in figures[name].svg


def test_numbers_of_hostile_runs_hold_no_formula_and_no_hidden_character() -> None:
    run, trials = hostile(NATURES[2:5], blocks=1)
    named = [msgspec.structs.replace(facts, label=f"=1+1 {facts.label}") for facts in run.variants]
    for figure in draw(msgspec.structs.replace(run, variants=named), trials).values():
        assert "\u202e" not in figure.csv
        for row in csv.reader(io.StringIO(figure.csv)):
            assert not any(field.startswith(("=", "@", "+")) for field in row)
    assert "\u202e" in HOSTILE


def test_the_law_says_its_distance(whole: dict[str, Drawn]) -> None:
    assert "Kolmogorov-Smirnov): 0.0" in whole["law-broadcast"].sentence


def test_inside_a_page_no_two_figures_share_an_id(whole: dict[str, Drawn]) -> None:
    ids = [element.get("id") for figure in whole.values() for element in ET.fromstring(figure.inline).iter()]
    named = [name for name in ids if name]
    assert len(named) == len(set(named))


def test_inside_a_page_every_reference_leads_to_an_element(whole: dict[str, Drawn]) -> None:
    for figure in whole.values():
        elements = list(ET.fromstring(figure.inline).iter())
        ids = {element.get("id") for element in elements}
        wanted = {value.removeprefix("url(").strip("#()") for element in elements for value in element.attrib.values()
                  if value.startswith(("#", "url(#"))}  # fmt: skip
        assert {name for name in wanted if name.startswith(figure.name)} <= ids
        assert any(name.startswith(figure.name) for name in wanted)


def test_inside_a_page_figures_carry_no_inline_style_and_follow_its_colours(whole: dict[str, Drawn]) -> None:
    for figure in whole.values():
        assert "style=" not in figure.inline
        assert "var(--ink)" in figure.inline
        assert "#1f2328" not in figure.inline


def test_the_same_run_gives_the_same_bytes() -> None:
    run, trials = synthetic(NATURES[3:5], ["idle"], blocks=2, troubles=False)
    files, turned = (
        {name: figure.files() for name, figure in draw(run, order).items()} for order in (trials, reversed(trials))
    )
    assert files == turned


PARTIAL = {
    "one variant": synthetic(NATURES[2:3], ["broadcast"], troubles=False),
    "one trial": synthetic(NATURES[3:4], ["broadcast"], blocks=1, troubles=False),
    "one product": synthetic(NATURES[4:5], ["echo", "idle"], blocks=1, troubles=False),
    "an idle run": synthetic(NATURES[:2], ["idle"], blocks=1, troubles=False),
    "two blocks": synthetic(NATURES[:2], ["echo"], blocks=2, troubles=False),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_a_part_of_a_run_is_drawn_as_far_as_it_goes(name: str) -> None:
    assert draw(*PARTIAL[name])


def test_a_run_without_deliveries_is_drawn_without_latencies() -> None:
    run, trials = synthetic(NATURES[:3], blocks=1, troubles=False)
    assert draw(run, [silent(trial) for trial in trials]).keys() == {"memory-idle", "connect-idle"}


@pytest.mark.parametrize("spoil", [failed, None], ids=["all failed", "nothing run"])
def test_a_run_without_a_valid_trial_has_no_figure(spoil: object) -> None:
    run, trials = synthetic(NATURES[:2], blocks=1, troubles=False)
    assert draw(run, [spoil(trial) for trial in trials] if callable(spoil) else []) == {}


def test_constant_and_extreme_latencies_are_drawn() -> None:
    run, trials = synthetic(NATURES[2:4], ["broadcast"], blocks=1, troubles=False)
    same = fold(np.full(10, 1_000))
    wide = fold(np.array([0, 1, 10**12]))
    changed = [
        msgspec.structs.replace(trial, latency=latency) for trial, latency in zip(trials, (same, wide), strict=True)
    ]
    bare = [msgspec.structs.replace(trial, usage=None, wire=None, connect=None, series=None) for trial in changed]
    assert draw(run, bare).keys() == draw(run, bare[:1]).keys() == {"latency-broadcast", "fan-out-broadcast"}


def test_zero_costs_are_drawn() -> None:
    run, trials = synthetic(NATURES[2:4], ["broadcast"], blocks=1, troubles=False)
    free = []
    for trial in trials:
        assert trial.usage
        server = msgspec.structs.replace(trial.usage.server, cpu_ns=0)
        free.append(msgspec.structs.replace(trial, usage=msgspec.structs.replace(trial.usage, server=server)))
    assert "cpu-broadcast" in draw(run, free)


@given(st.lists(st.floats(0, 1), max_size=12), st.floats(0.01, 0.2))
def test_labels_keep_their_order_their_distance_and_their_place(heights: list[float], gap: float) -> None:
    ordered = sorted(heights)
    places = spread(ordered, gap)
    room = min(gap, 1 / max(1, len(ordered) - 1))
    assert len(places) == len(ordered)
    assert all(later - earlier >= room - 1e-9 for earlier, later in itertools.pairwise(places))
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
