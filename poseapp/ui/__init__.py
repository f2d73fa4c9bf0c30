"""The window: docks, canvas, viewport, panels and dialogs."""
