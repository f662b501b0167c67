"""Samples the processes of a trial and the cores while a part of it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.measure import conditions
from bench.measure.sampler import Sampler
from bench.processes.errors import ProcessError
from bench.results import Machine, ProcessUsage


@dataclass(frozen=True, slots=True)
class Samples:
    """What was sampled within a window of `window_ns`.

    usage, cpu_ns: by the names of the processes, the second per quarter second. memory: (moment, bytes) of the
    processes in `memory_pids` together. machine: with what the cores did.
    """

    window_ns: int
    usage: Mapping[str, ProcessUsage]
    cpu_ns: Mapping[str, list[int]]
    memory: Sequence[tuple[int, int]]
    machine: Machine


class Sampling:
    """A sampler that runs, from which `samples` are taken once its window is over."""

    def __init__(self, sampler: Sampler, machine: Machine) -> None:
        self._sampler, self._machine = sampler, machine

    def wait(self) -> None:
        """Return when the last sample is taken."""
        self._sampler.join()

    def samples(self) -> Samples:
        """What was sampled. Raises ProcessError if a process had ended before."""
        sampler = self._sampler
        if not sampler.usage or not sampler.core_window:
            raise ProcessError("a process was gone when its usage was to be read")
        machine = conditions.with_measured_part(self._machine, sampler.core_window)
        return Samples(sampler.window_ns, sampler.usage, sampler.cpu_ns, sampler.memory, machine)


@contextmanager
def sampling(
    pids: Mapping[str, int], machine: Machine, window_ns: tuple[int, int], memory_pids: Sequence[int] = ()
) -> Iterator[Sampling]:
    """Sample the processes in `pids` (name -> pid), the cores of `machine` and the memory of the processes in
    `memory_pids` between two moments of the monotonic clock. Sampling ends with the block."""
    sampler = Sampler(pids, machine.cores, *window_ns, memory_pids=memory_pids)
    sampler.start()
    try:
        yield Sampling(sampler, machine)
    finally:
        sampler.stop()
