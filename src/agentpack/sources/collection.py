"""What a place without `pack.yaml` offers: packs of agent files, in the layouts that people publish them in.

A marketplace has a pack for each plugin with agents, and one for agents that no plugin has. Any other place is one
pack. Decides which files are agents, and the name and version of each pack; what an agent file says is left to
`bare.py`, and choosing some of them to `wanted/`.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from posixpath import basename, dirname, normpath
from typing import Any, NamedTuple, Protocol

from packaging.version import InvalidVersion, Version

from agentpack.errors import Fault, InvalidFile, Refused, UsageError
from agentpack.input.file_names import FileNames, shown
from agentpack.model.git_places import GitPlace, check_ref, check_subdirectory, git_address
from agentpack.model.json_text import read_json
from agentpack.model.line_ends import MARK
from agentpack.model.names import MAX_VERSION, Digest, PackName, kebab, pack_name
from agentpack.model.pack import digest_version
from agentpack.sources.agent_headers import MAX_HEAD_BYTES, MAX_SIGNS, HeaderStart, header_in

MARKETPLACES = tuple(
    f"{folder}/marketplace.json" for folder in (".claude-plugin", ".github/plugin", ".agents/plugins", ".cursor-plugin")
)
PLUGINS = (".claude-plugin/plugin.json", ".github/plugin/plugin.json", ".cursor-plugin/plugin.json", "plugin.json")
APM = "apm.yml"
AGENTS = "agents"
"""The name of the folders whose Markdown files are agents."""
MAX_MANIFEST_BYTES = 4 * 1024 * 1024
"""Bytes of a marketplace's or a plugin's manifest."""
MAX_LISTED = 1_000_000
"""Files below the folders of all plugins of a marketplace, those below several counted each time."""
MAX_AGENTS = 20_000
"""Agent files of all packs of a place, those of several counted each time."""
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
    elsewhere: GitPlace | None = None
    """The repository that a plugin of a marketplace is in, if that is another one: there its agents are."""


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
        Refused: it has too many files for what its manifest says of them.
    """
    files = _Files(tree)
    outside = tuple(
        f"skipped `{shown(path)}`: it is a link that leads out of the folder"
        for path in tree.outside
        if path.endswith(".md") or basename(path) == AGENTS
    )
    marketplace = next((path for path in MARKETPLACES if path in files), None)
    found = Collection()
    if marketplace is not None:
        try:
            found = _of_marketplace(files, marketplace)
        except InvalidFile as error:
            found = Collection(unread=(f"{error.faults[0]}: ignored",))
    unread = (*found.unread, *outside)
    if found.packs:
        return Collection((*found.packs, *_rest(files, name, found.packs)), unread)
    only = _pack(files, "", name)
    outside = (*only.unread, *outside)
    return Collection((only._replace(unread=outside),) if only.agents else (), (*only.unread, *unread))


