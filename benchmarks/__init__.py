"""Figures of speed, printed by one command: `python -m benchmarks`."""
