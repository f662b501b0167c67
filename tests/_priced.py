"""A synthetic run with costs that follow a known law, at the loads of the profile full: all cells and all sweeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from bench import scenarios
from bench.analysis.numbers.distributions import fold
from bench.analysis.runs.cells import Cells
from bench.results import SCHEMA, IdleStep, Parameter, Planned, Run, Trial, Usage, Wire
from tests._natures import Nature, process
from tests._synthetic import synthetic

SECOND_NS = 1_000_000_000
WINDOW_S = 100
COOLING_S = 0.003
BASE: dict[str, dict[str, Parameter]] = {
    name: dict(scenarios.load(name).settled("standard", {})) for name in ("broadcast", "echo", "idle")
}
SWEPT = [(name, one.name, value) for name in BASE for one in scenarios.load(name).parameters
         for value in one.sweep]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Prices:
    """The true costs of a synthetic variant: CPU seconds and bytes of everything it does."""

    name: str
    technique: str
    product: str = ""
    process_s: float = 5e-4
    connection_s: float = 4e-7
    burst_s: float = 4e-4
    delivery_s: float = 2e-5
    byte_s: float = 2e-9
    upstream_s: float = 8e-5
    upstream_cold_s: float = 5e-4
    request_s: float = 0.0
    request_cold_s: float = 0.0
    framing_bytes: float = 60.0
    upstream_bytes: float = 150.0
    request_bytes: float = 0.0
    posts: int = 1
    base_bytes: float = 30e6
    each_bytes: float = 20_000.0
    p99_ms: float = 3.0


PRICES = (
    Prices("polling", "polling", request_s=2e-4, request_cold_s=9e-4, request_bytes=400.0, delivery_s=6e-6),
    Prices("long_polling", "long polling", request_s=2e-4, request_bytes=380.0, delivery_s=6e-6, p99_ms=9.0),
    Prices("sse", "SSE"),
    Prices("websocket", "WebSocket", delivery_s=1.7e-5, each_bytes=28_000.0, posts=0, upstream_bytes=30.0),
    Prices("flask_socketio", "WebSocket", "Flask-SocketIO", delivery_s=4.5e-5, each_bytes=56_000.0, posts=0),
)


def truth(prices: Prices, scenario: str, parameters: dict[str, Parameter]) -> tuple[float, float, float, float]:
    """(cores, overhead in bytes, deliveries, requests with those upstream), all per second."""
    subscribers, rate = float(parameters["subscribers"]), float(parameters["rate_hz"])
    deliveries = subscribers * rate
    upstream = deliveries if scenario == "echo" else 0.0
    published = deliveries if scenario == "echo" else rate
    requests_of = {"polling": subscribers / float(parameters["poll_interval_s"]), "long polling": deliveries}
    requests = requests_of.get(prices.technique, 0.0)
    polls = prices.technique == "polling"
    cold = 1.0 / (1.0 + COOLING_S * (published + (requests if polls else 0.0)))
    cores = prices.process_s + (0.0 if polls else prices.connection_s * subscribers) + prices.burst_s * published * cold
    cores += deliveries * (prices.delivery_s + prices.byte_s * float(parameters["payload_bytes"]))
    cores += upstream * (prices.upstream_s + prices.upstream_cold_s * cold)
    cores += requests * (prices.request_s + (prices.request_cold_s * cold if polls else 0.0))
    overhead = prices.framing_bytes * deliveries + prices.upstream_bytes * upstream + prices.request_bytes * requests
    return cores, overhead, deliveries, requests + prices.posts * upstream


def priced(
    prices: Sequence[Prices] = PRICES, swept: Iterable[tuple[str, str, object]] = tuple(SWEPT), noise: float = 0.0,
    blocks: int = 1, without: Iterable[str] = (), label: str = "",
) -> tuple[Run, list[Trial]]:  # fmt: skip
    """The run and its trials.

    noise: standard deviation of the CPU of trials, on logarithms. without: names of scenarios to leave out. label:
    appended to the label of every variant.
    """
    rng = np.random.default_rng(1)
    kept = [name for name in BASE if name not in set(without)]
    loads: list[tuple[str, dict[str, Parameter]]] = [(name, {}) for name in kept]
    loads += [(name, {parameter: value}) for name, parameter, value in swept if name in kept]  # type: ignore[dict-item]
    trials = []
    for block in range(1, blocks + 1):
        for one in prices:
            for scenario, changes in loads:
                if "poll_interval_s" in changes and one.technique != "polling":
                    continue
                suffix = "".join(f"-{name}-{value}" for name, value in changes.items())
                planned = Planned(
                    id=f"{block}-{scenario}-{one.name}{suffix}", scenario=scenario, variant=one.name, block=block,
                    position=len(trials), seed=1, changes=changes,
                )  # fmt: skip
                trials.append(_trial(one, planned, float(np.exp(rng.normal(0.0, noise)))))
    natures = [Nature(one.name, one.name.upper() + label, one.technique, one.product) for one in prices]
    run = synthetic(natures, kept, 1, troubles=False)[0]
    facts = [msgspec.structs.replace(one, parameters=dict(BASE[one.name])) for one in run.scenarios]
    return msgspec.structs.replace(run, plan=[trial.planned for trial in trials], scenarios=facts), trials


def cells(*args: object, **options: object) -> Cells:
    """The cells of the synthetic run."""
    return Cells(*priced(*args, **options))  # type: ignore[arg-type]


def _trial(prices: Prices, planned: Planned, noise: float) -> Trial:
    parameters = {**BASE[planned.scenario], **planned.changes}
    trial = Trial(
        schema=SCHEMA, planned=planned, parameters=parameters, started_at="2026-01-02T03:04:05Z", phases_ns={}
    )
    if planned.scenario == "idle":
        return msgspec.structs.replace(trial, idle=_steps(prices, parameters))
    cores, overhead, deliveries, requests = truth(prices, planned.scenario, parameters)
    echo, size = planned.scenario == "echo", int(parameters["payload_bytes"])
    count, window_ns = round(deliveries * WINDOW_S), WINDOW_S * SECOND_NS
    interval_ns = float(parameters["poll_interval_s"]) * SECOND_NS
    latencies = np.linspace(0.02, 1.0, 500) * prices.p99_ms * 1e6
    if prices.technique == "polling":
        latencies = 2e6 + np.linspace(0.0, 1.0, 5001) * interval_ns
    return msgspec.structs.replace(
        trial,
        latency=fold(latencies.astype(np.int64)),
        usage=Usage(
            window_ns=window_ns, deliveries=count, server=process(cores * noise * window_ns), broker=None,
            load=[process(1e9)], publisher=None,
        ),
        wire=Wire(
            window_ns=window_ns,
            deliveries=count,
            payload_received_bytes=count * size,
            payload_sent_bytes=count * size if echo else 0,
            received_bytes=count * size + round(overhead * WINDOW_S),
            sent_bytes=count * size if echo else 0,
            segments_in=0,
            segments_out=0,
            requests=round(requests * WINDOW_S),
            connections_opened=0,
        ),
    )  # fmt: skip


def _steps(prices: Prices, parameters: dict[str, Parameter]) -> list[IdleStep]:
    steps = parameters["steps"]
    assert isinstance(steps, list)
    idle = []
    for count in steps:
        polls = count / float(parameters["poll_interval_s"]) if prices.technique == "polling" else 0.0
        cold = 1.0 / (1.0 + COOLING_S * polls)
        cores = (
            prices.process_s
            + (0.0 if polls else prices.connection_s * count)
            + polls * (prices.request_s + prices.request_cold_s * cold)
        )
        used = process(cores * WINDOW_S * SECOND_NS, prices.base_bytes + prices.each_bytes * count)
        idle.append(IdleStep(subscribers=count, window_ns=WINDOW_S * SECOND_NS, server=used, broker=None))
    return idle
