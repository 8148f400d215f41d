"""Places from which releases are read."""

from importlib import import_module

from agentpack.model.manifest import ConfiguredSource
from agentpack.model.source_kinds import SOURCE_KINDS
from agentpack.sources.base import Source


def open_source(source: ConfiguredSource, folder: str) -> Source:
    """Open a source of a manifest.

    Args:
        folder: the absolute folder of the manifest, to which a relative place belongs.
    """
    opened: Source = import_module(f"agentpack.sources.{SOURCE_KINDS[source.kind].module}").open_source(source, folder)
    return opened
