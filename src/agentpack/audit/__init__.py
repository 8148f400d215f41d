"""Everything `agentpack audit` looks for: suspicious text, and installed files that do not agree with lock or store."""
