"""How old a message is when it arrives, and how long a round trip takes."""

from __future__ import annotations

from bench.analysis.trials.metrics._metric import Metric
from bench.analysis.trials.metrics._reading import of_distribution
from bench.analysis.trials.metrics._where import complete, one_way, there_and_back

ORDER = 10  # among the tables


METRICS = (
    Metric("latency_p50", "delivery latency, median", "ns", "lower", of_distribution("latency", 0.5), where=one_way,
           headline=True),
    Metric("latency_p90", "delivery latency, p90", "ns", "lower", of_distribution("latency", 0.9), where=one_way),
    Metric("latency_p99", "delivery latency, p99", "ns", "lower", of_distribution("latency", 0.99), where=one_way,
           headline=True),
    Metric("latency_max", "delivery latency, maximum", "ns", "lower", of_distribution("latency", 1.0), where=one_way),
    Metric("completion_p50", "latency of the last receiver of a fan-out, median", "ns", "lower",
           of_distribution("completion", 0.5), where=complete),
    Metric("round_trip_p50", "echo round trip, median", "ns", "lower", of_distribution("latency", 0.5),
           where=there_and_back, headline=True),
    Metric("round_trip_p90", "echo round trip, p90", "ns", "lower", of_distribution("latency", 0.9),
           where=there_and_back),
    Metric("round_trip_p99", "echo round trip, p99", "ns", "lower", of_distribution("latency", 0.99),
           where=there_and_back, headline=True),
)  # fmt: skip
