"""What can go wrong with a process of a trial.

ProcessError
+-- Died        a process ended although it was still needed
+-- TimedOut    a process is alive but did not answer in time
+-- Misfit      a process wrote a line that is not what the other end must read there
"""


class ProcessError(Exception):
    """A process failed the trial; the message names the process."""


class Died(ProcessError):
    """A process ended although it was still needed; `process` is its name."""

    def __init__(self, process: str, message: str) -> None:
        super().__init__(message)
        self.process = process


class TimedOut(ProcessError):
    """A process did not answer in time."""


class Misfit(ProcessError):
    """A line is not JSON, or not the order or answer that is expected."""
