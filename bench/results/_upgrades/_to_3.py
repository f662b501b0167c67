"""Run and trial from schema 2 to 3, comparison of load generators from 1 to 2: keys and names in plain English.

Waiting times below zero become null: a thread that had ended between two readings had taken its part with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Raw = dict[str, Any]

_PLANNED = {"retakes": "retry_of"}
_PARAMETERS = {"plant": "injected"}
_VALUES = {("slow", "nobody"): "none", ("path", "crumbs"): "fragments"}
_IDS = (
    (r"-again-(?=\d+$)", "-retry-"),
    (r"-slow-nobody(?=-|$)", "-slow-none"),
    (r"-path-crumbs(?=-|$)", "-path-fragments"),
)
_PHASES = {"look": "pre-check", "prime": "probe", "leave": "disconnect"}
_FINDINGS = {
    "server died": "server exited",
    "broker died": "broker exited",
    "load generator died": "load generator exited",
    "publisher died": "publisher exited",
    "proxy died": "proxy exited",
    "torn at the slow reader": "corrupted at the slow reader",
    "lost though nobody was slow": "lost without a slow reader",
    "ledger and oracle disagree": "ledger and recount disagree",
    "not all back": "not all caught up",
    "generator held up": "generator waited for its core",
    "generator held up for long": "generator waited long for its core",
    "server held up": "server waited for its core",
    "server held up for long": "server waited long for its core",
    "load cores full": "load cores saturated",
    "others on our cores": "competing CPU use",
    "others took our cores": "heavy competing CPU use",
}  # fmt: skip
_TRIAL = {"oracle": "recount", "absences": "reconnects", "slow": "slow_reader", "emulated": "emulated_path"}
_PARTS = {
    "reconnects": {
        "resumes": "declares_resume", "cuts": "disconnects", "returns": "caught_up", "fresh": "catch_up_time",
        "back": "reconnect_time", "recovered": "recovered_deliveries", "unsent": "unsent_messages",
    },
    "headroom": {"loop_lag": "loop_delay", "unread": "read_delay"},
    "storm": {"standing": "connected", "fds_back_ns": "fds_released_ns"},
    "slow_reader": {"closed": "closed_by_server"},
    "emulated_path": {"path": "name"},
    "failure": {"died": "exited"},
}  # fmt: skip
_PASS = {"lag_ns": "delay_ns", "allowed_lag_ns": "allowed_delay_ns"}


def _renamed(raw: Raw, names: Mapping[str, str]) -> Raw:
    """The same object, in the same order, with these keys renamed."""
    return {names.get(key, key): value for key, value in raw.items()}


def run(raw: Raw) -> Raw:
    """The head of a run of schema 2 in schema 3."""
    scenarios = [
        {**_renamed(one, {"apart": "excluded"}), "parameters": _parameters(one["parameters"])}
        for one in raw["scenarios"]
    ]
    return {
        **raw,
        "schema": 3,
        "environment": _environment(raw["environment"]),
        "scenarios": scenarios,
        "plan": [_planned(one) for one in raw["plan"]],
    }


def trial(raw: Raw) -> Raw:
    """The record of a trial of schema 2 in schema 3."""
    named = _renamed(raw, _TRIAL)
    parts = {part: _renamed(named[part], names) for part, names in _PARTS.items() if named.get(part) is not None}
    if "failure" in parts:
        parts["failure"]["phase"] = _PHASES.get(raw["failure"]["phase"], raw["failure"]["phase"])
    if "emulated_path" in parts:
        parts["emulated_path"]["name"] = _value("path", raw["emulated"]["path"])
    upgraded = {
        **named,
        **parts,
        "schema": 3,
        "planned": _planned(raw["planned"]),
        "parameters": _parameters(raw["parameters"]),
        "phases_ns": _renamed(raw["phases_ns"], _PHASES),
    }
    if raw.get("usage") is not None:
        upgraded["usage"] = {name: _usage(value) for name, value in raw["usage"].items()}
    if "findings" in raw:
        upgraded["findings"] = [{**one, "name": _FINDINGS.get(one["name"], one["name"])} for one in raw["findings"]]
    return upgraded


def comparison(raw: Raw) -> Raw:
    """A comparison of load generators of schema 1 in schema 2."""
    rows = [
        {
            **row,
            "costs": [_waits(_renamed(one, _PASS)) for one in row["costs"]],
            "searches": [[_waits(_renamed(one, _PASS)) for one in search] for search in row["searches"]],
        }
        for row in raw["rows"]
    ]
    return {**raw, "schema": 2, "environment": _environment(raw["environment"]), "rows": rows}


def _usage(value: Any) -> Any:
    """The usage of a process, or of a list of them, without a wait below zero."""
    if isinstance(value, list):
        return [_usage(one) for one in value]
    return _waits(value) if isinstance(value, dict) else value


def _waits(raw: Raw) -> Raw:
    return {key: None if key.endswith("wait_ns") and (value or 0) < 0 else value for key, value in raw.items()}


def _planned(planned: Raw) -> Raw:
    upgraded = _renamed(planned, _PLANNED)
    upgraded["id"] = trial_id(planned["id"])
    if "retry_of" in upgraded:
        upgraded["retry_of"] = trial_id(upgraded["retry_of"])
    if "changes" in planned:
        upgraded["changes"] = _parameters(planned["changes"])
    return upgraded


def trial_id(old: str) -> str:
    """The id of a trial of schema 2 in schema 3."""
    for pattern, replacement in _IDS:
        old = re.sub(pattern, replacement, old)
    return old


def _parameters(parameters: Raw) -> Raw:
    return {name: _value(name, value) for name, value in _renamed(parameters, _PARAMETERS).items()}


def _value(name: str, value: Any) -> Any:
    return _VALUES.get((name, value), value) if isinstance(value, str) else value


def _environment(environment: Raw) -> Raw:
    facts = _renamed(environment["facts"], {"cores without work": "idle states"})
    if "idle states" in facts:
        facts["idle states"] = _idle_states(facts["idle states"])
    return {**environment, "facts": facts}


def _idle_states(fact: str) -> str:
    """`kept awake` is now `disabled`, `may sleep (reason)` is `enabled (reason)`."""
    if fact == "kept awake":
        return "disabled"
    return fact.replace("may sleep", "enabled", 1).replace("as asked", "as requested", 1)
