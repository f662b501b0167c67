"""Advice from made-up runs whose costs are known: who meets a need, in which order, and what is extrapolated."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.analysis import reasons
from bench.analysis.advice import FULL, Need, Option, advise
from bench.analysis.costs import Costs, fit
from tests._priced import PRICES, Prices, cells

NEED = Need(subscribers=100, rate=10.0, payload_bytes=200, upstream_rate=0.0, max_staleness_s=2.0, fan_out=100)


@pytest.fixture(scope="module")
def costs() -> Costs:
    return fit(cells())


def option(costs: Costs, need: Need, name: str) -> Option:
    return next(one for one in advise(costs, need).options if one.variant.name == name)


def test_options_are_ranked_by_server_cores(costs: Costs) -> None:
    found = advise(costs, NEED).options
    assert [one.variant.name for one in found][:2] == ["websocket", "sse"]
    assert [one.cores for one in found] == sorted(one.cores for one in found)
    assert {one.variant.name for one in found} == {one.name for one in PRICES}


def test_a_need_within_what_was_measured_is_not_extrapolated(costs: Costs) -> None:
    inside = replace(NEED, max_staleness_s=1.0)
    for one in advise(costs, inside).options:
        assert not one.extrapolated, reasons.beyond(one)
        assert reasons.beyond(one) == ""


@pytest.mark.parametrize(
    ("changes", "dimensions"),
    [
        ({"subscribers": 2000, "fan_out": 2000, "rate": 1.0}, {"subscribers"}),
        ({"rate": 100.0}, {"deliveries", "published"}),
        ({"payload_bytes": 20_000}, {"payload_bytes"}),
        ({"payload_bytes": 50}, {"payload_bytes"}),
        ({"upstream_rate": 20.0}, {"upstream"}),
        ({"fan_out": 1}, {"published"}),  # messages of one's own came from the subscribers alone
    ],
)
def test_what_lies_outside_the_measured_loads_is_flagged(
    costs: Costs, changes: dict[str, float], dimensions: set[str]
) -> None:
    found = option(costs, replace(NEED, **changes), "websocket")
    assert {one.dimension.name for one in found.beyond} == dimensions
    assert found.extrapolated
    for one in found.beyond:
        assert one.low is not None
        assert one.high is not None
        assert not one.low <= one.value <= one.high
        assert "measured: " in reasons.beyond(found)


def test_the_poll_interval_is_the_longest_that_the_law_allows(costs: Costs) -> None:
    found = option(costs, NEED, "polling")
    service_s = found.p99_ns / 1e9 - 0.99 * (found.interval_s or 0.0)
    assert found.interval_s is not None
    assert found.interval_s + service_s <= NEED.max_staleness_s
    assert found.interval_s + service_s > NEED.max_staleness_s - 0.002
    assert found.p50_ns / 1e9 == pytest.approx(found.interval_s / 2 + service_s)
    assert service_s == pytest.approx(0.002, rel=0.1)
    assert found.requests == pytest.approx(NEED.subscribers / found.interval_s)
    assert found.fresh_from == ""


def test_only_polling_has_a_poll_interval(costs: Costs) -> None:
    assert [one.variant.name for one in advise(costs, NEED).options if one.interval_s is not None] == ["polling"]


def test_a_limit_shorter_than_a_poll_takes_refuses_polling(costs: Costs) -> None:
    found = advise(costs, replace(NEED, max_staleness_s=0.0025))
    refused = {one.variant.name: reasons.refusal(one) for one in found.refused}
    assert "a poll takes too long" in refused["polling"]
    assert "come later: 2.97" in refused["sse"].replace("\N{NO-BREAK SPACE}", " ")
    assert not found.options
    assert not found.met
    assert reasons.paragraph(costs, found) == "Nothing that was measured meets this need."


def test_who_is_late_is_refused_with_the_number(costs: Costs) -> None:
    found = advise(costs, replace(NEED, max_staleness_s=0.005))
    refused = {one.variant.name: one for one in found.refused}
    assert set(refused) == {"long_polling"}
    assert refused["long_polling"].late_ns == pytest.approx(9e6, rel=0.02)
    assert "broadcast" in refused["long_polling"].where


def test_a_larger_fan_out_waits_by_the_law(costs: Costs) -> None:
    small, large = (
        option(costs, replace(NEED, subscribers=count, fan_out=count, rate=1.0), "sse") for count in (100, 5000)
    )
    assert small.waited_ns == 0
    prices = PRICES[2]
    assert large.processes == 1
    each_s = prices.delivery_s + prices.byte_s * NEED.payload_bytes
    assert large.waited_ns == pytest.approx(0.99 * (5000 - 300) * each_s * 1e9, rel=0.05)
    assert "by law" in reasons.sources(large)


def test_what_one_core_does_not_hold_is_given_several_processes(costs: Costs) -> None:
    found = option(costs, replace(NEED, subscribers=20_000, fan_out=20_000), "websocket")
    assert found.processes > 1
    assert found.cores / found.processes <= FULL
    assert found.extrapolated
    assert "more than one server process" in reasons.beyond(found)
    single = replace(NEED, subscribers=20_000, fan_out=20_000, cores=found.processes)
    assert option(costs, single, "websocket").fits
    tight = advise(costs, replace(single, cores=1))
    assert not any(one.fits for one in tight.options)
    assert not tight.met
    assert "None of them fits into 1 core." in reasons.paragraph(costs, tight)


def test_memory_decides_between_those_that_cores_cannot_tell_apart() -> None:
    twin = replace(
        PRICES[2], name="ndjson", technique="HTTP stream", delivery_s=1.01 * PRICES[2].delivery_s, each_bytes=10_000.0
    )
    dear = replace(PRICES[2], name="dear", technique="Comet", delivery_s=5 * PRICES[2].delivery_s)
    costs = fit(cells((PRICES[2], twin, dear), noise=0.1))
    found = advise(costs, NEED).options
    assert [one.variant.name for one in found] == ["ndjson", "sse", "dear"]
    assert [one.level for one in found] == [False, True, False]
    said = reasons.paragraph(costs, advise(costs, NEED))
    assert "SSE cannot be told from it by cores" in said
    assert "DEAR needs" in said


def test_upstream_that_was_not_measured_is_refused() -> None:
    found = advise(fit(cells(without=["echo"])), replace(NEED, upstream_rate=1.0))
    assert not found.options
    assert {one.reason for one in found.refused} == {"what is sent upstream was not measured"}


def test_upstream_costs_its_share(costs: Costs) -> None:
    silent, writing = (option(costs, replace(NEED, upstream_rate=rate), "sse") for rate in (0.0, 1.0))
    assert writing.cores > silent.cores
    assert writing.requests == pytest.approx(100.0)  # every message is a POST
    assert option(costs, replace(NEED, upstream_rate=1.0), "websocket").requests == 0


def test_memory_grows_with_subscribers(costs: Costs) -> None:
    found = option(costs, NEED, "sse")
    assert found.memory_bytes == pytest.approx(30e6 + 100 * 20_000, rel=0.01)
    assert option(fit(cells(without=["idle"])), NEED, "sse").memory_bytes is None


def test_products_are_marked(costs: Costs) -> None:
    found = {line.option.variant.name: line.cells[0] for line in reasons.lines(advise(costs, NEED))}
    assert found["flask_socketio"] == "FLASK_SOCKETIO (product)"
    assert "product" not in found["websocket"]
    assert "Products stand in the same order" in reasons.paragraph(costs, advise(costs, NEED))


def test_every_option_says_where_its_numbers_come_from(costs: Costs) -> None:
    for line in reasons.lines(advise(costs, NEED)):
        assert "broadcast" in line.sources
        assert "idle at 10 to 400 subscribers" in line.sources
        assert len(line.cells) == len(reasons.COLUMNS)


def test_the_prediction_error_is_said_beside_its_target(costs: Costs) -> None:
    said = reasons.prediction(costs)
    assert "CPU per message: off by 0.0% in the median of 64 measured loads" in said
    assert "aimed at: 20% at most, met" in said
    noisy = reasons.prediction(fit(cells(noise=0.6)))
    assert "aimed at: 20% at most, missed" in noisy
    assert [label for label, *_ in reasons.errors(costs)] == [one.name.upper() for one in PRICES]


def test_what_cannot_be_costed_is_said_beside_what_can() -> None:
    swept = [("broadcast", "subscribers", 30), ("broadcast", "rate_hz", 5.0), ("broadcast", "payload_bytes", 1000)]
    said = reasons.lacking(fit(cells(swept=swept)))
    assert said.startswith("POLLING: ")
    assert "`python -m bench run --sweep broadcast.poll_interval_s=0.1,0.5,1.0,2.0`" in said
    assert reasons.lacking(fit(cells())) == ""


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"subscribers": 0}, "subscribers takes 1 to"),
        ({"fan_out": 101}, "fan-out takes 1 to 100, not 101"),
        ({"max_staleness_s": 0.0}, "max-staleness takes"),
        ({"payload_bytes": 2e9}, "payload takes"),
        ({"rate": float("nan")}, "rate takes"),
        ({"cores": 0}, "cores takes 1 to"),
    ],
)
def test_a_need_that_cannot_be_is_refused_in_one_line(changes: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said) as mistake:
        replace(NEED, **changes)
    assert "\n" not in str(mistake.value)


def test_a_burst_costs_more_where_nobody_shares_it() -> None:
    prices = Prices("sse", "SSE")
    costs = fit(cells((prices, PRICES[3])))
    shared, apart = (option(costs, replace(NEED, fan_out=count), "sse").cores for count in (100, 1))
    assert apart > shared
