"""The version, in words."""

import os

from agentpack import __version__


def version_text() -> str:
    """Name, version and place: `agentpack` on the Python index is somebody else's."""
    place = os.path.dirname(os.path.abspath(__file__))
    return f"agentpack {__version__} (distribution agentpack-manager)\nrunning from {place}\n"
