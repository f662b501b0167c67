"""Where a trial stands."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Stage:
    """Where a trial stands: the phase it is in, how long each took, and what was measured so far."""

    phases_ns: dict[str, int] = field(default_factory=dict)
    phase: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    _since_ns: int = 0

    def enter(self, phase: str) -> None:
        """Leave the phase before and enter this one."""
        now = time.monotonic_ns()
        if self.phase:
            self.phases_ns[self.phase] = self.phases_ns.get(self.phase, 0) + now - self._since_ns
        self.phase, self._since_ns = phase, now
