"""One module for each command, which connects the steps: read the state (`workspace/`), compute what is wanted
(`wanted/`), and change the scope (`changes/`).
"""
