"""Reach other machines, and cache what came from them. Loaded only for a source that needs it."""
