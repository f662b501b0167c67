"""A process that ended although its trial still needed it. The trial has failed; this says by whom."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.findings._check import Check
from bench.results import Trial

REMEDIES = {
    "server": "run `python -m bench verify` for this variant, then start it by hand with `python -m servers` and this"
    " load; look for its memory limit and at what it said last",
    "broker": "look for what ended it (a memory limit, an administrator), or name another with REDIS_URL",
    "load generator": "look at what it said last; lower subscribers if a limit of memory or open files ended it",
    "publisher": "look at what it said last; a server that closes its ingest port ends it too",
    "proxy": "report a fault of the bench, with what it said last",
}


def _died(who: str) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        failure = trial.failure
        # in it and not equal to it: the master of several load generators is one of them
        if failure is None or who not in failure.exited:
            return None
        return f"1 process ended in phase {failure.phase!r}: {failure.error}"

    return observe


CHECKS = tuple(
    Check(f"{who} exited", True, "ended before the trial did", "what was measured until then is part of a trial",
          remedy, _died(who))
    for who, remedy in REMEDIES.items()
)  # fmt: skip
