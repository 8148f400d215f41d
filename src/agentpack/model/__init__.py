"""Frozen values that can be parsed, compared and printed. Nothing here reads or writes a file."""
