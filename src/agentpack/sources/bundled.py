"""The packs that come with agentpack: in the wheel beside this package, in a checkout in its `packs/` folder."""

import os

from agentpack.sources.directory import DirectorySource

NAME = "bundled"
VALIDATED = ".validated"


def bundled_folder() -> str | None:
    """The folder of bundled packs, or None when this installation has none."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    checkout = os.path.dirname(os.path.dirname(package))
    for folder in (f"{package}/_packs", f"{checkout}/packs"):
        if os.path.isdir(folder):
            return folder
    return None


def validated_folder() -> str | None:
    """The folder of what the bundled packs became when they were checked (`store/validated.py`): wheels have one."""
    folder = bundled_folder()
    return None if folder is None else f"{folder}/{VALIDATED}"


def bundled_source() -> DirectorySource | None:
    """The source named `bundled`."""
    folder = bundled_folder()
    return None if folder is None else DirectorySource(NAME, folder)
