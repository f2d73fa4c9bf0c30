"""Word and sentence vectors."""
