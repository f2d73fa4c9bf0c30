"""Figures of speed, printed as one table by `python -m benchmarks`."""