class _Files:
    """The files of a place. Each folder is listed once, and each file read once: thousands of plugins may share one."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._paths = tree.paths
        self._all = frozenset(self._paths)
        self._below: dict[str, Sequence[str]] = {"": self._paths}
        self._headers: dict[str, HeaderStart] = {}
        self._endless: list[str] = []
        self._unnamed: dict[str, Sequence[str]] = {}
        self._beside: dict[str, _Beside] = {}
        self._listed = self._agents = 0

    def __contains__(self, path: object) -> bool:
        return path in self._all

    def below(self, folder: str) -> Sequence[str]:
        """The files below a folder, relative to it. Raises Refused beyond `MAX_LISTED`."""
        if folder not in self._below:
            full = self._within("", folder)
            self._listed += len(full)
            _refuse_many(self._listed, MAX_LISTED, "files below the folders of its plugins")
            self._below[folder] = [path[len(folder) + 1 :] for path in full]
        return self._below[folder]

    def _within(self, root: str, folder: str) -> Sequence[str]:
        """The files below a folder of `root`, relative to `root`."""
        paths = self.below(root)
        if not folder:
            return paths
        # `0` is the sign after the slash
        return paths[bisect_left(paths, f"{folder}/") : bisect_left(paths, f"{folder}0")]

    def agents(self, root: str, named: Any) -> Sequence[str]:
        """The agent files of the pack in a folder, relative to it.

        Args:
            named: the files and folders that a manifest names, if it names any.

        Raises:
            ValueError: `named` is no path below the folder, and no list of such.
            Refused: beyond `MAX_AGENTS`.
        """
        found = self._of_manifest(root, named) if named else self._of_folder(root)
        self._agents += len(found)
        _refuse_many(self._agents, MAX_AGENTS, "agent files in its packs")
        return found

    def _of_manifest(self, root: str, named: Any) -> Sequence[str]:
        texts = [named] if isinstance(named, str) else named
        if not isinstance(texts, list):
            raise ValueError("its `agents` is not a path or a list of paths")
        found: set[str] = set()
        for one in {_folder(text) for text in texts if isinstance(text, str)}:
            is_file = f"{root}/{one}" in self if root else one in self
            found.update((one,) if is_file else self._within(root, one))
        return [path for path in sorted(found) if is_agent_file(path) and self._header(root, path).exists]

    def unnamed(self, root: str, found: Sequence[str]) -> Iterator[str]:
        """The paths of agents that the manifest does not list, in the folders of those that it lists (`found`)."""
        folders = {dirname(path) for path in found}
        for path in self.below(root):
            is_beside = path.endswith(".md") and dirname(path) in folders and path not in found
            if is_beside and basename(path) != "SKILL.md" and self._header(root, path).names_agent:
                yield path

    def _of_folder(self, root: str) -> Sequence[str]:
        if root not in self._unnamed:
            files = [path for path in self.below(root) if is_agent_file(path)]
            if in_folders := [path for path in files if _in_agents(path)]:
                found = [path for path in in_folders if self._header(root, path).exists]
            else:
                found = [
                    path
                    for path in files
                    if basename(path) != "SKILL.md"
                    and _NO_AGENTS.isdisjoint(dirname(path).split("/"))
                    and all(self._header(root, path)[:2])
                ]
            self._unnamed[root] = found
        return self._unnamed[root]

    def _header(self, root: str, path: str) -> HeaderStart:
        full = f"{root}/{path}" if root else path
        if full not in self._headers:
            start = self._tree.start(full, MAX_HEAD_BYTES)
            self._headers[full] = found = header_in(start, is_toml=path.endswith(".toml"))
            if found.names_agent and not found.exists:
                self._endless.append(full)
        return self._headers[full]

    def endless(self, root: str) -> list[str]:
        """The agent files of the pack in a folder whose header does not end where it must, once `agents` is called."""
        return [path for path in self._endless if not root or path.startswith(f"{root}/")]

    def has_header(self, path: str) -> bool:
        """Whether a file begins with the header of an agent."""
        return self._header("", path).exists

    def signs(self, root: str, path: str) -> int:
        """How much there is to read in the header of an agent file."""
        return self._header(root, path).signs

    def beside(self, root: str) -> "_Beside":
        """What a folder has besides agents."""
        if root not in self._beside:
            below = self.below(root)
            self._beside[root] = _Beside(
                any(path.startswith("hooks/") for path in below),
                ".mcp.json" in below,
                sum(path.startswith("commands/") and path.endswith(".md") for path in below),
                sum(path.endswith("/SKILL.md") for path in below),
            )
        return self._beside[root]

    def data(self, path: str) -> Mapping[str, Any]:
        """The map in a manifest."""
        content = self._tree.start(path, MAX_MANIFEST_BYTES + 1)
        if path.endswith(APM):
            from agentpack.input.documents import decode, read_yaml  # YAML is loaded only for such a place

            value: Any = read_yaml(decode(content, path), path).data
        else:
            try:
                value = read_json(content.removeprefix(MARK), max_bytes=MAX_MANIFEST_BYTES)
            except ValueError as error:
                raise InvalidFile([Fault(path, getattr(error, "lineno", 0), "", f"not valid JSON: {error}")]) from None
        if not isinstance(value, dict):
            raise InvalidFile([Fault(path, 0, "", "not a map")])
        return value


class _Beside(NamedTuple):
    hooks: bool
    servers: bool
    commands: int
    skills: int


def _refuse_many(count: int, most: int, what: str) -> None:
    if count > most:
        raise Refused(f"the collection has more than {most:,} {what}", hint="give the path of one plugin's folder")


def _of_marketplace(files: _Files, path: str) -> Collection:
    data = files.data(path)
    entries = data.get("plugins")
    if not isinstance(entries, list):
        raise InvalidFile([Fault(path, 0, "plugins", "no list of plugins")])
    metadata = data.get("metadata")
    base = _text(metadata.get("pluginRoot")) if isinstance(metadata, dict) else ""
    packs: dict[PackName, CollectionPack] = {}
    unread: list[str] = []
    for number, entry in enumerate(entries, 1):
        if not isinstance(entry, dict):
            unread.append(f"skipped entry {number} of `plugins`: it is not a map")
            continue
        name = _text(entry.get("name"))
        try:
            own = pack_name(kebab(name) or name)
            if isinstance(entry.get("source"), dict):
                pack = _elsewhere(entry, own)
            else:
                root = _folder(_relative(entry, base))
                pack = _pack(files, root, own, entry)
                if not files.below(root):
                    unread.append(f"skipped plugin `{shown(name)}`: the folder `{shown(root)}` is missing or empty")
        except (ValueError, UsageError) as error:
            unread.append(f"skipped plugin `{shown(name)}`: {error}")
            continue
        except InvalidFile as error:
            unread.append(f"skipped plugin `{shown(name)}`: {error.faults[0]}")
            continue
        if pack.name in packs:
            unread.append(f"skipped plugin `{shown(name)}`: another one already has the name `{pack.name}`")
        elif pack.agents or pack.elsewhere:
            packs[pack.name] = pack
    return Collection(tuple(packs.values()), tuple(unread))


def _rest(files: _Files, name: str, packs: Sequence[CollectionPack]) -> Iterator[CollectionPack]:
    """A pack of the agents in a marketplace that no plugin has and that are in no plugin's folder."""
    roots = tuple(f"{pack.root}/" for pack in packs if pack.root)
    taken = {f"{pack.root}/{path}".removeprefix("/") for pack in packs for path in pack.agents}
    agents = tuple(
        path
        for path in files.below("")
        if path not in taken and not path.startswith(roots) and _in_agents(path) and files.has_header(path)
    )
    own = pack_name(kebab(name) or AGENTS)
    if agents and all(pack.name != own for pack in packs):
        yield CollectionPack(own, "", agents)


