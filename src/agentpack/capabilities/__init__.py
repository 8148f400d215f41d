"""What an agent file lets its agent do, read as its client reads it."""
