"""The orbiting 3D view."""
