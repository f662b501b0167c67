"""Fake processes that record their orders and return prepared answers."""

from contextlib import ExitStack
from types import SimpleNamespace

import msgspec

import servers
from bench import scenarios
from bench.execution.participants import Participants, Workload
from bench.processes.errors import Died
from bench.processes.lines import decode, encode


class FakeProcess:
    """A process that answers its orders in turn. `orders` is shared, so that it shows the order of all."""

    def __init__(self, name, orders, *answers):
        self.name, self.orders, self.left = name, orders, list(answers)
        self.pid, self.port = 1, 4242
        self.ended = False

    def send(self, order):
        self.orders.append((self.name, order))

    def receive(self, kind, timeout_s):
        if not self.left:
            return None
        return decode(encode(self.left.pop(0)), msgspec.json.Decoder(kind), f"the answer of the {self.name}")

    def disturb(self, from_ns, until_ns):
        self.orders.append((self.name, (from_ns, until_ns)))

    def alive(self):
        return not self.ended

    def died(self):
        return Died(self.name, f"the {self.name} ended")


def workload(scenario="broadcast", variant="websocket", **changes):
    """A workload of the profile `standard`, changed."""
    chosen = scenarios.load(scenario)
    return Workload(chosen, servers.load(variant), chosen.settled("standard", changes), seed=1)


def participants(work, loads, publisher=None, broker=None, proxy=None):
    """Participants of a workload whose processes are fakes."""
    server = SimpleNamespace(port=8000, server_pid=1, alive=lambda: True)
    return Participants(ExitStack(), work, "t1", server, loads, [], publisher, broker, proxy)
