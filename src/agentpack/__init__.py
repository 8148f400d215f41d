"""agentpack: versions, variants, upgrades and rollback for the personas of AI coding agents."""

__version__ = "0.2.0"
