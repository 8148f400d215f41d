"""The kinds of sources, a row each. The key of its place in `agentpack.yaml` names the kind: `path: ../packs`."""

from collections.abc import Mapping
from typing import NamedTuple


class SourceKind(NamedTuple):
    """A kind of source: its module in `sources/`, which has `open_source(source, folder, remote)`."""

    module: str
    options: tuple[str, ...] = ()
    """Further keys that a source of this kind may have, each a text."""


SOURCE_KINDS: Mapping[str, SourceKind] = {
    "path": SourceKind("directory"),
}
