"""Read the files of one commit of a repository on another machine.

Contents are fetched when they are first read, together with those of all files that are likely to be read as well.
"""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from posixpath import dirname, join, normpath

from agentpack.errors import Refused
from agentpack.input.file_names import MAX_FILE_BYTES, shown
from agentpack.model.names import is_junk
from agentpack.remote.git import Mirror, TreeEntry
from agentpack.sources.collection import AGENTS, APM, MARKETPLACES, PLUGINS, is_agent_file
from agentpack.sources.pack_manifest import MANIFEST
from agentpack.sources.trees import MAX_ENTRIES

_LINK = "120000"
_MAX_LINK_BYTES = 4096
_MANIFESTS = frozenset(path.rpartition("/")[2] for path in (*MARKETPLACES, *PLUGINS, APM, MANIFEST))


class GitTree:
    """The files below a folder of a commit. A link counts where it leads to a file of the same folder."""

    def __init__(
        self, mirror: Mirror, commit: str, subdirectory: str, known: MutableMapping[str, bytes | None]
    ) -> None:
        """`known` has the contents that were read, by object name; None for a file that is too large."""
        self._mirror = mirror
        self._known = known
        self._unforeseen = 0
        prefix = f"{subdirectory}/" if subdirectory else ""
        found = mirror.files(commit, subdirectory, MAX_ENTRIES + 1)
        if len(found) > MAX_ENTRIES:
            raise Refused(
                f"{mirror.address} has more than {MAX_ENTRIES:,} files",
                hint="choose a folder of it with `subdirectory:`",
            )
        entries = [entry._replace(path=entry.path[len(prefix) :]) for entry in found]
        strange = [entry.path for entry in entries if not _is_utf8(entry.path)]
        self._links = {entry.path: entry for entry in entries if entry.mode == _LINK}
        self.links: Sequence[str] = (*strange, *self._links)
        self._objects = {
            entry.path: entry.object
            for entry in entries
            if entry.mode != _LINK and not is_junk(entry.path.rpartition("/")[2]) and _is_utf8(entry.path)
        }
        self.outside: Sequence[str] = ()
        self._follow_links([entry for path, entry in self._links.items() if path.endswith(".md") and _is_utf8(path)])
        self.paths: Sequence[str] = sorted(self._objects)

    def _follow_links(self, links: Sequence[TreeEntry]) -> None:
        self.load(entry.object for entry in links)
        for entry in links:
            data = self._known.get(entry.object) or b""
            text = data.decode("utf-8", "replace") if len(data) <= _MAX_LINK_BYTES else "/"
            target = normpath(join(dirname(entry.path), text))
            if not text.startswith("/") and target in self._objects:
                self._objects[entry.path] = self._objects[target]
            else:
                self.outside = (*self.outside, entry.path)

    def load(self, objects: Iterable[str]) -> None:
        """Read contents that are not known yet, at once."""
        if unknown := [name for name in dict.fromkeys(objects) if name not in self._known]:
            self._known.update({**dict.fromkeys(unknown), **self._mirror.contents(unknown)})

    @property
    def telling(self) -> list[str]:
        """The objects of the files that decide what the place offers: manifests, agents, and all files of packs with
        `pack.yaml`.
        """
        roots = [dirname(path) for path in self.paths if path.rpartition("/")[2] == MANIFEST]
        if "" in roots:
            return [*self._objects.values()]
        below = tuple(f"{root}/" for root in roots)
        agents = [path for path in self.paths if is_agent_file(path)]
        agents = [path for path in agents if AGENTS in dirname(path).split("/")] or agents
        manifests = [path for path in self.paths if path.rpartition("/")[2] in _MANIFESTS]
        packs = [path for path in self.paths if below and path.startswith(below)]
        return [self._objects[path] for path in dict.fromkeys((*manifests, *packs, *([] if packs else agents)))]

    def start(self, path: str, count: int) -> bytes:
        """The first bytes of a file. One that is larger than a file may be is empty; Refused if all of it is wanted."""
        name = self._objects[path]
        if name not in self._known:
            self.load(self.telling if name in self.telling else self._with_others(name))
        data = self._known[name]
        if data is None and count > MAX_FILE_BYTES:
            most = f"{MAX_FILE_BYTES // 1024 // 1024} MiB"
            raise Refused(f"{self._mirror.address}: `{shown(path)}` is larger than {most}")
        return (data or b"")[:count]

    def _with_others(self, name: str) -> list[str]:
        """An unforeseen object with others like it, more at each call, so that many of them need only a few fetches."""
        others = (self._objects[path] for path in self.paths if is_agent_file(path))
        unknown = [other for other in dict.fromkeys(others) if other not in self._known and other != name]
        self._unforeseen = 4 * self._unforeseen + 1
        return [name, *unknown[: self._unforeseen - 1]]

    def contents(self, root: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        """The contents of these files by path below `root`, a folder of the place. Raises Refused for a large one."""
        prefix = f"{root}/" if root else ""
        self.load(self._objects[prefix + path] for path in paths)
        return {path: self.start(prefix + path, MAX_FILE_BYTES + 1) for path in paths}


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True
