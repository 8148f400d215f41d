"""The version, as text."""

import os

from agentpack import __version__


def version_text() -> str:
    """Name, version and installation path: `agentpack` on the Python index is another project."""
    place = os.path.dirname(os.path.abspath(__file__))
    return f"agentpack {__version__} (distribution agentpack-manager)\nrunning from {place}\n"
