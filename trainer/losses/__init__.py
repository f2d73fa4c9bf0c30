"""Losses that recipes share."""
