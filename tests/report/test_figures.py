"""Figures of whole runs and of the remains of runs."""

from __future__ import annotations

import itertools
import xml.etree.ElementTree as ET
from collections.abc import Iterable

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.cells import Cells
from bench.analysis.distributions import fold
from bench.report.figures import Drawn, drawn
from bench.report.figures._canvas import spread
from bench.results import Failure, Run, Trial
from tests._synthetic import NATURES, synthetic

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


def test_a_whole_run_has_every_figure(whole: dict[str, Drawn]) -> None:
    assert whole.keys() == {
        "latency-broadcast", "round-trip-echo", "law-broadcast", "time-broadcast", "time-echo", "cpu-broadcast",
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
    assert draw(run, trials) == draw(run, reversed(trials))


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
    assert draw(run, bare).keys() == draw(run, bare[:1]).keys() == {"latency-broadcast"}


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
