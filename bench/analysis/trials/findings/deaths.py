"""A process of the trial that exited too early. The trial has failed; the finding names the process."""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.findings._check import Cause, Check
from bench.results import Trial

REMEDIES = {
    "server": "run `python -m bench verify` for this variant; then run it with `python -m servers` under this load, and"
    " check its memory limit and its last output",
    "broker": "check why it exited (a memory limit, an administrator), or use another one with REDIS_URL",
    "load generator": "check its last output; lower subscribers if it reached a limit of memory or open files",
    "publisher": "check its last output; it also exits when the server closes its ingest port",
    "proxy": "report a fault of the bench, with its last output",
}


def _died(who: str) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        failure = trial.failure
        # a substring: several load generators have names such as `load generator 2`
        if failure is None or who not in failure.exited:
            return None
        return f"1 process exited in phase {failure.phase!r}: {failure.error}"

    return observe


ORDER, CAUSE = 10, Cause.PROCESSES

CHECKS = tuple(
    Check(f"{who} exited", True, "before the end of the trial", "the measurement covers only a part of the trial",
          remedy, _died(who))
    for who, remedy in REMEDIES.items()
)  # fmt: skip
