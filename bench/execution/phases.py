"""The clock of a trial's phases."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(slots=True)
class Phases:
    """Which phase a trial is in (`current`; empty: none), and how long each phase took, in the order of entering."""

    current: str = ""
    took_ns: dict[str, int] = field(default_factory=dict)
    _since_ns: int = 0

    def enter(self, phase: str) -> None:
        """End the current phase and begin another. A phase that is entered again adds to its duration."""
        now_ns = time.monotonic_ns()
        if self.current:
            self.took_ns[self.current] = self.took_ns.get(self.current, 0) + now_ns - self._since_ns
        self.current, self._since_ns = phase, now_ns

    def end(self) -> None:
        """End the current phase."""
        self.enter("")
