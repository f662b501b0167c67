"""The figures, except those of the sections on workloads and faults."""

from bench.report.sections._section import Section

SECTION = Section("Figures", "Figures", 40, lambda sources: sources.figures)
