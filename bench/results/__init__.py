"""The schema of a run's raw facts, and the store that writes them once and reads them back checked.

`results/<run>/run.json` holds what was planned and where; `results/<run>/trials/<id>.json` holds one trial each.
Inside, one unit per kind of quantity: integer nanoseconds (`_ns`), bytes (`_bytes`), bare counts. Nothing derived is
stored: medians, rates and verdicts are computed by `bench.analysis` whenever a record is read.
"""

from bench.results._fact import SCHEMA, Fact, Name, Parameter
from bench.results._measured import (
    Distribution,
    Headroom,
    Ledger,
    Machine,
    Oracle,
    ProcessUsage,
    Series,
    Usage,
    Wire,
)
from bench.results._run import CORES_WITHOUT_WORK, KEPT_AWAKE, Environment, Run, ScenarioFacts, VariantFacts
from bench.results._scenarios import Absences, CapacityStep, Emulated, IdleStep, Outage, Restart, SlowReader, Storm
from bench.results._store import ResultsError, Store, check_name, load, read, write_new
from bench.results._trial import Failure, Finding, Measurements, Planned, Trial

__all__ = [
    "CORES_WITHOUT_WORK", "KEPT_AWAKE", "SCHEMA", "Absences", "CapacityStep", "Distribution", "Emulated",
    "Environment", "Fact", "Failure", "Finding", "Headroom", "IdleStep", "Ledger", "Machine", "Measurements", "Name",
    "Oracle", "Outage", "Parameter", "Planned", "ProcessUsage", "Restart", "ResultsError", "Run", "ScenarioFacts",
    "Series", "SlowReader", "Store", "Storm", "Trial", "Usage", "VariantFacts", "Wire", "check_name", "load", "read",
    "write_new",
]  # fmt: skip
