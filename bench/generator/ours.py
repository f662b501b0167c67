"""Our own load generator, driven: every pass is a trial of the scenario `broadcast`, with all that a trial records."""

from __future__ import annotations

from contextlib import ExitStack

from bench import scenarios, trial
from bench.generator import stage
from bench.generator.records import Pass
from bench.generator.search import ALLOWED_LAG_NS
from bench.measure.machine import Cores
from bench.plan import trial_seed
from bench.processes import Load, ProcessError, Publisher
from bench.results import Planned
from servers import _variant
from servers._variant import Technique

WARM_UP_S = 0.5


def measure(
    variant: str, server: str, subscribers: int, payload_bytes: int, cores: Cores, rate_hz: float, measure_s: float
) -> Pass:
    """One pass of the client half of `variant`. Whoever polls, polls as often as there are messages: each poll is
    answered with one. Raises ProcessError."""
    scenario = scenarios.load("broadcast")
    interval_s = min(60.0, max(0.001, 1 / rate_hz))
    parameters = scenario.settled("standard", {
        "subscribers": subscribers, "rate_hz": rate_hz, "payload_bytes": payload_bytes, "measure_s": measure_s,
        "warm_up_s": WARM_UP_S, "poll_interval_s": interval_s,
    })  # fmt: skip
    planned = Planned(id=f"generator-{variant}", scenario="broadcast", variant=variant, block=1, position=1,
                      seed=trial_seed(1, variant))  # fmt: skip
    described = _variant.load(variant)
    with ExitStack() as stack:
        # as `trial.run` does it, but for the server, which may be no variant
        started = stack.enter_context(stage.server(server, cores))
        load = stack.enter_context(Load(scenario.path, subscribers, cores.load))
        publisher = stack.enter_context(Publisher(cores.load))
        started.wait_until_ready()
        publisher.connect(started, planned.seed, payload_bytes)
        cast = trial.Cast(planned, parameters, scenario, started, load, publisher)
        measured = trial.Stage()
        trial.MEASURES[scenario.traffic](cast, described, measured)
    used, ledger, completion = (measured.facts[name] for name in ("usage", "ledger", "completion"))
    if not used.deliveries:
        raise ProcessError("nothing was delivered")
    polls = described.technique is Technique.POLLING
    return Pass(
        server=server, subscribers=subscribers, rate_hz=rate_hz, window_ns=used.window_ns,
        received=used.deliveries, generator_cpu_ns=used.load[0].cpu_ns,
        generator_wait_ns=used.load[0].run_queue_wait_ns,
        server_cpu_ns=used.server.cpu_ns, server_wait_ns=used.server.run_queue_wait_ns,
        expected=ledger.expected, delivered=ledger.delivered,
        lag_ns=None if ledger.lost or not completion.count else completion.max_ns,
        allowed_lag_ns=ALLOWED_LAG_NS + (round(interval_s * 1e9) if polls else 0),
    )  # fmt: skip
