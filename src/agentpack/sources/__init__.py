"""Places from which releases are read."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from agentpack.model.manifest import ConfiguredSource
from agentpack.model.source_kinds import SOURCE_KINDS
from agentpack.sources.base import Source

if TYPE_CHECKING:
    from agentpack.model.git_places import GitPlace
    from agentpack.remote.access import Remote


def open_source(source: ConfiguredSource, folder: str, remote: "Callable[[], Remote]") -> Source:
    """Open a source of a manifest.

    Args:
        folder: the absolute folder of the manifest, to which a relative place belongs.
        remote: how a source on another machine is reached; called for such a source only.
    """
    module = import_module(f"agentpack.sources.{SOURCE_KINDS[source.kind].module}")
    opened: Source = module.open_source(source, folder, remote)
    return opened


def open_plugin(name: str, place: "GitPlace", remote: "Callable[[], Remote]") -> Source:
    """Open the repository of a plugin that a marketplace has elsewhere. `name` is that of the marketplace's source."""
    opened: Source = import_module("agentpack.sources.git").GitSource(name, place, remote, any_branch=True)
    return opened
