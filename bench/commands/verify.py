"""Check variants against the contract: the conformance gate alone.

Exits with 1 if a variant fails a check. A variant that cannot run here is reported as skipped, with the reason.

examples:
  python -m bench verify sse websocket
  python -m bench verify                every variant
"""

from __future__ import annotations

import argparse

import servers
from bench.execution.preflight import check_temporary_files
from bench.gate import conformance
from bench.planning.request import variants


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which variants."""
    parser.add_argument("variant", nargs="*", help="names, or paths of files (default: all)")


def run(options: argparse.Namespace) -> int:
    """Run every check on every variant. Returns 1 if one fails."""
    check_temporary_files()
    conform = [_conforms(name, variant) for name, variant in variants(options.variant).items()]
    return 0 if all(conform) else 1


def _conforms(name: str, variant: servers.Variant) -> bool:
    """Print one line for a variant and two for every check that it fails. Returns whether it fails none."""
    reason = servers.unavailable(variant)
    if reason:
        print(f"{name:<24} skipped: {reason}", flush=True)
        return True
    verdicts = list(conformance.verify(name, variant))
    failed = [verdict for verdict in verdicts if verdict.refutation]
    print(f"{name:<24} {len(verdicts) - len(failed)} of {len(verdicts)} checks passed", flush=True)
    for verdict in failed:
        check = verdict.check
        print(f"  {check.name}: {check.does}; expected {check.expects}.\n    {verdict.refutation}", flush=True)
    return not failed
