"""A run as one long table, one row per trial and metric, for whoever computes with it elsewhere.

Nothing is left out: trials that are not valid have rows, with what is known of them, and so have hidden variants and
twins. `COLUMNS` says what each column means; values are in base units.
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

PARAMETERS = ("subscribers", "rate_hz", "payload_bytes", "poll_interval_s", "path")
"""The parameters of a trial that have a column of their own."""

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "run": "name of the run",
        "commit": "commit of Pushbench it was made with; +dirty: with uncommitted changes",
        "scenario": "workload",
        "variant": "server, by the name of its file",
        "label": "what reports call it",
        "technique": "polling, long polling, SSE, WebSocket, ...",
        "product": "library as published; empty: a technique on neutral ground",
        "delivery": "delivery class: resume (what is lost while away is signalled) or none (at most once)",
        "hidden": "serves the instrument (harness floor, calibration) and is compared with nobody",
        "block": "the block it was run in; cells are compared block by block; 0: before the first",
        "twin": "the second trial of its cell in this block (A/A); reports use it for the noise floor alone",
        "trial": "name of the record in trials/",
        "changes": "in what it differs from its scenario, a point of a sweep: rate_hz=40",
        "fault": "what went wrong on purpose: restart KILL; empty: nothing did",
        "valid": "whether it may enter a comparison",
        "failure": "the phase it failed in; empty: it did not",
        "findings": "names of what was found wrong or doubtful, separated by '; '",
        **dict.fromkeys(PARAMETERS, "parameter of the trial; empty: its scenario has none of that name"),
        "metric": "name of the metric",
        "value": "its value in this trial; empty: not measurable here, or the trial failed",
        "unit": "of the value: ns, bytes, share, count, ns per s, per s",
    }
)

UNITS = {"wire bytes": "bytes", "memory bytes": "bytes"}
"""Units that differ only in how they are written for people."""


def rows(cells: Cells) -> list[dict[str, Value]]:
    """A row for every trial and every metric that applies to its scenario, with the keys of COLUMNS, in the order of
    the plan."""
    twins = _twins(cells)
    found: list[dict[str, Value]] = []
    for trial in cells.trials:
        about = _about(cells, trial, trial.planned.place in twins)
        for metric in METRICS.values():
            if metric.applies(trial.planned.scenario):
                value = metric.of(trial)
                unit = UNITS.get(metric.unit, metric.unit)
                found.append({**about, "metric": metric.name, "value": _number(value), "unit": unit})
    return found


def _about(cells: Cells, trial: Trial, twin: bool) -> dict[str, Value]:
    """Everything that is true of all rows of a trial."""
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
    """The places that stand second in their cell and block, as `Cells` takes them: by their names."""
    held: dict[tuple[str, str, str, int], set[str]] = {}
    for trial in cells.shown_trials:
        key = (trial.planned.scenario, trial.planned.variant, point_of(trial), trial.planned.block)
        held.setdefault(key, set()).add(trial.planned.place)
    return {second for names in held.values() for second in sorted(names)[1:]}


def _parameter(trial: Trial, name: str) -> Value:
    value = trial.parameters.get(name)
    return value if isinstance(value, int | float | str) else None


def _number(value: float | None) -> float | None:
    return None if value is None else float(value)
