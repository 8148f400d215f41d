"""The capabilities of an agent file, read as its client reads it."""
