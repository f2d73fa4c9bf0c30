"""Trained models behind NumPy interfaces."""
