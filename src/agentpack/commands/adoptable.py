"""The files given to `adopt`: which client each belongs to, which agent it contains, or why it cannot be adopted.

A file in a client's own folder is one agent. A shared file has one agent in each entry: its path means all of them,
`<file>#<name>` one. A folder means the agents in the folders of clients that it contains or lies in.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from agentpack.changes.clients import default_clients, named_clients
from agentpack.clients import SKILL_FILE, written_for
from agentpack.clients.base import Client, ending
from agentpack.disk.real_paths import real_path
from agentpack.edits.recognise import NO_AGENT, Agent, read_collected, read_file
from agentpack.errors import Refused, UsageError
from agentpack.input.file_names import MAX_BYTES, MAX_FILE_BYTES, MAX_FILES
from agentpack.model.names import is_junk, persona_name_fault, slug
from agentpack.sources.agent_headers import MAX_SIGNS, signs_in
from agentpack.sources.collection import is_agent_file
from agentpack.workspace.shadowing import MAX_BELOW
from agentpack.workspace.workspace import Workspace


class AdoptableAgent(NamedTuple):
    """An agent to adopt: its place (see `workspace/locations.py`), client, bytes, and parsed contents."""

    path: str
    client: str
    data: bytes
    agent: Agent
    inner: str = ""
    """The path that it would have in a collection; empty if no collection can hold it."""
    is_in_place: bool = True
    """Whether agentpack would write an agent of this name to the same path."""


class PassedOver(NamedTuple):
    """A file that is not adopted, as named or as a place, and why."""

    path: str
    reason: str


class FoundFiles(NamedTuple):
    """What was found in the named files and folders."""

    agents: tuple[AdoptableAgent, ...] = ()
    managed: tuple[str, ...] = ()
    """Places that agentpack manages already."""
    passed: tuple[PassedOver, ...] = ()
    """Documents, and files in a folder that cannot be adopted."""
    refused: tuple[PassedOver, ...] = ()
    """Named files that cannot be adopted."""


class _Place(NamedTuple):
    """A file in a client's folder: its named path, its client, and the agent's name according to the file name.

    `key` is the entry in a shared file; None for all of them.
    """

    path: str
    target: Client
    stem: str = ""
    key: str | None = None
    inner: str = ""


def find(workspace: Workspace, names: Sequence[str]) -> FoundFiles:
    """The agents in the named files and folders; without any, in the folders of all clients that are used here.

    Raises:
        UsageError: a named folder holds no folder of agents.
    """
    finding = _Finding(workspace)
    if not names:
        finding.everywhere()
    for name in dict.fromkeys(names):
        absolute = os.path.abspath(os.path.join(workspace.environment.cwd, name))
        if os.path.isdir(absolute):
            finding.folder(name, absolute)
        else:
            finding.file(name, absolute)
    return finding.found()


class _Finding:
    """Collects what is found, each place once."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._targets = _clients(workspace)
        self._agents: dict[str, AdoptableAgent] = {}
        self._managed: dict[str, None] = {}
        self._passed: dict[str, PassedOver] = {}
        self._refused: dict[str, PassedOver] = {}
        self._files = self._bytes = self._signs = 0

    def found(self) -> FoundFiles:
        """Everything that was found. Documents count as passed over where something else was named, too."""
        passed, refused = list(self._passed.values()), list(self._refused.values())
        if self._agents or self._managed:
            passed += [one for one in refused if one.reason == NO_AGENT]
            refused = [one for one in refused if one.reason != NO_AGENT]
        return FoundFiles(tuple(self._agents.values()), tuple(self._managed), tuple(passed), tuple(refused))

    def everywhere(self) -> None:
        """Look into the folders of the clients that are used here, or that have a folder here if none is named."""
        workspace = self.workspace
        used = named_clients(workspace, workspace.manifest)
        for target in self._targets:
            if target.name in used or not used:
                self._own_folder(target, "")

    def folder(self, name: str, absolute: str) -> None:
        """Look into a named folder."""
        targets = [target for target in self._targets if self._own_folder(target, absolute)]
        if not targets:
            reason = "it contains no folder of agents"
            self._refused[name] = PassedOver(name, f"{reason}: {_outside(self.workspace)}")

    def _own_folder(self, target: Client, within: str) -> bool:
        """Look at a client's agents in a folder; False if neither lies in the other.

        Args:
            within: the folder, as an absolute path; empty for all of the client's agents.
        """
        scope = self.workspace.scope
        named = target.folder(scope.kind, self.workspace.environment.variables)
        if named is None or target.file.endswith(f"/{SKILL_FILE}"):
            return False  # which of a folder of skills are agents only the user can say
        own = scope.absolute(named)
        real, inside = real_path(own), real_path(within) if within else ""
        holds = not within or real == inside or real.startswith(f"{inside}/")
        if target.shared is not None:
            there = holds and os.path.isfile(f"{own}/{target.file}")
            if there:
                self._take(f"{own}/{target.file}", "")
            return there
        if not holds and not inside.startswith(f"{real}/"):
            return False
        start = f"{own}{inside[len(real) :]}" if inside.startswith(f"{real}/") else own
        for path in _files(start, target):
            self._take(path, "")
        return os.path.isdir(start)

    def file(self, name: str, absolute: str) -> None:
        """Look at a named file."""
        self._take(absolute, name)

    def _take(self, absolute: str, name: str) -> None:
        """Read a file. Without a name it was found in a folder, and what is wrong with it stops nothing."""
        place = _place(self.workspace, self._targets, absolute)
        if isinstance(place, str):
            self._leave(absolute, name, place)
            return
        for one in self._read(place):
            if isinstance(one, AdoptableAgent):
                self._agents.setdefault(one.path, one)
            elif isinstance(one, PassedOver):
                self._leave(self.workspace.scope.absolute(one.path), name, one.reason)
            else:
                self._managed[one] = None

    def _read(self, place: _Place) -> Iterator[AdoptableAgent | PassedOver | str]:
        """The results of the function `_read` for a file. Raises Refused once the files read so far exceed the limits
        of a pack.
        """
        path = place.path
        stamp = self.workspace.disk.stamp(path)
        if stamp is not None and stamp[3] > MAX_FILE_BYTES and path not in self.workspace.states.recorded:
            yield PassedOver(path, f"it is larger than {MAX_FILE_BYTES >> 20} MiB")
            return
        yield from _read(self.workspace, place, self._count)

    def _count(self, path: str, data: bytes) -> None:
        """Count a file before it is read as an agent."""
        self._files += 1
        self._bytes += len(data)
        self._signs += signs_in(path, data)
        if self._files > MAX_FILES or self._bytes > MAX_BYTES or self._signs > MAX_SIGNS:
            raise Refused(
                f"too many files to adopt at once: the limit is {MAX_FILES:,} files, {MAX_BYTES >> 20} MiB, and "
                f"{MAX_SIGNS:,} commas, colons, brackets and lines in headers",
                hint="adopt some of them: `agentpack adopt FILE`, or a folder below the client's",
            )

    def _leave(self, absolute: str, name: str, reason: str) -> None:
        if name:
            self._refused[name] = PassedOver(name, reason)
        else:
            shown = os.path.relpath(absolute, self.workspace.scope.root)
            self._passed[absolute] = PassedOver(absolute if shown.startswith("..") else shown, reason)


