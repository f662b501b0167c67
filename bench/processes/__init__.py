"""The processes of one trial: started, pinned, spoken to by lines of JSON, watched, and ended whatever happens.

ProcessError
+-- Died        a process ended although it was still needed
+-- TimedOut    it lives, but did not answer in time
"""

from bench.processes.load_side import Load, Master, Proxy, Publisher, load_side
from bench.processes.member import Died, Member, ProcessError, TimedOut, Watched, answer, answers, check, watch
from bench.processes.server import Broker, NextBroker, Server, successor

__all__ = [
    "Broker", "Died", "Load", "Master", "Member", "NextBroker", "ProcessError", "Proxy", "Publisher", "Server",
    "TimedOut", "Watched", "answer", "answers", "check", "load_side", "successor", "watch",
]  # fmt: skip
