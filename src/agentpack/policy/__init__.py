"""Policies: what they say, and what they refuse."""
