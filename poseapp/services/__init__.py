"""The child process that holds the models, and what runs in it."""
