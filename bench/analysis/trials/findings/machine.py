"""What the machine did besides the trial: other work before and during it, stolen time, CPU quotas, clock frequencies.

The kernel counts all of this in ticks of about 10 ms, so a share alone is not enough in a short window: less than
`TICKS_NS` per core may be a rounding error.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials import core_shares
from bench.analysis.trials.core_shares import Taken, load_processes, used_cores
from bench.analysis.trials.findings._check import Cause, Check, by_others
from bench.results import Trial
from bench.units import counted, duration, quantity

TICKS_NS = 20_000_000
BUSY_BEFORE = 0.25
OTHERS, MANY_OTHERS = 0.10, 0.20
STEAL, MUCH_STEAL = 0.01, 0.10
FREQUENCY = 0.10
THROTTLED = 0.05


def _taken(trial: Trial, taken: Taken | None, window_ns: int, threshold: float, *, avoidable: bool) -> float | None:
    """A share of the used cores' time; None unless it is above the threshold and more than a rounding error."""
    machine = trial.machine
    if machine is None or taken is None or window_ns <= 0 or not machine.cores:
        return None
    cores, processes = len(machine.cores), load_processes(trial)
    if taken.all_ns <= TICKS_NS * used_cores(cores, processes):
        return None
    share = core_shares.share(taken, window_ns, cores, processes, avoidable=avoidable)
    return share if share > threshold else None


def _busy_before(trial: Trial) -> str | None:
    machine = trial.machine
    if machine is None or machine.before_busy_ns is None:
        return None
    taken = Taken(machine.before_busy_ns, machine.first_before_busy_ns)
    share = _taken(trial, taken, machine.before_window_ns, BUSY_BEFORE, avoidable=True)
    if share is None:
        return None
    window = duration(machine.before_window_ns)
    return f"other processes used {quantity(share, 'share')} of {_cores(trial)} in the {window} before the trial"


def _others(threshold: float) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        window_ns = trial.machine.window_ns if trial.machine else 0
        share = _taken(trial, by_others(trial), window_ns, threshold, avoidable=True)
        return f"other processes used {quantity(share, 'share')} of {_cores(trial)}" if share else None

    return observe


def _steal(threshold: float) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        machine = trial.machine
        if machine is None or machine.steal_ns is None:
            return None
        taken = Taken(machine.steal_ns, machine.first_steal_ns)
        share = _taken(trial, taken, machine.window_ns, threshold, avoidable=False)
        return f"the hypervisor took {quantity(share, 'share')} of {_cores(trial)}" if share else None

    return observe


def _throttled(threshold: float) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        machine = trial.machine
        if machine is None or not machine.throttled_ns or machine.window_ns <= 0:
            return None
        share = machine.throttled_ns / machine.window_ns
        if share <= threshold:
            return None
        stopped = f"a CPU quota stopped processes of the trial {counted(machine.throttled_periods or 0, 'time')}"
        return f"{stopped}, for {duration(machine.throttled_ns)} in all: {quantity(share, 'share')} of the time"

    return observe


def _frequency(trial: Trial) -> str | None:
    """The change of the first core, the server's: costs are CPU time of that core."""
    machine = trial.machine
    if machine is None or not machine.frequencies_before_hz or not machine.frequencies_after_hz:
        return None
    before, after = machine.frequencies_before_hz[0], machine.frequencies_after_hz[0]
    if before <= 0 or abs(after / before - 1) <= FREQUENCY:
        return None
    return f"the server's core went from {before / 1e6:,.0f} to {after / 1e6:,.0f} MHz"


def _cores(trial: Trial) -> str:
    cores = len(trial.machine.cores) if trial.machine else 0
    used = used_cores(cores, load_processes(trial))
    if cores == 1:
        return "the trial's core"
    return f"the trial's {cores} cores" if used == cores else f"the {used} cores that the trial used at once"


QUIET = "stop other work on this machine and run again"
UNLIMITED = "raise the CPU quota of the container, or of the control group, above two cores"
ALONE = "run on a machine or an instance that does not share its cores"

ORDER, CAUSE = 70, Cause.MACHINE

CHECKS = (
    Check("busy before the start", False, f"above {BUSY_BEFORE:.0%} of the cores' time in the pre-check",
          "the trial shared its cores from the start, or the trial before it was not over",
          QUIET, _busy_before),
    Check("competing CPU use", False, f"CPU time of other processes above {OTHERS:.0%} of the cores' time",
          "other processes use the caches and sometimes delay the trial", QUIET, _others(OTHERS)),
    Check("heavy competing CPU use", True, f"CPU time of other processes above {MANY_OTHERS:.0%} of the cores' time",
          "of two cores that is two fifths of one, and each side has only one", QUIET, _others(MANY_OTHERS)),
    Check("steal", False, f"above {STEAL:.0%} of the cores' time",
          "one message in a hundred then meets a core that does not run: that determines the p99", ALONE,
          _steal(STEAL)),
    Check("heavy steal", True, f"above {MUCH_STEAL:.0%} of the cores' time",
          "some kernels count stolen time as CPU time, and a tenth is above every noise floor",
          ALONE, _steal(MUCH_STEAL)),
    Check("throttled", False, "a CPU quota stopped processes of the trial",
          "a message that arrives meanwhile waits for the next period, often 100 ms", UNLIMITED, _throttled(0.0)),
    Check("throttled for long", True, f"above {THROTTLED:.0%} of the time",
          "above 1 % of the time the p99 is that of the quota, and both sides of the trial share it", UNLIMITED,
          _throttled(THROTTLED)),
    Check("frequency changed", False, f"frequency of the server's core by more than {FREQUENCY:.0%} during the trial",
          "the same work takes more CPU time at a lower frequency",
          "fix the frequency (governor `performance`, no turbo), or compare medians over many trials", _frequency),
)  # fmt: skip
