"""Packs with `pack.yaml` in the files of an archive or a commit, at whatever depth.

The folder of a manifest is the root of a pack, and what is below it is that pack's. Several roots may have releases of
one pack, side by side.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from packaging.version import InvalidVersion, Version

from agentpack.errors import Fault, InvalidFile, Refused, UsageError
from agentpack.input.file_names import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES, NOT_CONTENT, FileNames, UnsafePath, shown
from agentpack.model.names import MAX_VERSION, NO_VERSION, PackName, is_junk, pack_name
from agentpack.sources.collection import Tree
from agentpack.sources.pack_manifest import MANIFEST, MAX_MANIFEST_BYTES, manifest_line


class PackTree(Tree, Protocol):
    """The files of a place that may hold packs."""

    @property
    def links(self) -> Sequence[str]:
        """Paths that no pack may have: links, and names that are not UTF-8."""
        ...


class PackRoot(NamedTuple):
    """A pack in a tree: its folder there (empty for the whole), name and version."""

    root: str
    name: PackName
    version: str
    """As the manifest has it, not checked."""


def pack_roots(tree: Tree) -> tuple[PackRoot, ...]:
    """Every pack with `pack.yaml` in a tree, by path. One whose manifest has no proper name is passed over."""
    roots = sorted(path.removesuffix(MANIFEST).rstrip("/") for path in tree.paths if _is_manifest(path))
    found: list[PackRoot] = []
    for root in roots:
        if any(not other.root or root.startswith(f"{other.root}/") for other in found):
            continue  # content of that pack
        start = tree.start(f"{root}/{MANIFEST}" if root else MANIFEST, MAX_MANIFEST_BYTES)
        try:
            name = pack_name(manifest_line(start, "name") or "")
        except UsageError:
            continue
        found.append(PackRoot(root, name, manifest_line(start, "version") or ""))
    return tuple(found)


def _is_manifest(path: str) -> bool:
    *folders, name = path.split("/")
    return name == MANIFEST and NOT_CONTENT.isdisjoint(folders) and not any(part.startswith(".") for part in folders)


def releases_in(tree: Tree, roots: tuple[PackRoot, ...], pack: PackName, where: str) -> Mapping[Version, str]:
    """The folder of each release of a pack.

    Args:
        where: the place, for error messages.

    Raises:
        InvalidFile: a manifest has no proper version.
        Refused: two folders have one release.
    """
    found: dict[Version, str] = {}
    for root in roots:
        if root.name != pack:
            continue
        file = f"{where}: {shown(root.root)}/{MANIFEST}" if root.root else f"{where}: {MANIFEST}"
        try:
            version = Version(root.version) if len(root.version) <= MAX_VERSION else None
        except InvalidVersion:
            version = None
        if version is None:
            told = f"`{root.version}` is {NO_VERSION}" if root.version else "there is no line such as `version: 1.2.0`"
            raise InvalidFile([Fault(file, 0, "version", told)])
        if version in found:
            raise Refused(
                f"{pack} {version} exists twice in {where}",
                details=[f"in {shown(found[version] or '.')}", f"in {shown(root.root or '.')}"],
                hint="keep only one folder for each release",
            )
        found[version] = root.root
    return found


def pack_files(tree: PackTree, root: str, where: str) -> Mapping[str, bytes]:
    """The files of the pack in a folder of a tree, by POSIX path relative to that folder; without junk and version
    control. `where` names the place in errors.

    Raises:
        Refused: a link, or more than a pack may contain.
        UnsafePath: a name that no pack may contain.
    """
    prefix = f"{root}/" if root else ""
    files: dict[str, bytes] = {}
    names, total = FileNames(), 0
    if link := next((path for path in tree.links if path.startswith(prefix)), None):
        message = f"{where}: `{shown(link)}` is a link, or its name is not UTF-8"
        raise Refused(message, hint="a pack may contain only regular files")
    for path in tree.paths:
        inner = path.removeprefix(prefix)
        if not path.startswith(prefix) or is_junk(path.rpartition("/")[2]):
            continue
        if not NOT_CONTENT.isdisjoint(inner.split("/")[:-1]):
            continue
        if fault := names.add(inner):
            raise UnsafePath(
                f"{where}: `{shown(inner)}`: {fault}", hint="rename the file, so that the pack works on every system"
            )
        data = tree.start(path, MAX_FILE_BYTES + 1)
        total += len(data)
        if len(data) > MAX_FILE_BYTES or len(files) >= MAX_FILES or total > MAX_BYTES:
            most = f"{MAX_FILES} files, {MAX_BYTES // 1024 // 1024} MiB or {MAX_FILE_BYTES // 1024 // 1024} MiB in one"
            raise Refused(f"{where}: the pack in `{shown(root or '.')}` has more than {most}")
        files[inner] = data
    return files
