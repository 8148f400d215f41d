"""What should be installed: choose releases and clients, and render every file."""
