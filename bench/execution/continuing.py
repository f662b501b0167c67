"""Whether an interrupted run can be continued: under the conditions under which it was begun, with its variants."""

from __future__ import annotations

from collections.abc import Sequence

import servers
from bench.execution.brokers import other_brokers
from bench.planning.request import Refused
from bench.results import CPU_QUOTA, IDLE_STATES, Environment, Run

SAME_MACHINE = ("cpu", "logical cores", "kernel", "python", IDLE_STATES, CPU_QUOTA)


def check(run: Run, now: Environment) -> None:
    """Raises Refused, with what has changed, for a run that cannot be continued here and now."""
    _refuse_changed(run, _changed(run.environment, now))
    _find_variants(run)
    _refuse_changed(run, other_brokers(run))


def _refuse_changed(run: Run, changed: Sequence[str]) -> None:
    """Raises Refused with the list if a condition of a run has changed."""
    if changed:
        raise Refused(f"{run.name} was begun under different conditions and cannot be continued: {'; '.join(changed)}")


def _find_variants(run: Run) -> None:
    """Raises Refused if a variant of the run that came from outside the repository is not here."""
    for variant in run.variants:
        if variant.status == "measured" and variant.origin and variant.name not in servers.names():
            raise Refused(
                f"{run.name} measures {variant.name} from {variant.origin}, which is not here:"
                f" add -v PATH/TO/{variant.name}.py, or set PUSHBENCH_VARIANTS"
            )


def _changed(then: Environment, now: Environment) -> list[str]:
    """The conditions that differ between two environments and make their trials incomparable."""
    pairs: list[tuple[str, object, object]] = [(key, then.facts.get(key), now.facts.get(key)) for key in SAME_MACHINE]
    pairs += [(f"cores of the {side}", ours, theirs) for side, ours, theirs in (
        ("servers", then.server_cores, now.server_cores), ("load generator", then.load_cores, now.load_cores)
    )]  # fmt: skip
    pairs += [(key, then.versions.get(key), now.versions.get(key)) for key in sorted(then.versions | now.versions)]
    changed = [f"{key}: {before} -> {after}" for key, before, after in pairs if before != after]
    if then.dirty != now.dirty:
        changed.append("tracked files of the project were changed")
    if then.commit != now.commit:
        changed.append(f"commit: {then.commit[:10]} -> {now.commit[:10]}")
    return changed
