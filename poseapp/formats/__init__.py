"""One file a format, and the registry that opens and saves them."""
