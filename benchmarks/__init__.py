"""How fast agentpack is, against what the same work costs in bare Python.

`python -m benchmarks --help` shows how to run it; the rows are explained in `docs/reference/performance.md`.
"""
