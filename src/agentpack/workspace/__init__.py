"""An opened scope: its documents, history, clients, sources and policies."""
