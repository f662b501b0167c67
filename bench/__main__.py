"""`python -m bench`. A signal ends it in order from its first line on, also while it imports."""

import sys

from bench.processes.interrupts import Ended, exit_code, raise_on_signals

if __name__ == "__main__":
    raise_on_signals()
    try:
        from bench.cli import main

        code = main()
    except (KeyboardInterrupt, Ended) as signalled:
        code = exit_code(signalled)
    sys.exit(code)
