"""The packs that come with agentpack: in the wheel beside this package, in a checkout in its `packs/` folder."""

import os

from agentpack.model.pack import ReleaseRef
from agentpack.sources.directory import DirectorySource

NAME = "bundled"
VALIDATED = ".validated"
RELEASED = "released.json"


class BundledSource(DirectorySource):
    """The bundled packs. Release times are in a file beside them: files from a wheel have no times."""

    def released(self, ref: ReleaseRef) -> int | None:
        import json  # only where a policy has a minimum age

        from agentpack.model.dates import seconds

        try:
            with open(f"{self.folder}/{RELEASED}", encoding="utf-8") as file:
                return seconds(json.load(file)[ref.pack][str(ref.version)])
        except (FileNotFoundError, KeyError, TypeError, ValueError):
            return None


def bundled_folder() -> str | None:
    """The folder of bundled packs; None if this installation has none."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    checkout = os.path.dirname(os.path.dirname(package))
    for folder in (f"{package}/_packs", f"{checkout}/packs"):
        if os.path.isdir(folder):
            return folder
    return None


def validated_folder() -> str | None:
    """Where the checked form of the bundled packs would be (`store/validated.py`): only wheels have it. None without
    bundled packs.
    """
    folder = bundled_folder()
    return None if folder is None else f"{folder}/{VALIDATED}"


def bundled_source() -> BundledSource | None:
    """The source named `bundled`; None without bundled packs."""
    folder = bundled_folder()
    return None if folder is None else BundledSource(NAME, folder)
