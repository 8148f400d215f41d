"""The agent files that `pack check` is asked about: which files are agents, and the client each is written for.

A file in a client's own folder is that client's (`.claude/agents`, `~/.config/opencode/agents`). Elsewhere its name
decides (`*.agent.md`, `.toml`), and else the client that the user names.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from agentpack.authoring.agent_files import AgentText, CheckedAgent, check_agent, clashes
from agentpack.authoring.findings import CheckFinding
from agentpack.clients import SHARED, SKILL_FILE
from agentpack.clients.base import Client, ending
from agentpack.disk.atomic import read_start
from agentpack.errors import Refused, UsageError
from agentpack.input.file_names import MAX_FILE_BYTES, NOT_CONTENT
from agentpack.model.names import is_junk
from agentpack.sources.agent_headers import MAX_SIGNS, signs_in
from agentpack.sources.collection import AGENTS
from agentpack.sources.trees import MAX_ENTRIES
from agentpack.workspace.workspace import Workspace

BY_NAME: Mapping[str, str] = {".agent.md": "copilot", ".toml": "codex"}
"""The client of a file outside of every client's folder, by its suffix."""
_PASSED_OVER = NOT_CONTENT | {"node_modules", ".venv"}
_NO_AGENTS = frozenset(("skills", "commands", "hooks"))


class CheckedAgents(NamedTuple):
    """The agent files of one folder or archive, with their findings."""

    place: str
    files: tuple[CheckedAgent, ...]
    findings: tuple[CheckFinding, ...]
    documents: tuple[str, ...] = ()
    """Files beside agents that have no header, so that no client takes them for agents."""


class _Folder(NamedTuple):
    """A folder that a client reads: how its path ends, or the whole path where a variable moves it."""

    ending: str
    client: Client
    is_own: bool
    is_absolute: bool


class AgentFinder:
    """Finds the agent files at a place, decides which client reads each, and checks them."""

    def __init__(self, workspace: Workspace, client: str) -> None:
        """`client` is that of a file whose folder and name do not decide."""
        self.workspace = workspace
        self.default = workspace.clients[client]
        self._signs = 0

    def check(self, place: str) -> CheckedAgents:
        """Check a file, or every agent file below a folder.

        Raises:
            UsageError: there is no agent file.
            Refused: the folder has too many files.
        """
        path = os.path.normpath(os.path.join(self.workspace.environment.cwd, place))
        if os.path.isdir(path):
            texts = self._below(path, os.path.normpath(place))
        elif os.path.isfile(path):
            texts = tuple(self._asked(path, place))
        else:
            raise UsageError(
                f"`{place}` does not exist", hint="give the path of a pack, an agent file or a folder of agent files"
            )
        agents = [check_agent(text) for text in texts]
        files = tuple(agent for agent in agents if not agent.is_document)
        if not files:
            raise UsageError(
                f"`{place}` contains no pack and no agent file",
                hint="a pack has a `pack.yaml`, and an agent file has a header; `agentpack pack new NAME` creates a "
                "pack",
            )
        found = (*(finding for agent in agents for finding in agent.findings), *clashes(files))
        return CheckedAgents(place, files, found, tuple(agent.text.file for agent in agents if agent.is_document))

    def _asked(self, path: str, shown: str) -> Iterator[AgentText]:
        folder, leaf = os.path.split(path)
        root, client, _ = self._place(folder) or (folder, None, False)
        shared = self._shared(root, leaf, client)
        if shared is not None:
            yield from _entries(shared, path, shown)
            return
        if client is None:
            client = self._by_name(leaf) or self.default
            if not _is_named_so(client, leaf):
                raise UsageError(
                    f"`{shown}` is not an agent file",
                    hint=f"{client.title} reads `{client.file.replace('{name}', 'NAME')}`; choose another `--client`",
                )
        below = os.path.relpath(path, root)
        unread = self._place(folder) is not None and not _is_read(client, below)
        yield AgentText(client, shown, self._read(path), root, below, asked=True, unread=unread)

    def _below(self, top: str, shown: str) -> Sequence[AgentText]:
        """The agents below a folder: those in folders for agents, else every file with a header that has a name."""
        paths = [os.path.relpath(path, top) for path in _walk(top)]
        found = list(self._certain(top, shown, paths, ""))
        if not found and os.path.basename(top) == AGENTS:
            found = list(self._certain(top, shown, paths, AGENTS))
        return found or list(self._likely(top, shown, paths))

    def _certain(self, top: str, shown: str, paths: Sequence[str], own: str) -> Iterator[AgentText]:
        """`own` is the name of the folder itself, where that counts."""
        for below in paths:
            path, leaf = f"{top}/{below}", os.path.basename(below)
            folder = os.path.dirname(path)
            root, client, is_own = self._place(folder) or (folder, None, False)
            shared = self._shared(root, leaf, client)
            if shared is not None:
                yield from _entries(shared, path, _joined(shown, below))
                continue
            inner = os.path.relpath(path, root)
            if client is not None and (is_own or _is_read(client, inner)):
                unread = not _is_read(client, inner)
                if _is_named_so(client, inner):
                    yield AgentText(client, _joined(shown, below), self._read(path), root, inner, unread=unread)
                continue
            client = self._by_name(leaf) or self.default
            around, inside = _agents_folder(own, below)
            if (inside and _may_be_agent(client, inside)) or leaf.endswith(".agent.md"):
                root = "/".join(filter(None, (top, around)))
                yield AgentText(client, _joined(shown, below), self._read(path), root, inside or below)

    def _likely(self, top: str, shown: str, paths: Sequence[str]) -> Iterator[AgentText]:
        for below in paths:
            if _may_be_agent(self.default, below) and self._place(os.path.dirname(f"{top}/{below}")) is None:
                text = AgentText(self.default, _joined(shown, below), self._read(f"{top}/{below}"), top, below)
                checked = check_agent(text)
                if checked.is_document or checked.name:
                    yield text

    def _read(self, path: str) -> bytes:
        data = _read(path)
        self._signs += signs_in(path, data)
        if self._signs > MAX_SIGNS:
            raise Refused(
                f"too much to check at once: the limit is {MAX_SIGNS:,} commas, colons, brackets and lines in headers",
                hint="give the paths of some of the files, or of a subfolder",
            )
        return data

    def _by_name(self, leaf: str) -> Client | None:
        return next((self.workspace.clients[name] for end, name in BY_NAME.items() if leaf.endswith(end)), None)

    def _shared(self, root: str, leaf: str, client: Client | None) -> Client | None:
        """The client of a file with several agents; None for any other file."""
        if client is not None:
            return client if client.shared is not None and leaf == client.file else None
        name = SHARED.get(leaf)
        found = self.workspace.clients[name] if name else None
        return found if found is not None and not found.project else None

    def _place(self, folder: str) -> tuple[str, Client, bool] | None:
        """The agents folder that is or contains this folder, its client, and whether it is that client's own folder;
        None outside of all agents folders.
        """
        if folder not in self._known:
            self._known[folder] = self._find(folder)
        return self._known[folder]

    @cached_property
    def _known(self) -> dict[str, tuple[str, Client, bool] | None]:
        return {}

    def _find(self, folder: str) -> tuple[str, Client, bool] | None:
        for one in self._folders:
            found = f"{folder}/".rfind(f"{one.ending}/")
            if found == 0 if one.is_absolute else found >= 0:
                return folder[: found + len(one.ending)], one.client, one.is_own
        return None

    @cached_property
    def _folders(self) -> Sequence[_Folder]:
        """Every folder that a client reads: the deepest first, and its own before those it reads besides."""
        found = []
        variables = self.workspace.environment.variables
        for client in self.workspace.clients.values():
            for scope in ("project", "user"):
                for number, folder in enumerate(client.folders(scope, variables)):
                    root, _, below = folder.partition("/") if folder.startswith("$") else ("", "", folder)
                    place = os.path.normpath(os.path.join(variables.get(root[1:], ""), below)) if root else f"/{below}"
                    if below:
                        found.append(_Folder(place, client, number == 0, bool(root)))
        return sorted(found, key=lambda one: (-one.ending.count("/"), not one.is_own, one.client.name))


