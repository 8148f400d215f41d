"""The kinds of sources, a row each. The key of its place in `agentpack.yaml` names the kind: `path: ../packs`."""

from collections.abc import Callable, Mapping
from typing import NamedTuple


def _any(_: str) -> None:
    """Take any text: whether there is such a place shows when it is opened."""


def _git_address(text: str) -> None:
    from agentpack.model.git_places import git_address  # only for a manifest that names a repository

    git_address(text)


def _ref(text: str) -> None:
    from agentpack.model.git_places import check_ref

    check_ref(text)


def _subdirectory(text: str) -> None:
    from agentpack.model.git_places import check_subdirectory

    check_subdirectory(text)


def _archive_place(text: str) -> None:
    from agentpack.model.web_addresses import check_archive_place

    check_archive_place(text)


def _digest(text: str) -> None:
    from agentpack.model.web_addresses import check_digest

    check_digest(text)


def _always(_: str) -> bool:
    return True


def _never(_: str) -> bool:
    return False


def _no_address(text: str) -> bool:
    from agentpack.model.web_addresses import is_web_address

    return not is_web_address(text)


Check = Callable[[str], None]
"""Raises UsageError for a text that the key cannot have."""


class SourceKind(NamedTuple):
    """A kind of source: its module in `sources/`, which has `open_source(source, folder, remote)`."""

    module: str
    check: Check = _any
    """Checks the place."""
    options: Mapping[str, Check] = {}
    """Further keys that a source of this kind may have, each a text."""
    is_path: Callable[[str], bool] = _never
    """Whether a place is a path on this machine; a relative one starts at the folder of the manifest."""


SOURCE_KINDS: Mapping[str, SourceKind] = {
    "path": SourceKind("directory", is_path=_always),
    "git": SourceKind("git", _git_address, {"ref": _ref, "subdirectory": _subdirectory}),
    "archive": SourceKind("archive_at", _archive_place, {"sha256": _digest}, _no_address),
}
