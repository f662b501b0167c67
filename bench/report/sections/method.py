"""Method in short: the text of its template."""

from bench.report.sections._section import Section

SECTION = Section("Method in short", "Method", 120)
