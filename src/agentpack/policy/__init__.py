"""What policies say, and what they refuse."""