def _agents_folder(own: str, below: str) -> tuple[str, str]:
    """The outermost folder named after agents in a path, and the path below it; both empty if there is none.

    Args:
        own: the name of the folder that the path is below, if that counts.
    """
    folders = [own, *below.split("/")[:-1]]
    if AGENTS not in folders:
        return "", ""
    count = folders.index(AGENTS)
    return "/".join(folders[1 : count + 1]), "/".join(below.split("/")[count:])


def _may_be_agent(client: Client, below: str) -> bool:
    """Whether a path below a folder of agents may be an agent, not a skill or a command that is kept there too."""
    *folders, leaf = below.split("/")
    return leaf != SKILL_FILE and _NO_AGENTS.isdisjoint(folders) and _is_named_so(client, leaf)


def _is_named_so(client: Client, below: str) -> bool:
    """Whether the client's agent files have such a name."""
    return client.shared is None and f"/{below}".endswith(client.endings or (ending(client),))


def _is_read(client: Client, below: str) -> bool:
    """Whether the client reads a path below its folder."""
    deep = below.count("/") > ending(client).count("/")
    return _is_named_so(client, below) and not (deep and not client.nested)


def _walk(top: str) -> Iterator[str]:
    """Every file below a folder, but for those of version control and of installed packages. Unlike in a place that
    others offer, a link counts wherever it leads: people link their agents to where they keep them.
    """
    left = MAX_ENTRIES
    for folder, folders, leaves in os.walk(top):
        left -= len(folders) + len(leaves)
        if left < 0:
            raise Refused(
                f"{top} has more than {MAX_ENTRIES:,} files and folders",
                hint="give the path of the folder with the agents",
            )
        folders[:] = sorted(name for name in folders if name not in _PASSED_OVER)
        paths = (f"{folder}/{leaf}" for leaf in sorted(leaves) if not is_junk(leaf))
        yield from (path for path in paths if os.path.isfile(path))


def _read(path: str) -> bytes:
    try:
        return read_start(path, MAX_FILE_BYTES)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None


def _entries(client: Client, path: str, shown: str) -> Iterator[AgentText]:
    assert client.shared is not None
    data = _read(path)
    try:
        entries = client.shared.entries(data)
    except ValueError as error:
        yield AgentText(client, shown, data, path, "", fault=str(error))
        return
    whole = data.decode("utf-8", "replace")
    for key, text in entries.items():
        first = text.split("\n", 1)[0].strip()
        line = whole.count("\n", 0, max(0, whole.find(first))) + 1
        yield AgentText(client, shown, text.encode(), path, key, asked=True, line=line)


def _joined(place: str, below: str) -> str:
    return below if place == "." else f"{place}/{below}"
