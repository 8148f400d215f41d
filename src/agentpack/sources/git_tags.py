"""Decide which tags of a repository are releases, and of which pack.

They are `<pack>--v1.2.0` (what `claude plugin tag` makes), `<pack>-v1.2.0`, `<pack>/1.2.0`, and `v1.2.0`.
"""

from collections.abc import Mapping

from packaging.version import InvalidVersion, Version

from agentpack.errors import UsageError
from agentpack.model.names import MAX_VERSION, PackName, pack_name
from agentpack.remote.git_references import References, Tag


def tagged(references: References) -> Mapping[PackName | None, Mapping[Version, tuple[str, Tag]]]:
    """The tagged releases of each pack, newest first; under None those of plain tags."""
    found: dict[PackName | None, dict[Version, tuple[str, Tag]]] = {}
    for name, tag in references.tags.items():
        read = read_tag(name)
        if read is not None:
            pack, version = read
            found.setdefault(pack, {}).setdefault(version, (name, tag))
    return {pack: dict(sorted(tags.items(), reverse=True)) for pack, tags in found.items()}


def read_tag(name: str) -> tuple[PackName | None, Version] | None:
    """The pack and version that a tag names; None for any other tag. The pack is None for `v1.2.0`."""
    for sign in ("--v", "-v", "/"):
        before, found, after = name.rpartition(sign)
        if found and (version := _version_of(after)) is not None:
            try:
                return pack_name(before), version
            except UsageError:
                return None
    version = _version_of(name[1:]) if name.startswith("v") else None
    return None if version is None else (None, version)


def _version_of(text: str) -> Version | None:
    try:
        return Version(text) if text[:1].isdigit() and len(text) <= MAX_VERSION else None
    except InvalidVersion:
        return None
