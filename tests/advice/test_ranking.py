"""Advice from made-up runs whose costs are known: who meets a need, in which order, and what is extrapolated."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from bench.advice import answer, ranking, reliability
from bench.advice.at_a_glance import beyond
from bench.advice.costs import Costs, fit
from bench.advice.needs import Need
from bench.advice.ranking import FULL, Advice, Option, Reason, advise
from bench.advice.words import COLUMNS, filled, number
from bench.units import factor
from tests._priced import PRICES, Prices, cells

NEED = Need(subscribers=100, rate=10.0, payload_bytes=200, upstream_rate=0.0, max_staleness_s=2.0, fan_out=100)


@pytest.fixture(scope="module")
def costs() -> Costs:
    return fit(cells())


def notes(found: Advice, name: str) -> list[str]:
    line = next(line for line in answer.lines(found) if line.option.variant.name == name)
    return [words for _, words in line.notes]


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ("broadcast, payload_bytes 8000", "broadcast at 8,000 B"),
        ("broadcast, subscribers 300", "broadcast at 300 subscribers"),
        ("broadcast, poll_interval_s 0.5, rate_hz 40", "broadcast at a poll every 0.5 s, 40 messages/s each"),
        ("echo", "echo"),
        ("broadcast, other nan", "broadcast at other nan"),
        ("broadcast, subscribers nan", "broadcast at subscribers nan"),
    ],
)
def test_a_measured_load_is_said_in_words(where: str, words: str) -> None:
    assert plain(answer.place(where)) == words


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
        assert not one.extrapolated, beyond(one)
        assert beyond(one) == ""


@pytest.mark.parametrize(
    ("changes", "dimensions"),
    [
        ({"subscribers": 2000, "fan_out": 2000, "rate": 1.0}, {"subscribers"}),
        ({"rate": 100.0}, {"deliveries"}),
        ({"payload_bytes": 20_000}, {"payload_bytes"}),
        ({"payload_bytes": 50}, {"payload_bytes"}),
        ({"upstream_rate": 20.0}, {"upstream"}),
        ({"fan_out": 1}, {"published"}),
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
        times, words = number(one.factor), answer.outside(one)
        assert f" measured ({times}\N{MULTIPLICATION SIGN})" in words or f" measured (1/{times})" in words


def test_messages_of_ones_own_were_measured_by_the_echo_as_often_as_it_published(costs: Costs) -> None:
    """100 subscribers that send up to 6 messages/s each, and get them back: 600 published per second, fan-out 1."""
    for rate, dimensions in ((5.9, set()), (6.1, {"published"})):
        found = option(costs, replace(NEED, fan_out=1, rate=rate), "sse")
        assert {one.dimension.name for one in found.beyond} == dimensions


def test_the_poll_interval_is_the_longest_that_the_law_allows(costs: Costs) -> None:
    found = option(costs, NEED, "polling")
    service_s = found.p99_ns / 1e9 - 0.99 * (found.interval_s or 0.0)
    assert found.interval_s is not None
    assert found.interval_s + service_s <= NEED.max_staleness_s
    assert found.interval_s == 1.99  # 1.998 s, rounded down
    assert ranking.rounded_down(1.9981) == 1.99
    assert ranking.rounded_down(0.04567) == 0.0456
    assert ranking.rounded_down(86_400.0) == 86_400.0
    assert ranking.rounded_down(-1.0) == 0.0
    assert found.p50_ns / 1e9 == pytest.approx(found.interval_s / 2 + service_s)
    assert service_s == pytest.approx(0.002, rel=0.1)
    assert found.requests == pytest.approx(NEED.subscribers / found.interval_s)
    assert found.fresh_from == ""


def test_only_polling_has_a_poll_interval(costs: Costs) -> None:
    assert [one.variant.name for one in advise(costs, NEED).options if one.interval_s is not None] == ["polling"]


def test_a_limit_shorter_than_a_poll_takes_refuses_polling(costs: Costs) -> None:
    found = advise(costs, replace(NEED, max_staleness_s=0.0015))
    refused = {one.variant.name: answer.refusal(one, found.need) for one in found.refused}
    assert "a poll takes too long" in refused["polling"]
    assert "come later: 2.97" in refused["sse"].replace("\N{NO-BREAK SPACE}", " ")
    assert not found.options
    assert not found.met
    assert answer.conclusion(found) == ("Nothing that was measured meets this need.",)
    assert answer.why(found) == ""


def test_no_poll_interval_is_advised_far_below_the_shortest_measured(costs: Costs) -> None:
    found = advise(costs, replace(NEED, max_staleness_s=0.04))
    refused = {one.variant.name: answer.refusal(one, found.need) for one in found.refused}
    assert set(refused) == {"polling"}
    said = refused["polling"].replace("\N{NO-BREAK SPACE}", " ")
    assert "would have to poll every 38.0 ms; the shortest interval measured is 100 ms" in said
    assert option(costs, replace(NEED, max_staleness_s=0.06), "polling").interval_s is not None


def test_who_is_late_is_refused_with_the_number(costs: Costs) -> None:
    found = advise(costs, replace(NEED, max_staleness_s=0.005))
    refused = {one.variant.name: one for one in found.refused}
    assert set(refused) == {"long_polling", "polling"}
    assert refused["long_polling"].late_ns == pytest.approx(9e6, rel=0.02)
    assert "broadcast" in refused["long_polling"].where


def test_a_larger_fan_out_waits_by_the_law(costs: Costs) -> None:
    small, large = (
        option(costs, replace(NEED, subscribers=count, fan_out=count, rate=1.0), "sse") for count in (100, 5000)
    )
    large_need = replace(NEED, subscribers=5000, fan_out=5000, rate=1.0)
    assert small.waited_ns == 0
    prices = PRICES[2]
    assert large.processes == 1
    each_s = prices.delivery_s + prices.byte_s * NEED.payload_bytes
    assert large.waited_ns == pytest.approx(0.99 * (5000 - 300) * each_s * 1e9, rel=0.05)
    assert any("by law" in words for words in notes(advise(costs, large_need), "sse"))


def test_what_one_core_does_not_hold_is_given_several_processes(costs: Costs) -> None:
    found = option(costs, replace(NEED, subscribers=20_000, fan_out=20_000), "websocket")
    assert found.processes > 1
    assert found.cores / found.processes <= FULL
    assert found.extrapolated
    assert "several processes, one was measured" in beyond(found)
    enough = replace(NEED, subscribers=20_000, fan_out=20_000, cores=found.processes)
    assert option(costs, enough, "websocket").processes == found.processes


def test_what_needs_more_cores_than_there_are_is_refused(costs: Costs) -> None:
    tight = advise(costs, replace(NEED, subscribers=20_000, fan_out=20_000, cores=1))
    assert not tight.options
    assert not tight.met
    said = {one.variant.name: answer.refusal(one, tight.need) for one in tight.refused}
    needed = option(costs, replace(NEED, subscribers=20_000, fan_out=20_000), "websocket").cores
    assert said["websocket"] == f"WEBSOCKET: needs {needed:.3g} cores; there is 1"


def test_a_core_that_would_be_too_busy_is_said_as_two_processes(costs: Costs) -> None:
    need = replace(NEED, subscribers=1000, fan_out=1000, rate=46.0)
    assert FULL < option(costs, need, "websocket").cores < 1.0
    refused = next(one for one in advise(costs, replace(need, cores=1)).refused if one.variant.name == "websocket")
    assert "cores in 2 processes busy 80 % at most; there is 1" in plain(
        answer.refusal(refused, replace(need, cores=1))
    )


def test_memory_decides_between_those_that_cores_cannot_tell_apart() -> None:
    twin = replace(
        PRICES[2], name="ndjson", technique="HTTP stream", delivery_s=1.01 * PRICES[2].delivery_s, base_bytes=2e7
    )
    dear = replace(PRICES[2], name="dear", technique="Comet", delivery_s=5 * PRICES[2].delivery_s)
    costs = fit(cells((PRICES[2], twin, dear), noise=0.1))
    found = advise(costs, NEED).options
    assert [one.variant.name for one in found] == ["ndjson", "sse", "dear"]
    assert [answer.phrase("rank", one) for one in found] == ["1=", "1=", "3"]
    said = answer.conclusion(advise(costs, NEED))
    assert said[0].startswith("NDJSON and SSE cannot be distinguished by cores (")
    assert "; NDJSON holds the least memory of them; next best: DEAR, " in said[0]
    assert said[1] == "Best off the shelf: none of those measured meets this need."
    twins = [replace(PRICES[2], name=name, each_bytes=size) for name, size in (("sse", 20_000.0), ("ndjson", 20_100.0))]
    alike = answer.conclusion(advise(fit(cells(twins)), NEED))[0]
    assert alike.startswith("SSE and NDJSON cannot be distinguished by cores (")
    assert "least memory" not in alike


def test_a_shared_rank_is_measured_from_the_fewest_cores_and_does_not_chain() -> None:
    steps = [replace(PRICES[2], name=f"v{place}", delivery_s=2e-5 * 1.6**place) for place in range(3)]
    costs = fit(cells(steps, noise=0.25))
    apart = costs.held_out.distinguishing_factor()
    found = advise(costs, NEED).options
    for rank in {one.rank for one in found}:
        group = [one.cores for one in found if one.rank == rank]
        assert max(group) <= min(group) * apart
    assert {one.rank for one in found} != {1}
    assert [one.rank for one in found] == sorted(one.rank for one in found)
    assert all(one.level == (sum(other.rank == one.rank for other in found) > 1) for one in found)
    assert f"less than {factor(apart)} the fewest cores" in reliability.ranking(costs)


def test_upstream_that_was_not_measured_is_refused() -> None:
    found = advise(fit(cells(without=["echo"])), replace(NEED, upstream_rate=1.0))
    assert not found.options
    assert {one.reason for one in found.refused} == {Reason.UPSTREAM}


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
    found = {line.option.variant.name: line.cells for line in answer.lines(advise(costs, NEED))}
    assert found["flask_socketio"][0].endswith(" FLASK_SOCKETIO (product)")
    assert found["flask_socketio"][-1] == "pip install Flask-SocketIO"
    assert found["websocket"][0] == "1 WEBSOCKET"
    assert found["websocket"][-1] == "write it yourself, see servers/websocket.py"
    needed = option(costs, NEED, "flask_socketio").cores
    assert answer.conclusion(advise(costs, NEED))[1] == (f"Best off the shelf: FLASK_SOCKETIO with {needed:.3g} cores.")
    assert "Products carry more than their technique" in answer.why(advise(costs, NEED))


def test_every_option_says_what_becomes_of_messages_after_a_reconnect(costs: Costs) -> None:
    variant = costs.models[0].variant
    assert answer.reconnect(msgspec.structs.replace(variant, capabilities=["resume"])).startswith("resumes")
    assert answer.reconnect(msgspec.structs.replace(variant, capabilities=["other"])) == "may lose messages"


def test_too_few_open_files_are_a_warning(costs: Costs) -> None:
    need = replace(NEED, subscribers=5000, fan_out=1, rate=0.01)
    words = "needs 5,000 open files per process; the machine measured allows 5,200 (ulimit -n)"
    assert words in notes(advise(replace(costs, open_files=5200), need), "sse")
    for limit in (5256, None):
        assert not any("open files" in said for said in notes(advise(replace(costs, open_files=limit), need), "sse"))


def test_pings_that_are_not_counted_are_said(costs: Costs) -> None:
    model = costs.models[2]
    for said, words in (("25", "without 4 pings per second"), ("never", None), ("-1", None), ("nan", None)):
        variant = msgspec.structs.replace(model.variant, options={"ping_interval": said})
        found = advise(replace(costs, models=(replace(model, variant=variant),)), NEED)
        assert [one for one in notes(found, "sse") if "pings" in one] == ([words] if words else [])
    assert "pings that keep open connections alive" in reliability.conventions()


def test_numbers_far_outside_the_measured_loads_have_two_digits(costs: Costs) -> None:
    def cores(count: int) -> str:
        need = replace(NEED, subscribers=count, fan_out=count, rate=1.0)
        return next(line.cells[1] for line in answer.lines(advise(costs, need)) if line.option.variant.name == "sse")

    assert not cores(700).startswith("about ")
    assert cores(1000).startswith("about 0.0")
    assert len(cores(1000).removeprefix("about 0.0").rstrip()) <= 2
    assert [filled("{it:two}", {"it": value}) for value in (0.137, 12_345.0, 5.04)] == ["0.14", "12,000", "5"]


def test_what_most_rows_share_is_said_once() -> None:
    rows = [
        (("basis", "16 loads"), ("fresh", "near"), ("files", "too few")),
        (("basis", "20 loads"), ("files", "too few"), ("fresh", "near")),
        (("requests", "far"), ("basis", "16 loads"), ("fresh", "near"), ("files", "too few")),
    ]
    found = answer.shared(rows)
    assert found.common == "16 loads; near"
    assert found.rows == ("too few", "20 loads; too few", "far; too few")  # a warning stands in every row
    assert answer.shared([]) == answer.Notes("", ())
    assert answer.shared(rows[:1]) == answer.Notes("", ("16 loads; near; too few",))


def test_every_option_says_where_its_numbers_come_from(costs: Costs) -> None:
    for line in answer.lines(advise(costs, NEED)):
        said = dict(line.notes)
        assert "broadcast" in said["basis"]
        assert said["memory_from"] == "memory from idle at 10 to 400 subscribers"
        assert said["delays_from"].startswith("delays from")
        assert len(line.cells) == len(COLUMNS)


def plain(text: str) -> str:
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_the_prediction_error_is_said_beside_its_target(costs: Costs) -> None:
    said = plain(reliability.prediction(costs))
    assert "Typical error of a prediction: 0.0 % for CPU, 0.0 % for bytes (median of 64 measured loads" in said
    assert "The fit uses 1 trial that has the finding" in said
    assert "No trial in the fit has the finding" in reliability.prediction(replace(costs, saturated=0))
    assert "The fit uses 3 trials that have the finding" in reliability.prediction(replace(costs, saturated=3))
    assert "20 % at most for CPU, met" in plain(reliability.aims(costs))
    noisy = fit(cells(noise=0.6))
    assert "20 % at most for CPU, missed" in plain(reliability.aims(noisy))
    worst = noisy.held_out.of("cpu")[0]
    label = next(model.variant.label for model in noisy.models if model.variant.name == worst.variant)
    assert f"({label}, {answer.place(worst.where)})" in reliability.prediction(noisy)
    assert [label for label, *_ in reliability.errors(costs)] == [one.name.upper() for one in PRICES]


def test_what_cannot_be_costed_is_said_beside_what_can() -> None:
    swept = [("broadcast", "subscribers", 30), ("broadcast", "rate_hz", 5.0), ("broadcast", "payload_bytes", 1000)]
    said = reliability.lacking(fit(cells(swept=swept)))
    assert said.startswith("POLLING: ")
    assert "python -m bench run --sweep broadcast.poll_interval_s=0.1,0.5,1.0,2.0 does" in said
    assert reliability.lacking(fit(cells())) == ""


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
