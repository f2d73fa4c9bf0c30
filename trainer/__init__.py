"""Training, measuring and running of PoseApp's models. Never imports the application."""
