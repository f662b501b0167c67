"""What a workload may add to the measured part: a table of instruments, each of which reports a part of the record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from bench.execution.actions import AfterDrain, ServerSide, stored
from bench.execution.driving import MeasuredPart
from bench.execution.participants import SLACK_S, Participants
from bench.execution.sampling import Samples
from bench.measure import usage
from bench.measure.received import Receipts
from bench.paths import CALM_NS, DIRECT, PATHS
from bench.processes.member import answer
from bench.processes.orders import ProxyCounts, Published, ReportCounts
from bench.results import EmulatedPath, Measurements, SlowReader
from servers import Capability


@dataclass(frozen=True, slots=True)
class Outcome:
    """The measured part once it is over: what was published, received by all processes together, and sampled."""

    part: MeasuredPart
    published: Published
    receipts: Receipts
    samples: Samples


class Instrument:
    """Something that happens in the measured part beside the messages. It is made before the orders are given.

    replaced: names of processes that do not live to the end of the measured part. weighed: ids of processes whose
    memory is sampled.
    """

    replaced: Sequence[str] = ()
    weighed: Sequence[int] = ()

    def __init__(self, participants: Participants) -> None:
        self._participants = participants

    @classmethod
    def is_part_of(cls, participants: Participants) -> bool:
        """Whether the workload asks for it."""
        return True

    def begin(self, part: MeasuredPart) -> None:
        """Act in the measured part, until its end at most; the orders have been given. Raises as the processes do."""

    def end(self) -> None:
        """Read what must be read as soon as all messages have arrived. Raises as the processes do."""

    def after(self, outcome: Outcome) -> Measurements:
        """Its part of the record."""
        raise NotImplementedError


class Path(Instrument):
    """The path that a proxy emulates between subscribers and server."""

    @classmethod
    def is_part_of(cls, participants: Participants) -> bool:
        return participants.proxy is not None

    def __init__(self, participants: Participants) -> None:
        super().__init__(participants)
        assert participants.proxy is not None
        self._proxy = participants.proxy

    def begin(self, part: MeasuredPart) -> None:
        self._proxy.disturb(part.window.start_ns, part.window.end_ns - CALM_NS)

    def end(self) -> None:
        self._proxy.send(ReportCounts())
        self._counts = answer(self._proxy, ProxyCounts, SLACK_S, self._participants.watched)

    def after(self, outcome: Outcome) -> Measurements:
        path = PATHS[self._participants.parameters.get("path", DIRECT)]
        counts = self._counts
        return Measurements(
            emulated_path=EmulatedPath(
                name=path.name, description=path.description,
                connections=counts.connections, resets=counts.resets, stalls=counts.stalls, pieces=counts.pieces,
            )
        )  # fmt: skip


class Acting(Instrument):
    """The action of the scenario on the server side."""

    @classmethod
    def is_part_of(cls, participants: Participants) -> bool:
        return participants.workload.scenario.action is not None

    def __init__(self, participants: Participants) -> None:
        super().__init__(participants)
        assert participants.workload.scenario.action is not None
        self._action = participants.workload.scenario.action
        self.replaced = tuple(self._action.replaced(participants.parameters))

    def begin(self, part: MeasuredPart) -> None:
        self._side = ServerSide(self._participants, part.window)
        self._done = self._action.do(self._side)

    def after(self, outcome: Outcome) -> Measurements:
        receivers = self._participants.workload.scenario.receivers(self._participants.parameters)
        return stored(self._action.settle(AfterDrain(self._side, outcome.receipts, receivers), self._done))


class Reconnecting(Instrument):
    """The subscribers that reconnect, which the load generator reports if there are any."""

    def after(self, outcome: Outcome) -> Measurements:
        reconnects = outcome.receipts.reconnects
        if reconnects is None:
            return Measurements()
        return Measurements(
            reconnects=msgspec.structs.replace(
                reconnects,
                declares_resume=Capability.RESUME in self._participants.workload.variant.capabilities,
                unsent_messages=outcome.published.unsent,
            )
        )


class SlowReading(Instrument):
    """The memory of the server side while one subscriber reads slowly: of the server, its broker, their children."""

    @classmethod
    def is_part_of(cls, participants: Participants) -> bool:
        return participants.workload.scenario.apart is not None

    def __init__(self, participants: Participants) -> None:
        super().__init__(participants)
        broker = [participants.broker.pid] if participants.broker else []
        self.weighed = sorted({*usage.process_tree(participants.server.server_pid), *broker})

    def after(self, outcome: Outcome) -> Measurements:
        slow, apart = outcome.receipts.slow_reader, self._participants.workload.scenario.apart
        if slow is None or apart is None:
            return Measurements()
        slow_ns = outcome.part.window.start_ns + round(apart.from_s.of(self._participants.parameters) * 1e9)
        return Measurements(slow_reader=with_memory(slow, outcome.samples.memory, slow_ns))


def with_memory(slow: SlowReader, memory: Sequence[tuple[int, int]], slow_ns: int) -> SlowReader:
    """The facts of a slow reader with the server's memory before `slow_ns`, and its maximum since."""
    before = [size_bytes for at_ns, size_bytes in memory if at_ns <= slow_ns] or [memory[0][1]]
    since = [size_bytes for at_ns, size_bytes in memory if at_ns > slow_ns] or before[-1:]
    return msgspec.structs.replace(slow, memory_before_bytes=before[-1], memory_peak_bytes=max(since))


# In the order in which they act.
INSTRUMENTS: tuple[type[Instrument], ...] = (Path, Acting, Reconnecting, SlowReading)


def instruments(participants: Participants) -> list[Instrument]:
    """The instruments of a workload, ready."""
    return [kind(participants) for kind in INSTRUMENTS if kind.is_part_of(participants)]


def sampled(participants: Participants, using: Iterable[Instrument]) -> dict[str, int]:
    """The processes that live to the end of the measured part, by name."""
    replaced = {name for one in using for name in one.replaced}
    return {name: pid for name, pid in participants.pids.items() if name not in replaced}
