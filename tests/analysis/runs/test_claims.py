"""Claims and synthetic runs: every verdict occurs, and so does its opposite."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from bench.analysis.runs.cells import Cells
from bench.analysis.runs.claim_verdicts import Claims, ClaimVerdict, JudgedClaim, claims, judge
from bench.analysis.runs.claims import (
    ABOUT_MAIN_TECHNIQUE,
    BETWEEN_OTHERS,
    MAIN_TECHNIQUE,
    OTHER_TECHNIQUES,
    THEMES,
    Claim,
    Side,
    about_products,
)
from bench.analysis.trials.metrics import METRICS
from tests._natures import NATURES, Nature
from tests._synthetic import synthetic


@pytest.fixture(scope="module")
def cells() -> Cells:
    return Cells(*synthetic(troubles=False))


def cells_with(name: str, **changes: float) -> Cells:
    """The synthetic run with one variant changed."""
    natures = [replace(nature, **changes) if nature.name == name else nature for nature in NATURES]
    return Cells(*synthetic(natures, troubles=False))


def claim(theme: str, subject: str, other: str) -> Claim:
    return Claim(THEMES[theme], Side(subject), Side(other))


CHEAPER = claim("cpu", "WebSocket", "SSE")


def test_every_claim_has_a_name_of_its_own(cells: Cells) -> None:
    every = [*ABOUT_MAIN_TECHNIQUE, *BETWEEN_OTHERS, *about_products(cells)]
    assert len({one.name for one in every}) == len(every)
    assert len({one.words for one in every}) == len(every)
    assert all(" " not in one.name for one in every)


def test_every_theme_has_a_claim_about_websocket_and_every_other_technique() -> None:
    claims_by_theme = {(one.theme.name, one.other.technique) for one in ABOUT_MAIN_TECHNIQUE}
    assert claims_by_theme == {(theme, rival) for theme in THEMES for rival in OTHER_TECHNIQUES}
    assert {one.subject.technique for one in ABOUT_MAIN_TECHNIQUE} == {MAIN_TECHNIQUE}


def test_the_metric_of_a_theme_applies_and_is_better_when_lower() -> None:
    for theme in THEMES.values():
        assert METRICS[theme.metric].applies(theme.scenario)
        assert METRICS[theme.metric].better == "lower"


def test_a_claim_is_a_sentence(cells: Cells) -> None:
    assert claim("freshness", "WebSocket", "polling").words == (
        "WebSocket delivers fresher data than short polling (median delivery latency, broadcast)"
    )
    assert (
        "Flask-SocketIO costs the server more CPU per message than plain WebSocket (server CPU per message, broadcast)"
    ) in [one.words for one in about_products(cells)]


def test_less_beyond_noise_is_supported(cells: Cells) -> None:
    judged = judge(cells, CHEAPER)
    assert judged.verdict is ClaimVerdict.SUPPORTED
    assert judged.comparison is not None
    assert judged.comparison.ratio is not None
    ours, theirs = (dict(cells.values("cpu", "broadcast", name)) for name in ("websocket", "sse"))
    assert judged.comparison.ratio.median == pytest.approx(np.median([theirs[block] / ours[block] for block in ours]))
    assert judged.comparison.ratio.median > 1


def test_more_beyond_noise_is_not_supported_and_has_the_contrary() -> None:
    judged = judge(cells_with("websocket", cpu_us=40.0), CHEAPER)
    assert judged.verdict is ClaimVerdict.NOT_SUPPORTED
    assert judged.comparison is not None
    assert judged.comparison.ratio is not None
    assert judged.comparison.ratio.median < 1
    assert judged.claim.opposite == "WebSocket costs the server more CPU per message than SSE"


def test_equal_sides_show_no_difference() -> None:
    judged = judge(cells_with("websocket", cpu_us=19.0), CHEAPER)
    assert judged.verdict is ClaimVerdict.NO_DIFFERENCE


@pytest.mark.parametrize("blocks", [1, 2])
def test_too_few_trials_decide_nothing(blocks: int) -> None:
    few = claims(Cells(*synthetic(blocks=blocks, troubles=False)))
    assert {one.verdict for one in few.every} == {ClaimVerdict.TOO_FEW, ClaimVerdict.NOT_MEASURED}


@pytest.mark.parametrize("missing", ["websocket", "sse"])
def test_a_side_that_was_not_measured_is_reported(missing: str) -> None:
    rest = [nature for nature in NATURES if nature.name != missing]
    judged = judge(Cells(*synthetic(rest, troubles=False)), CHEAPER)
    assert judged.verdict is ClaimVerdict.NOT_MEASURED
    assert judged.comparison is None
    assert (judged.subject is None) is (missing == "websocket")


def test_a_scenario_that_was_not_run_is_not_measured() -> None:
    judged = judge(Cells(*synthetic(scenarios=["idle"], troubles=False)), CHEAPER)
    assert judged.verdict is ClaimVerdict.NOT_MEASURED


def test_with_a_value_of_zero_the_difference_decides(cells: Cells) -> None:
    judged = judge(cells, claim("requests", "WebSocket", "polling"))
    assert judged.verdict is ClaimVerdict.SUPPORTED
    assert judged.comparison is not None
    assert judged.comparison.ratio is None
    assert judged.comparison.difference is not None
    assert judged.comparison.difference.median == pytest.approx(0.2)


def test_products_are_compared_with_their_own_technique(cells: Cells) -> None:
    sides = {(one.subject.label, one.other.technique) for one in about_products(cells)}
    assert sides == {
        ("flask-sse", "SSE"), ("Flask-SocketIO", "WebSocket"), ("Flask-SocketIO, polling", "long polling"),
    }  # fmt: skip
    assert all(one.more for one in about_products(cells))


def product(judged: Claims, theme: str) -> JudgedClaim:
    return next(one for one in judged.products
                if one.claim.theme.name == theme and one.claim.subject.label == "Flask-SocketIO")  # fmt: skip


def test_a_claim_about_a_product_can_be_supported_or_not() -> None:
    assert product(claims(cells_with("flask_socketio", cpu_us=26.0)), "cpu").verdict is ClaimVerdict.SUPPORTED
    assert product(claims(cells_with("flask_socketio", cpu_us=6.0)), "cpu").verdict is ClaimVerdict.NOT_SUPPORTED


def test_a_new_product_has_claims_without_another_edit() -> None:
    new = Nature("mine", "Mine", "SSE", "Mine", cpu_us=60)
    judged = claims(Cells(*synthetic([*NATURES, new], troubles=False)))
    words = {one.claim.words: one.verdict for one in judged.products}
    assert words["Mine costs the server more CPU per message than plain SSE (server CPU per message, broadcast)"] is (
        ClaimVerdict.SUPPORTED
    )


def test_claims_are_the_same_with_the_harness_and_without() -> None:
    with_it, without = (claims(Cells(*synthetic(troubles=False, harness=harness))) for harness in (True, False))
    assert [one.claim for one in with_it.every] == [one.claim for one in without.every]
    assert not [one for one in with_it.every if one.subject and one.subject.variant.hidden]


def test_a_contradicted_claim_has_an_inverted_ratio_above_1(cells: Cells) -> None:
    lost = judge(cells_with("websocket", cpu_us=40.0), CHEAPER)
    assert lost.comparison is not None
    assert lost.larger is not None
    assert lost.comparison.ratio is not None
    assert lost.larger.ratio is not None
    assert (lost.larger.variant.name, lost.larger.reference.name) == ("websocket", "sse")
    assert lost.larger.ratio.median == pytest.approx(1 / lost.comparison.ratio.median)
    assert lost.larger.ratio.low == pytest.approx(1 / (lost.comparison.ratio.high or 0))
    direct = cells_with("websocket", cpu_us=40.0).compare("cpu", "broadcast", "websocket", "sse")
    assert direct.ratio is not None
    assert (lost.larger.ratio.low, lost.larger.verdict) == (pytest.approx(direct.ratio.low), direct.verdict)
    won = judge(cells, CHEAPER)
    assert won.larger == won.comparison


def test_a_technique_in_by_label_has_the_label_of_its_variant() -> None:
    stream = Nature("ndjson", "NDJSON stream", "HTTP stream", cpu_us=60)
    judged = claims(Cells(*synthetic([*NATURES, stream], troubles=False)))
    (judged,) = [one for one in judged.others if one.claim.name == "cpu-http-stream-sse"]
    assert judged.claim.sentence == "NDJSON stream costs the server less CPU per message than SSE"
    assert judged.verdict is ClaimVerdict.NOT_SUPPORTED
    absent = claims(Cells(*synthetic(troubles=False)))
    assert "cpu-http-stream-sse" in {one.claim.name for one in absent.others}


def test_claims_do_not_cover_a_scenario_over_a_path_that_is_not_direct() -> None:
    run, trials = synthetic(troubles=False)
    scenarios = [
        msgspec.structs.replace(
            one, parameters={**one.parameters, "path": "far" if one.name == "broadcast" else "direct"}
        )
        for one in run.scenarios
    ]
    judged = claims(Cells(msgspec.structs.replace(run, scenarios=scenarios), trials)).every
    verdicts = {
        scenario: {one.verdict for one in judged if one.claim.theme.scenario == scenario}
        for scenario in ("broadcast", "echo")
    }
    assert verdicts["broadcast"] == {ClaimVerdict.NOT_MEASURED}
    assert ClaimVerdict.NOT_MEASURED not in verdicts["echo"]
