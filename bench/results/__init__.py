"""The schema of a run's raw facts, and the store that writes them once and reads them back checked.

`results/<run>/run.json` holds what was planned and where; `results/<run>/trials/<id>.json` holds one trial each.
Inside, one unit per kind of quantity: integer nanoseconds (`_ns`), bytes (`_bytes`), bare counts. Nothing derived is
stored: medians, rates and verdicts are computed by `bench.analysis` whenever a record is read.
"""

from bench.results._fact import SCHEMA, Parameter
from bench.results._generators import (
    GENERATOR_SCHEMA,
    GeneratorComparison,
    GeneratorPass,
    GeneratorRow,
    load_comparison,
    rehearse_comparison,
    save_comparison,
)
from bench.results._measured import (
    BrokerFacts,
    Distribution,
    Headroom,
    Ledger,
    Machine,
    ProcessUsage,
    Recount,
    Series,
    Usage,
    Wire,
)
from bench.results._rewrite import upgrade
from bench.results._run import (
    CPU_QUOTA,
    IDLE_STATES,
    IDLE_STATES_DISABLED,
    Environment,
    Run,
    ScenarioFacts,
    VariantFacts,
)
from bench.results._scenarios import (
    CapacityStep,
    EmulatedPath,
    IdleStep,
    Outage,
    Reconnects,
    Restart,
    SlowReader,
    Storm,
)
from bench.results._store import Store, begun_at, check_name, load
from bench.results._stored_file import CHECKSUM, ResultsError
from bench.results._trial import Failure, Finding, Measurements, Planned, Trial

__all__ = [
    "CHECKSUM", "CPU_QUOTA", "GENERATOR_SCHEMA", "IDLE_STATES", "IDLE_STATES_DISABLED", "SCHEMA", "BrokerFacts",
    "CapacityStep", "Distribution", "EmulatedPath", "Environment", "Failure", "Finding", "GeneratorComparison",
    "GeneratorPass", "GeneratorRow", "Headroom", "IdleStep", "Ledger", "Machine", "Measurements", "Outage", "Parameter",
    "Planned", "ProcessUsage", "Reconnects", "Recount", "Restart", "ResultsError", "Run", "ScenarioFacts", "Series",
    "SlowReader", "Store", "Storm", "Trial", "Usage", "VariantFacts", "Wire", "begun_at", "check_name", "load",
    "load_comparison", "rehearse_comparison", "save_comparison", "upgrade",
]  # fmt: skip
