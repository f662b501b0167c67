"""The sections of the report as plain data: what was claimed, decided, predicted, left out, doubted, and where."""

from bench.report.sections.answer import opening
from bench.report.sections.claimed import table as claimed
from bench.report.sections.classics import classics
from bench.report.sections.decision import decision
from bench.report.sections.faults import faults
from bench.report.sections.laws import Calibrated, about_laws, calibrated, calibration, predictions, readings
from bench.report.sections.numbers import tables, too_few
from bench.report.sections.trust import outcomes, trust
from bench.report.sections.workloads import workloads

__all__ = [
    "Calibrated", "about_laws", "calibrated", "calibration", "claimed", "classics", "decision", "faults", "opening",
    "outcomes", "predictions", "readings", "tables", "too_few", "trust", "workloads",
]  # fmt: skip