def _in_agents(path: str) -> bool:
    """Whether a file is an agent by its folder."""
    return AGENTS in dirname(path).split("/") and is_agent_file(path)


def _relative(entry: Mapping[str, Any], base: str) -> str:
    """The folder of a plugin below the place, as its entry says it. Raises ValueError for any other source."""
    source = entry.get("source", ".")
    if not isinstance(source, str):
        raise ValueError("its `source` is not text")
    return source if source.startswith(("./", "../")) or not base else f"{base}/{source}"


def _elsewhere(entry: Mapping[str, Any], name: PackName) -> CollectionPack:
    """A plugin in a repository of its own. Raises ValueError for a place that is not read, UsageError for none."""
    source = entry["source"]
    kind = _text(source.get("source"))
    if kind == "npm" or source.get("package"):
        raise ValueError(f"it is on npm ({shown(_text(source.get('package')))}), and npm packages are not supported")
    address = f"github:{_text(source['repo'])}" if kind == "github" and source.get("repo") else _text(source.get("url"))
    if not address.startswith(("https://", "github:", "ssh://", "git@")):
        raise ValueError(f"`{shown(address)}` is neither an https nor an ssh address")
    git_address(address)
    ref, folder = _text(source.get("sha")) or _text(source.get("ref")), _folder(_text(source.get("path")) or ".")
    check_ref(ref)
    check_subdirectory(folder)
    version, description, license = (_text(entry.get(key)) for key in ("version", "description", "license"))
    return CollectionPack(name, "", (), version, description, license, elsewhere=GitPlace(address, ref, folder))


def _folder(text: str) -> str:
    """A path of a manifest as one below the place. Raises ValueError if it leads out."""
    found = normpath(text.replace("\\", "/"))
    if found.startswith(("/", "..")) or ":" in found.partition("/")[0]:
        raise ValueError(f"`{shown(text)}` leads out of the folder")
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
    if entry is None and manifest is not None:
        name = _text(said.get("name")) or name
    try:
        found = files.agents(root, said.get("agents"))
    except ValueError as error:
        raise InvalidFile([Fault(manifest or root, 0, "agents", str(error))]) from None
    signs = sum(files.signs(root, path) for path in found)
    _refuse_many(signs, MAX_SIGNS, "commas, colons, brackets and lines in the headers of its agents")
    unnamed = files.unnamed(root, found) if said.get("agents") else ()
    names = FileNames()
    faults = {path: names.add(path) for path in found}
    return CollectionPack(
        pack_name(kebab(name) or "agents"),
        root,
        tuple(path for path, fault in faults.items() if fault is None),
        _text(said.get("version")),
        _text(said.get("description")),
        _text(said.get("license")),
        _beside(files.beside(root), said) if said else "",
        (
            *(f"skipped `{shown(path)}`: its name has {fault}" for path, fault in faults.items() if fault),
            *(f"skipped `{shown(prefix + path)}`: the manifest does not list it" for path in unnamed),
            *(f"skipped `{shown(path)}`: its header is longer than 256 KiB" for path in files.endless(root)),
        ),
    )


def is_agent_file(path: str) -> bool:
    """Whether a file may be an agent by its path: Markdown, or what Codex reads in its own folder."""
    return path.endswith(".md") or (path.endswith(".toml") and "/.codex/agents/" in f"/{path}")


def _beside(there: _Beside, said: Mapping[str, Any]) -> str:
    """What a plugin has besides agents, in words."""
    hooks, servers = said.get("hooks") or there.hooks, said.get("mcpServers") or there.servers
    commands, skills = there.commands, there.skills
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
        return digest_version(digest)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
