"""What a place without `pack.yaml` offers: packs of agent files, in the layouts that people publish them in.

A marketplace has a pack for each plugin with agents, and one for agents that no plugin has. Any other place is one
pack. Decides which files are agents, and the name and version of each pack; what an agent file says is left to
`bare.py`, and choosing some of them to `wanted/`.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import basename, dirname, normpath
from typing import Any, NamedTuple, Protocol

from packaging.version import InvalidVersion, Version

from agentpack.errors import Fault, InvalidFile, UsageError
from agentpack.input.file_names import shown
from agentpack.model.json_text import read_json
from agentpack.model.line_ends import MARK
from agentpack.model.names import MAX_VERSION, Digest, PackName, kebab, pack_name

MARKETPLACES = tuple(
    f"{folder}/marketplace.json" for folder in (".claude-plugin", ".github/plugin", ".agents/plugins", ".cursor-plugin")
)
PLUGINS = (".claude-plugin/plugin.json", ".github/plugin/plugin.json", ".cursor-plugin/plugin.json", "plugin.json")
APM = "apm.yml"
NO_RELEASE = "0.0.0"
"""The version of agents for which no manifest has one; a digest of their texts follows."""
AGENTS = "agents"
"""The name of the folders whose Markdown files are agents."""
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""Bytes of a marketplace's or a plugin's manifest."""
MAX_HEAD_BYTES = 64 * 1024
"""Bytes at the start of a file in which its header is looked for."""
_NO_AGENTS = frozenset(("skills", "commands", "hooks", "node_modules"))
"""Folders with Markdown files that have a header and are no agents."""


class Tree(Protocol):
    """The files of a place."""

    @property
    def paths(self) -> Sequence[str]:
        """Every regular file by POSIX path, sorted."""
        ...

    @property
    def outside(self) -> Sequence[str]:
        """Links that lead out of the place, once `paths` is known."""
        ...

    def start(self, path: str, count: int) -> bytes:
        """The first bytes of a file; empty if it cannot be read."""
        ...


class CollectionPack(NamedTuple):
    """A pack in a collection. Paths of agents are relative to `root`, a folder of the place (empty for the whole)."""

    name: PackName
    root: str
    agents: tuple[str, ...]
    version: str = ""
    """As its manifest has it; empty if none has."""
    description: str = ""
    license: str = ""
    beside: str = ""
    """What a plugin has besides agents, in words: `hooks, 4 commands and 1 skill`."""
    unread: tuple[str, ...] = ()
    """Files that are left out before they are read, a sentence each."""


class Collection(NamedTuple):
    """What a place offers, and what of it cannot be read, a sentence each."""

    packs: tuple[CollectionPack, ...] = ()
    unread: tuple[str, ...] = ()

    def pack(self, name: str) -> CollectionPack | None:
        return next((pack for pack in self.packs if pack.name == name), None)


def collection(tree: Tree, name: str) -> Collection:
    """The packs of a place.

    Args:
        name: the name of the place, for a pack that no manifest names.

    Raises:
        InvalidFile: a manifest cannot be read.
    """
    files = _Files(tree)
    outside = tuple(
        f"`{shown(path)}` is left out: it is a link that leads out of the place"
        for path in tree.outside
        if path.endswith(".md") or basename(path) == AGENTS
    )
    marketplace = next((path for path in MARKETPLACES if path in files), None)
    found = Collection()
    if marketplace is not None:
        try:
            found = _of_marketplace(files, marketplace)
        except InvalidFile as error:
            found = Collection(unread=(f"{error.faults[0]}: it is passed over",))
    unread = (*found.unread, *outside)
    if not found.packs:
        only = _pack(files, "", name)
        return Collection((only._replace(unread=outside),) if only.agents else (), unread)
    return Collection((*found.packs, *_rest(files, name, found.packs)), unread)


