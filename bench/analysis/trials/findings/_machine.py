"""What the machine did besides: other work before and during the trial, time stolen by a hypervisor, changing clocks.

The kernel counts all of it in ticks of some 10 ms, so a share alone is not enough in a short window: what is less than
`TICKS_NS` on every core may be rounding.
"""

from __future__ import annotations

from collections.abc import Callable

from bench.analysis.trials.findings._check import Check, measured_usage, others_ns
from bench.results import Machine, Trial
from bench.units import duration, quantity

TICKS_NS = 20_000_000
BUSY_BEFORE = 0.25
OTHERS, MANY_OTHERS = 0.10, 0.20
STEAL, MUCH_STEAL = 0.01, 0.10
FREQUENCY = 0.10


def _taken(ns: int | None, window_ns: int, machine: Machine, threshold: float) -> float | None:
    """The share of the cores' time that was taken; None unless it is above the threshold and more than rounding."""
    cores = len(machine.cores)
    if ns is None or window_ns <= 0 or not cores or ns <= TICKS_NS * cores:
        return None
    share = ns / (window_ns * cores)
    return share if share > threshold else None


def _busy_before(trial: Trial) -> str | None:
    machine = trial.machine
    if machine is None:
        return None
    share = _taken(machine.before_busy_ns, machine.before_window_ns, machine, BUSY_BEFORE)
    if share is None:
        return None
    look = duration(machine.before_window_ns)
    return f"in {look} before the trial others used {quantity(share, 'share')} of {_cores(machine)}"


def _others(threshold: float) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        machine, usage = trial.machine, measured_usage(trial)
        if machine is None or usage is None:
            return None
        share = _taken(others_ns(trial), machine.window_ns, machine, threshold)
        return f"others used {quantity(share, 'share')} of {_cores(machine)}" if share else None

    return observe


def _steal(threshold: float) -> Callable[[Trial], str | None]:
    def observe(trial: Trial) -> str | None:
        machine = trial.machine
        if machine is None:
            return None
        share = _taken(machine.steal_ns, machine.window_ns, machine, threshold)
        return f"the hypervisor took {quantity(share, 'share')} of {_cores(machine)}" if share else None

    return observe


def _frequency(trial: Trial) -> str | None:
    """Of the first core, the server's: its time is what the costs are counted in."""
    machine = trial.machine
    if machine is None or not machine.frequencies_before_hz or not machine.frequencies_after_hz:
        return None
    before, after = machine.frequencies_before_hz[0], machine.frequencies_after_hz[0]
    if before <= 0 or abs(after / before - 1) <= FREQUENCY:
        return None
    return f"the server's core went from {before / 1e6:,.0f} to {after / 1e6:,.0f} MHz"


def _cores(machine: Machine) -> str:
    return "the trial's core" if len(machine.cores) == 1 else f"the trial's {len(machine.cores)} cores"


QUIET = "stop other work on this machine and run again"
ALONE = "run on a machine, or an instance, that shares its cores with nobody"

CHECKS = (
    Check("busy before the start", False, f"above {BUSY_BEFORE:.0%} of the cores' time in the look before",
          "the trial shared its cores from the first moment, and the one before may not have been over",
          QUIET, _busy_before),
    Check("competing CPU use", False, f"CPU time of others above {OTHERS:.0%} of the cores' time",
          "whoever runs beside us costs us cache and, now and then, our turn", QUIET, _others(OTHERS)),
    Check("heavy competing CPU use", True, f"CPU time of others above {MANY_OTHERS:.0%} of the cores' time",
          "of two cores that is two fifths of one, and one is all that either side has", QUIET, _others(MANY_OTHERS)),
    Check("steal", False, f"above {STEAL:.0%} of the cores' time",
          "one message in a hundred then meets a core that does not run, and the 99 % is told by it", ALONE,
          _steal(STEAL)),
    Check("heavy steal", True, f"above {MUCH_STEAL:.0%} of the cores' time",
          "where the kernel cannot tell it apart stolen time counts as CPU time: a tenth is above every noise floor",
          ALONE, _steal(MUCH_STEAL)),
    Check("frequency changed", False, f"clock of the server's core by more than {FREQUENCY:.0%} between both ends",
          "CPU time per message is counted in time of that core, and the same work takes longer at a lower clock",
          "fix the frequency (governor `performance`, no turbo), or compare medians over many trials", _frequency),
)  # fmt: skip
