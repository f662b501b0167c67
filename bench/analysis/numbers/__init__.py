"""Arithmetic on numbers: quantiles, intervals, tests. It knows no run."""
