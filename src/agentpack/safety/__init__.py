"""What is refused, and how text that strangers wrote is let in."""
