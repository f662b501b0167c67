"""Judging one trial."""
