"""Judging a run, or two."""
