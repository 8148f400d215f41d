"""agentpack: versions, variants, upgrades and rollback for the personas of AI coding agents."""

__version__ = "0.2.0"
__repository__ = "https://github.com/OWNER/agentpack"
"""Where agentpack itself is published. Everything that names an address of it agrees with this one, as a test holds."""
