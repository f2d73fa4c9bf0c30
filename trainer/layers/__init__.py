"""Blocks that two or more models use unchanged."""
