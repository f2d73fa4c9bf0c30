"""PoseApp: draw, pose, lift and export human poses."""

__version__ = "0.1.0"