class _Files:
    """The paths of a place, to be asked for those below a folder."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self._paths = tree.paths
        self._all = frozenset(self._paths)

    def __contains__(self, path: object) -> bool:
        return path in self._all

    def below(self, folder: str) -> Sequence[str]:
        """The files below a folder, relative to it."""
        if not folder:
            return self._paths
        first = bisect_left(self._paths, f"{folder}/")
        last = bisect_left(self._paths, f"{folder}0")  # the sign after the slash
        return [path[len(folder) + 1 :] for path in self._paths[first:last]]

    def data(self, path: str) -> Mapping[str, Any]:
        """The map in a manifest."""
        content = self.tree.start(path, MAX_MANIFEST_BYTES + 1)
        if path.endswith(APM):
            from agentpack.input.documents import decode, read_yaml  # YAML is loaded only for such a place

            value: Any = read_yaml(decode(content, path), path).data
        else:
            try:
                value = read_json(content.removeprefix(MARK), max_bytes=MAX_MANIFEST_BYTES)
            except ValueError as error:
                raise InvalidFile([Fault(path, getattr(error, "lineno", 0), "", f"not JSON: {error}")]) from None
        if not isinstance(value, dict):
            raise InvalidFile([Fault(path, 0, "", "not a map")])
        return value


def _of_marketplace(files: _Files, path: str) -> Collection:
    data = files.data(path)
    entries = data.get("plugins")
    if not isinstance(entries, list):
        raise InvalidFile([Fault(path, 0, "plugins", "no list of plugins")])
    metadata = data.get("metadata")
    base = _text(metadata.get("pluginRoot")) if isinstance(metadata, dict) else ""
    packs: dict[PackName, CollectionPack] = {}
    unread: list[str] = []
    for entry in entries:
        name = _text(entry.get("name")) if isinstance(entry, dict) else ""
        try:
            root = _folder(_relative(entry, base))
            pack = _pack(files, root, pack_name(kebab(name)), entry)
        except (ValueError, UsageError) as error:
            unread.append(f"plugin `{shown(name)}` is left out: {error}")
            continue
        except InvalidFile as error:
            unread.append(f"plugin `{shown(name)}` is left out: {error.faults[0]}")
            continue
        if pack.name in packs:
            unread.append(f"plugin `{shown(name)}` is left out: another one has the name `{pack.name}`")
        elif pack.agents:
            packs[pack.name] = pack
    return Collection(tuple(packs.values()), tuple(unread))


def _rest(files: _Files, name: str, packs: Sequence[CollectionPack]) -> Iterator[CollectionPack]:
    """A pack of the agents in a marketplace that no plugin has and that are in no plugin's folder."""
    roots = tuple(f"{pack.root}/" for pack in packs if pack.root)
    taken = {f"{pack.root}/{path}".removeprefix("/") for pack in packs for path in pack.agents}
    below = [path for path in files.below("") if path not in taken and not path.startswith(roots) and _in_agents(path)]
    agents = tuple(_agents(files.tree, "", below, None))
    own = pack_name(kebab(name) or AGENTS)
    if agents and all(pack.name != own for pack in packs):
        yield CollectionPack(own, "", agents)


def _in_agents(path: str) -> bool:
    """Whether a file is an agent by its folder."""
    return AGENTS in dirname(path).split("/") and is_agent_file(path)


def _relative(entry: Mapping[str, Any], base: str) -> str:
    """The folder of a plugin below the place, as its entry says it. Raises ValueError for any other source."""
    source = entry.get("source", ".")
    if isinstance(source, dict):
        where = next((_text(source[key]) for key in ("repo", "url", "package", "path") if source.get(key)), "")
        raise ValueError(f"it is elsewhere ({shown(where)}), and plugins from other places are not read yet")
    if not isinstance(source, str):
        raise ValueError("its `source` is not text")
    return source if source.startswith(("./", "../")) or not base else f"{base}/{source}"


def _folder(text: str) -> str:
    """A path of a manifest as one below the place. Raises ValueError if it leads out."""
    found = normpath(text.replace("\\", "/"))
    if found.startswith(("/", "..")) or ":" in found.partition("/")[0]:
        raise ValueError(f"`{shown(text)}` leads out of the place")
    return "" if found == "." else found


