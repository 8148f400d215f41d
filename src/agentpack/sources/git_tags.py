"""Decide which tags of a repository are releases, and of which pack.

They are `<pack>--v1.2.0` (what `claude plugin tag` makes), `<pack>-v1.2.0`, `<pack>/1.2.0`, and `v1.2.0`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from packaging.version import InvalidVersion, Version

from agentpack.errors import Fault, InvalidFile, Unresolvable, UsageError
from agentpack.model.names import MAX_VERSION, PackName, did_you_mean, first_few, pack_name
from agentpack.model.pack import ReleaseRef

if TYPE_CHECKING:
    from agentpack.remote.git_references import References, Tag

_FEW = 12
"""Branches and tags that are listed."""


def tagged(references: "References") -> "Mapping[PackName | None, Mapping[Version, tuple[str, Tag]]]":
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


def release_in(ref: str) -> Version | None:
    """The version that a `ref:` names as a tag; None for a branch or a commit."""
    found = read_tag(ref.removeprefix("refs/tags/"))
    return found[1] if found else None


def no_such_ref(references: "References", ref: str, address: str) -> Unresolvable:
    """The error for a `ref:` that is no branch, tag or commit of the repository at an address."""
    known = (*references.branches, *sorted(references.tags, reverse=True))
    hint = did_you_mean(ref, known) or "name one of these after `@`, or as `ref:` in agentpack.yaml"
    if re.fullmatch(r"[0-9a-f]{7,63}", ref):
        hint = "write a commit in full, with 40 digits"
    if ref == "latest":
        hint = "leave out `@latest` to get the newest release"
    there = f"it has {first_few(known, _FEW)}"
    return Unresolvable(f"{address} has no branch or tag `{ref}`", details=[there], hint=hint)


def mistagged(release: ReleaseRef, there: Version, address: str) -> InvalidFile:
    """The error for a tag whose number is not the version in its pack.yaml."""
    told = Fault(address, 0, "", f"the tag `{release.tag}` holds version {there} of {release.pack}")
    way = f"`{release.pack}!={release.version}` in agentpack.yaml passes it over"
    return InvalidFile([told], hint=f"its author deletes the tag, or raises `version:` and moves it; {way}")


def without_tag(newest: ReleaseRef, versions: Iterable[str], address: str) -> str:
    """A sentence on the versions of a pack on the default branch, if one is newer than the newest tag."""
    found = (version for text in versions if (version := _version_of(text)) is not None)
    final = max((version for version in found if not version.is_prerelease), default=newest.version)
    if final <= newest.version:
        return ""
    branch = f"the default branch of {address} has {newest.pack} {final}, newer than its last tag `{newest.tag}`"
    return f"{branch}; only tags are releases"


def _version_of(text: str) -> Version | None:
    try:
        return Version(text) if text[:1].isdigit() and len(text) <= MAX_VERSION else None
    except InvalidVersion:
        return None
