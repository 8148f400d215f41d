"""What needs judgement in texts, and what does not agree: everything that `agentpack audit` looks for."""
