"""The work of the commands, one module for each.

It reads the state (`workspace/`), computes what is wanted (`wanted/`), and changes the scope (`changes/`).
"""
