"""An edited agent file -> a variant that says the edit, a patch for its author, or a pack made of it."""