def _pack(files: _Files, root: str, name: str, entry: Mapping[str, Any] | None = None) -> CollectionPack:
    """The pack in a folder of the place.

    Args:
        name: its name if no manifest has one.
        entry: the plugin's entry in a marketplace, which takes the place of its own manifest where both say a thing.
    """
    prefix = f"{root}/" if root else ""
    manifest = next((prefix + path for path in (*PLUGINS, APM) if prefix + path in files), None)
    own = files.data(manifest) if manifest else {}
    said = {**own, **{key: value for key, value in (entry or {}).items() if value not in (None, "")}}
    below = files.below(root)
    if entry is None and manifest is not None:
        name = _text(said.get("name")) or name
    license = said.get("license")
    return CollectionPack(
        pack_name(kebab(name) or "agents"),
        root,
        tuple(_agents(files.tree, prefix, below, said.get("agents"))),
        _text(said.get("version")),
        _text(said.get("description")),
        _text(license),
        _beside(below, said) if said else "",
    )


def _agents(tree: Tree, prefix: str, below: Sequence[str], named: Any) -> Iterator[str]:
    """The agent files of a pack, by path below its root."""
    if named:
        asked = [_folder(text) for text in ([named] if isinstance(named, str) else named) if isinstance(text, str)]
        found: Iterable[str] = (
            path for path in below if any(path == one or not one or path.startswith(f"{one}/") for one in asked)
        )
        yield from (path for path in found if is_agent_file(path) and _header(tree, prefix + path) is not None)
        return
    in_folders = [path for path in below if _in_agents(path)]
    if in_folders:
        yield from (path for path in in_folders if _header(tree, prefix + path) is not None)
        return
    for path in below:
        if is_agent_file(path) and basename(path) != "SKILL.md" and _NO_AGENTS.isdisjoint(dirname(path).split("/")):
            lines = (_header(tree, prefix + path) or "").splitlines()
            if all(any(line.startswith(f"{key}:") for line in lines) for key in ("name", "description")):
                yield path


def is_agent_file(path: str) -> bool:
    """Whether a file may be an agent by its path: Markdown, or what Codex reads in its own folder."""
    return path.endswith(".md") or (path.endswith(".toml") and "/.codex/agents/" in f"/{path}")


def _header(tree: Tree, path: str) -> str | None:
    """The start of a file with a header; None for a document without one."""
    head = tree.start(path, MAX_HEAD_BYTES).removeprefix(MARK)
    return head.decode("utf-8", "replace") if head.startswith(b"---") or path.endswith(".toml") else None


def _beside(below: Sequence[str], said: Mapping[str, Any]) -> str:
    """What a plugin has besides agents, in words."""
    hooks = said.get("hooks") or any(path.startswith("hooks/") for path in below)
    servers = said.get("mcpServers") or ".mcp.json" in below
    commands = sum(path.startswith("commands/") and path.endswith(".md") for path in below)
    skills = sum(path.endswith("/SKILL.md") for path in below)
    found = [
        *(["hooks"] if hooks else []),
        *(["MCP servers"] if servers else []),
        *([f"{commands} command{'s' if commands != 1 else ''}"] if commands else []),
        *([f"{skills} skill{'s' if skills != 1 else ''}"] if skills else []),
    ]
    return found[0] if len(found) == 1 else " and ".join(filter(None, (", ".join(found[:-1]), *found[-1:])))


def telling_name(place: str) -> str:
    """The last part of an absolute path that says whose agents there are: for `.claude/agents` and the like that of the
    folder around.
    """
    parts = place.split("/")
    if len(parts) > 3 and parts[-1] == AGENTS and parts[-2].startswith("."):
        del parts[-1]
    while len(parts) > 2 and parts[-1].startswith("."):
        del parts[-1]
    return parts[-1]


def state_version(pack: CollectionPack, digest: Digest) -> Version:
    """The version of a state of a pack: its manifest's, else one that names the digest of its agent files."""
    try:
        return Version(pack.version[:MAX_VERSION])
    except InvalidVersion:
        return Version(f"{NO_RELEASE}+h{digest.removeprefix('sha256:')[:12]}")


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
