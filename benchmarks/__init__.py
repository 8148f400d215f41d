"""How fast agentpack is, against what the same work costs in bare Python. `python -m benchmarks --help`; the rows are explained in
`docs/reference/performance.md`."""
