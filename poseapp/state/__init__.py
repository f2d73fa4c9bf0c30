"""The open document, its undo stack and the settings (QtCore and QtGui only)."""