def _clients(workspace: Workspace) -> list[Client]:
    """All clients, those in use here before others with the same folder."""
    used = default_clients(workspace, workspace.manifest)
    return sorted(workspace.clients.values(), key=lambda target: (target.name not in used, target.name))


def _files(folder: str, target: Client) -> Iterator[str]:
    """The files in a folder, nested ones too, that have the ending of a client's agents."""
    deepest = folder.count("/") + MAX_BELOW
    for place, folders, names in os.walk(folder):
        folders[:] = [] if place.count("/") >= deepest else sorted(name for name in folders if name[:1] != ".")
        for leaf in sorted(names):
            path = f"{place}/{leaf}"
            if leaf[:1] != "." and not is_junk(leaf) and path.endswith(ending(target)):
                yield path


def _read(
    workspace: Workspace, place: _Place, count: Callable[[str, bytes], None]
) -> Iterator[AdoptableAgent | PassedOver | str]:
    """For each agent in a file: the agent, or why it cannot be adopted, or its place if agentpack manages it already.

    Args:
        count: called with the path and bytes of the file before it is parsed.
    """
    path = place.path
    seen = workspace.disk.look(path)
    if seen is None:
        way = "; `agentpack sync` writes it" if path in workspace.states.recorded else ""
        yield PassedOver(path, f"there is no such file{way}")
    elif path in workspace.states.recorded:
        yield path
    elif seen.kind != "file":
        yield PassedOver(path, f"it is a {seen.kind}, not a file")
    elif place.target.shared is not None:
        yield from _entries(workspace, place)
    else:
        data = workspace.states.contents(path)
        count(path, data)
        yield _found(workspace, place, path, data)


