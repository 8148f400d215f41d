"""What is there: a scope with its documents, history, clients and policies, opened once for each command."""
