"""Poses, skeletons and documents: Python, NumPy and OpenCV only."""