def _found(workspace: Workspace, place: _Place, path: str, data: bytes) -> AdoptableAgent | PassedOver:
    """The agent in a file or in one entry of a shared file, or why it cannot be adopted."""
    target, inner = place.target, place.inner
    agent = read_collected(target, data, inner) if inner else read_file(target, data, place.stem)
    kind, variables = workspace.scope.kind, workspace.environment.variables
    if inner and not target.anywhere and (agent.fault or path != target.path(slug(agent.name), kind, variables)):
        agent, inner = read_file(target, data, place.stem), ""  # as a pack it may lack what a collection asks for
    if agent.fault is not None:
        return PassedOver(path, agent.fault)
    if not workspace.managed.holds_agent(path, target.name):
        return PassedOver(
            path, "agentpack cannot manage a file with this path: rename it with letters, digits and hyphens"
        )
    there = target.path(agent.name, kind, variables)
    is_in_place = path == there and persona_name_fault(agent.name) is None
    return AdoptableAgent(path, target.name, data, agent, inner, is_in_place)


def _inner(target: Client, below: str) -> str:
    """The path that a file of a client has in a collection; empty if it would not be known there as the client's.

    Args:
        below: its path below the client's folder.
    """
    paths = (f"{folder}/{below}" for folder in ("agents", target.project or "agents"))
    return next((path for path in paths if is_agent_file(path) and written_for(path) == target.name), "")


def _entries(workspace: Workspace, place: _Place) -> Iterator[AdoptableAgent | PassedOver | str]:
    """The named entry, or all entries that agentpack does not manage."""
    assert place.target.shared is not None
    try:
        entries = place.target.shared.entries(workspace.disk.read(place.path) or b"")
    except ValueError as error:
        yield PassedOver(place.path, str(error))
        return
    ours = {key for key in entries if f"{place.path}#{key}" in workspace.states.recorded}
    if place.key in ours:
        yield f"{place.path}#{place.key}"
    elif place.key is not None and place.key not in entries:
        there = ", ".join(map(repr, entries)) or "none"
        yield PassedOver(place.path, f"there is no such entry; found {there}")
    elif place.key is None and ours == entries.keys():
        if not ours:
            yield PassedOver(place.path, "it contains no agent")
        yield from (f"{place.path}#{key}" for key in entries)
    for key in [key for key in entries if key not in ours and place.key in (None, key)]:
        one = _found(workspace, place._replace(stem=key), f"{place.path}#{key}", entries[key].encode())
        if isinstance(one, PassedOver) and place.key is None:
            one = one._replace(reason=f"`{key}`: {one.reason}")
        yield one


def _place(workspace: Workspace, targets: Iterable[Client], absolute: str) -> _Place | str:
    """The named path of a file and its client, or why there is none.

    Args:
        targets: all clients, those before others with the same folder that it shall be for.
    """
    kind, variables = workspace.scope.kind, workspace.environment.variables
    near = None
    for target in targets:
        folder = target.folder(kind, variables)
        if folder is None:
            continue
        below = _below(workspace.scope.absolute(folder), absolute)
        if below is None:
            continue
        head = f"{folder}/" if folder else ""
        file, mark, key = below.partition("#")
        if target.shared is not None:
            if file == target.file:
                return _Place(head + file, target, key=key if mark else None)
        elif target.anywhere and below.endswith(ending(target)):
            stem = below.rpartition("/")[2].removesuffix(ending(target))
            return _Place(head + below, target, stem, inner=_inner(target, below))
        elif match := re.fullmatch(re.escape(target.file).replace(re.escape("{name}"), "([^/]+)", 1), below):
            return _Place(head + below, target, match[1], inner=_inner(target, below))
        elif "/" not in below and "/" not in target.file:
            near = (
                near
                or f"{target.title} reads agents there as `{target.file.replace('{name}', 'NAME')}`: rename the file"
            )
        elif below.endswith(ending(target)) and "/" not in target.file:
            near = near or f"it is in a subfolder, and {target.title} might not read agents there"
    return near or f"it is not in a folder of agents of the {kind} scope, such as {_outside(workspace)}"


def _below(folder: str, absolute: str) -> str | None:
    """The file's path below a folder, following links to either; None if it is not below."""
    parent, leaf = os.path.split(absolute)
    file, root = os.path.join(real_path(parent), leaf), real_path(folder)
    try:
        below = os.path.relpath(file, root).replace(os.sep, "/")
    except ValueError:  # another drive
        return None
    return None if below == ".." or below.startswith("../") else below


def _outside(workspace: Workspace) -> str:
    kind, variables = workspace.scope.kind, workspace.environment.variables
    used = default_clients(workspace, workspace.manifest)
    named = (workspace.clients[name].path("NAME", kind, variables) for name in used if name in workspace.clients)
    return " or ".join(workspace.scope.absolute(place) for place in named if place)


def refusal(refused: Sequence[PassedOver], rest: str) -> UsageError:
    """The error for named files that cannot be adopted.

    Args:
        rest: what became of everything else.
    """
    count = len(refused)
    return UsageError(
        f"{count} file{'s' if count != 1 else ''} cannot be adopted; {rest}",
        details=[f"{one.path}: {one.reason}" for one in refused],
    )
