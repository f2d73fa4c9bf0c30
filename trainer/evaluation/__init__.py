"""Tables of measured quality, one module a task."""
