"""The figures, except those that stand beside a workload or a fault."""

from bench.report.sections._section import Section

SECTION = Section("Figures", "Figures", 40, lambda sources: sources.figures)
