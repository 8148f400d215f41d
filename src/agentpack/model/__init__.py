"""Frozen values that parse, compare and print themselves. Nothing here reads or writes a file."""
