"""A run as one long table with a row per trial and metric, for computations elsewhere.

The table is complete: invalid trials, hidden variants and twins have rows too. `COLUMNS` explains each column; values
are in base units.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bench.analysis.runs.cells import Cells, point_of
from bench.analysis.runs.faults import fault_of
from bench.analysis.trials.delivery_class import delivery_class
from bench.analysis.trials.metrics import METRICS
from bench.results import Trial

Value = str | int | float | bool | None

# The parameters of a trial that have a column of their own.
PARAMETERS = ("subscribers", "rate_hz", "payload_bytes", "poll_interval_s", "path")

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "run": "name of the run",
        "commit": "commit of Pushbench; +dirty: with uncommitted changes",
        "scenario": "workload",
        "variant": "server, by the name of its file",
        "label": "name in reports",
        "technique": "polling, long polling, SSE, WebSocket, ...",
        "product": "library as published; empty: a technique on neutral ground",
        "delivery": "delivery class: resume (losses while away are signalled) or none (at most once)",
        "hidden": "whether it serves the instrument (harness floor, calibration) and is not compared",
        "block": "block of the trial; cells are compared block by block; 0: before the first",
        "twin": "whether it is the second trial of its cell in this block (A/A), for the noise floor alone",
        "trial": "name of the record in trials/",
        "changes": "changed parameters, at a point of a sweep: rate_hz=40",
        "fault": "injected fault: restart KILL; empty: none",
        "valid": "whether it can be part of a comparison",
        "failure": "phase in which it failed; empty: it did not fail",
        "findings": "names of its findings, separated by '; '",
        **dict.fromkeys(PARAMETERS, "parameter of the trial; empty: its scenario does not have it"),
        "metric": "name of the metric",
        "value": "value in this trial; empty: not measurable here, or the trial failed",
        "unit": "unit of the value: ns, bytes, share, count, ns per s, per s",
    }
)

UNITS = {"wire bytes": "bytes", "memory bytes": "bytes"}  # units that differ only in how reports format them


def rows(cells: Cells) -> list[dict[str, Value]]:
    """A row for every trial and every metric that applies to its scenario, with the keys of COLUMNS, in the order of
    the plan."""
    twins = _twins(cells)
    rows: list[dict[str, Value]] = []
    for trial in cells.trials:
        about = _about(cells, trial, trial.planned.place in twins)
        for metric in METRICS.values():
            if metric.applies(trial.planned.scenario):
                value = metric.of(trial)
                unit = UNITS.get(metric.unit, metric.unit)
                rows.append({**about, "metric": metric.name, "value": _number(value), "unit": unit})
    return rows


def _about(cells: Cells, trial: Trial, twin: bool) -> dict[str, Value]:
    """The columns that are the same in all rows of a trial."""
    planned, environment = trial.planned, cells.run.environment
    facts, fault = cells.facts.get(planned.variant), fault_of(trial)
    return {
        "run": cells.run.name,
        "commit": environment.commit + ("+dirty" if environment.dirty else ""),
        "scenario": planned.scenario,
        "variant": planned.variant,
        "label": facts.label if facts else "",
        "technique": facts.technique if facts else "",
        "product": facts.product if facts else "",
        "delivery": delivery_class(facts) if facts else "",
        "hidden": facts.hidden if facts else False,
        "block": planned.block,
        "twin": twin,
        "trial": planned.id,
        "changes": point_of(trial),
        "fault": fault.name if fault else "",
        "valid": trial.valid,
        "failure": trial.failure.phase if trial.failure else "",
        "findings": "; ".join(finding.name for finding in trial.findings),
        **{name: _parameter(trial, name) for name in PARAMETERS},
    }


def _twins(cells: Cells) -> set[str]:
    """The second places of each cell and block, ordered by their names, as in `Cells`."""
    places: dict[tuple[str, str, str, int], set[str]] = {}
    for trial in cells.shown_trials:
        key = (trial.planned.scenario, trial.planned.variant, point_of(trial), trial.planned.block)
        places.setdefault(key, set()).add(trial.planned.place)
    return {second for names in places.values() for second in sorted(names)[1:]}


def _parameter(trial: Trial, name: str) -> Value:
    value = trial.parameters.get(name)
    return value if isinstance(value, int | float | str) else None


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
