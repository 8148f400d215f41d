"""What another client's agent file allows, in a client's own words: tool by tool, never more.

Decides which of the target's tools stand for those that a file of the source client grants, and what cannot be carried
over. Which tools correspond is data: the groups of `ToolWords`, the names in `COMMON_TOOLS`, the finer `_USES` below
and the MCP names of `CapabilityMeanings`. What a file grants is read by `capabilities`, as its own client reads it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, NamedTuple

from agentpack.capabilities.meaning import CapabilityReader
from agentpack.capabilities.of_file import vocabulary_of
from agentpack.clients.base import Client, native_settings
from agentpack.clients.capability_meanings import COMMON_TOOLS, LIMITING
from agentpack.clients.grammar import NAMES, listed
from agentpack.clients.render import TOOLS_LIMITED, ToolLimits, native_fields, restricts
from agentpack.model.capabilities import BUT, EVERY, LOOKING, covers, denied_by, widening
from agentpack.model.fields import TOOLS
from agentpack.model.names import first_few
from agentpack.model.persona import Persona
from agentpack.model.rendering import Note

_MOST_NAMED = 12
"""Largest number of tools that one text names."""
_LONGEST_NAME = 80
"""Largest number of characters of such a name."""
GUARDING_HOOKS = ("PreToolUse", "PermissionRequest")
"""Hooks that can stop a tool; an agent without them can do more."""
_SIGNS = re.compile(r"[^a-z0-9]")
_USES: Mapping[str, str] = {
    name: use
    for use, names in {
        "list": "ls list listdirectory listfiles readdirectory readfolder",
        "read": "read readfile readfiles readmanyfiles readmultiplefiles view viewfile notebookread",
        "grep": "grep grepsearch searchfilecontent searchcodebase",
        "glob": "glob fileglob findfiles filesearch",
        "edit": "edit editfile multiedit replace strreplaceeditor editor applypatch notebookedit",
        "write": "write writefile create createfile savefile",
        "remove": "removefiles",
        "fetch": "webfetch fetch fetchurl fetchwebcontent",
        "find": "websearch googlewebsearch",
    }.items()
    for name in names.split()
}
"""Within a group, the tools that do the same; a tool that is not here stands for its whole group."""


class Translated(NamedTuple):
    """A persona's limits for a client, made from the file of another one."""

    limits: ToolLimits | None
    """None where the persona has settings of its own for this client."""
    grants: frozenset[str]
    """The capabilities of the source file, with its tools under the target's names."""

    def lost(self, words: Iterable[str]) -> tuple[str, ...]:
        """What a target file with these capabilities would do beyond the source file; the class of the model aside."""
        limits = self.limits
        if limits is None or limits.lost:
            return ()
        wider = widening(self.grants, (word for word in words if not word.startswith("model:")))
        return (limits.restriction or ", ".join(wider),) if wider else ()


def translate(persona: Persona, source: Client, target: Client) -> Translated:
    """The limits of a persona that was made from a file of the source client, for the target.

    Raises:
        UsageError: the source client would refuse the persona.
    """
    if any(target.meaning(key) in LIMITING for key in native_settings(persona, target.name)):
        return Translated(None, frozenset())
    tools = _ToolTranslation(source, target, native_fields(source, persona))
    return Translated(tools.limits(native_settings(persona, source.name)), tools.grants)


class _ToolTranslation:
    """The tools that one file grants, and the target's tools for them."""

    def __init__(self, source: Client, target: Client, fields: Mapping[str, Any]) -> None:
        self.source, self.target, self.fields = source, target, fields
        self.theirs, self.ours = vocabulary_of(source), vocabulary_of(target)
        self.read = CapabilityReader(self.theirs, fields)
        self.names = target.tools.names if target.tools else {}

    def limits(self, native: Mapping[str, Any]) -> ToolLimits:
        """What the target's file says; `native` has the fields that only the source client knows."""
        lost = tuple(self._lost(native))
        notes = tuple(self._left_out(native))
        if "unreadable" in self.read.words:
            return ToolLimits(notes=notes, lost=(*lost, "a list of tools that cannot be read"))
        if any(word.startswith(EVERY) for word in self.read.words):
            return self._every_but(notes, lost)
        gone = self.read.denied_tools()
        if self.read.allowed is None:  # read-only, or everything is denied
            named = {name for word in self.read.words for name in self.theirs.natives.get(word, ())}
        else:
            named = self.read.allowed - self.read.denied
        return self._listed(sorted(name for name in named if self.theirs.parted(name)[0] not in gone), notes, lost)

    @cached_property
    def grants(self) -> frozenset[str]:
        """The source file's capabilities, with the target's tool for loading skills in place of its own, and without
        denials of what the target does not have. One tool of a group counts as the group, as it does in lists.
        """
        ours, theirs = (tuple(each.base(tool)) if tool else () for each, tool in self._loaders)
        found: set[str] = set()
        for word in self.read.words:
            found.update(ours if word in theirs else ())
            if word.startswith(BUT):
                denied = {one for one in denied_by(word) if not self._is_absent(one)} - {*theirs}
                denied.update(() if denied_by(word).isdisjoint(theirs) else ours)
                word = BUT + "+".join(sorted(denied)) if denied else EVERY
            group, _, one = word.partition("/")
            found.update((word, group) if group in TOOLS and one in self.theirs else (word,))
        return frozenset(found)

    @property
    def _loaders(self) -> Iterator[tuple[Any, str]]:
        """The target's vocabulary and tool for loading skills, and the source's; empty if there is no such tool."""
        for each in (self.ours, self.theirs):
            yield each, each.client.skills.tool if each.client.skills else ""

    def _is_absent(self, word: str) -> bool:
        """Whether the target has no tool for a word that the source denies."""
        base = word.partition("/")[0]
        if base in TOOLS:
            return bool(self.names) and base not in self.names
        return base.startswith("tool:")

    # A list of tools.

    def _listed(self, left: list[str], notes: tuple[Note, ...], lost: tuple[str, ...]) -> ToolLimits:
        restriction = f"{TOOLS_LIMITED}{_few(left) or 'none'}"
        parts = {name.partition("(")[0] for name in self._denied_in_part}
        # a part of a tool never becomes the whole
        whole = [name for name in left if "(" not in name and self.theirs.named(name) not in parts]
        ours = {name: [*self._tools_for(name, whole)] for name in whole}
        found = {name: [one for one in tools if self._is_granted(one)] for name, tools in ours.items()}
        if not self.names:
            looking = self._may_look and {word for word in self.read.words if word in TOOLS} <= LOOKING
            return ToolLimits((), (), restriction, looking, notes, lost)
        missing = [_tool_left_out(name, has_more=bool(ours.get(name))) for name in left if not found.get(name)]
        order = [native for names in self.names.values() for native in names]
        every = {one for ones in found.values() for one in ones}
        chosen = [*(one for one in dict.fromkeys(order) if one in every), *sorted(every.difference(order))]
        return ToolLimits(tuple(chosen), (), restriction, False, (*notes, *missing), lost)

    @property
    def _denied_in_part(self) -> list[str]:
        """The entries that deny a part of a tool."""
        return [name for name in sorted(self.read.denied) if self.theirs.parted(name)[1] is not None]

    @property
    def _may_look(self) -> bool:
        """Whether the target has a switch for read-only agents, which grants no more than the file."""
        return bool(self.target.readonly) and all(covers(self.grants, word) for word in LOOKING)

    def _is_granted(self, native: str) -> bool:
        """Whether the file grants everything that this tool of the target allows, and the target would read a list
        with its name as that tool.
        """
        style = self.target.tools.style if self.target.tools else ""
        if style not in ("map", "permissions") and listed(self.target.grammar, [native], self.ours.knows).form != NAMES:
            return False
        return all(covers(self.grants, word) for word in self.ours.base(native))

    def _tools_for(self, name: str, left: list[str]) -> Iterator[str]:
        """The target's tools for one of the source's."""
        groups = self.source.tools.names if self.source.tools else {}
        for word in self._words(name):
            ours, theirs, use = self.names.get(word, ()), groups.get(word, ()), _use(name)
            if theirs and {self.theirs.named(one) for one in left}.issuperset(theirs):
                yield from ours  # the whole group
            else:
                alone = (one for one in ours if one not in self.target.powers.along)
                yield from [one for one in alone if use and _use(one) == use] or ours
            yield from self._others(name, word)

    def _words(self, name: str) -> Iterator[str]:
        """The canonical words for a tool of the source, or its own."""
        for word in self.theirs.base(self.theirs.named(name)):
            yield COMMON_TOOLS.get(_plain(name), word) if word.startswith("tool:") else word

    def _others(self, name: str, word: str) -> Iterator[str]:
        """The target's tools in no group: the one that loads skills, and those of MCP servers."""
        (_, ours), (_, theirs) = self._loaders
        if ours and theirs == self.theirs.named(name):
            yield ours
        found = self.theirs.server(name) if word.startswith("mcp:") else None
        if found is not None:
            parts = found.groupdict()
            server = parts["server"] or parts.get("at") or parts.get("before") or ""
            tool = parts["tool"] or parts.get("behind") or "*"
            form = self.target.powers.mcp_names[tool == "*"]
            written = form.format(server=server, tool=tool)
            if written and tuple(self.ours.base(written)) == (word,):
                yield written

    # Every tool but some.

    def _every_but(self, notes: tuple[Note, ...], lost: tuple[str, ...]) -> ToolLimits:
        gone = sorted(self.read.denied_tools())
        keys = ", ".join(f"`{key}`" for key in self.fields if self._limits_tools(key))
        restriction = f"tools denied: {_few(gone)}" if gone else keys and f"{keys}, which only {self.source.name} reads"
        if self._denied_in_part:
            lost = (*lost, f"parts of tools denied: {_few(self._denied_in_part)}")
        words = [(name, word) for name in gone for word in self.theirs.base(name)]
        if not self.names and self._may_look and any(word in TOOLS for _, word in words):
            return ToolLimits((), (), restriction, True, notes, lost)
        denied = [
            native
            for name, word in words
            for native in (self.target.tools_of(word) if word in TOOLS else self._others(name, word))
        ]
        return ToolLimits(None, tuple(dict.fromkeys(denied)), restriction, False, notes, lost)

    # What is not about tools.

    def _limits_tools(self, key: str) -> bool:
        return self.source.meaning(key) in LIMITING

    def _lost(self, native: Mapping[str, Any]) -> Iterator[str]:
        """Restrictions beside those on tools: a permission mode, a sandbox, a hook that can stop a tool."""
        for key, value in sorted(native.items()):
            if restricts(self.source.name, key, value) and not self._limits_tools(key):
                yield f"`{key}`, which only {self.source.name} is given"
            if self.source.meaning(key) == "hooks" and isinstance(value, dict):
                yield from (f"the hook `{name}`" for name in GUARDING_HOOKS if value.get(name))

    def _left_out(self, native: Mapping[str, Any]) -> Iterator[Note]:
        """A note for each field that only the source client has."""
        for key, value in native.items():
            if value and not self._limits_tools(key):
                yield Note("left out", f"only {self.source.title} supports it", key)


def _tool_left_out(name: str, *, has_more: bool) -> Note:
    """A note on a tool of the source; `has_more` if the target has only tools that do more."""
    why = "the client's own tool does more" if has_more else "the client has no such tool"
    if "(" in name:
        why = "the client cannot limit only part of a tool"
    return Note("left out of the list of tools", why, name[:_LONGEST_NAME])


def _few(names: list[str]) -> str:
    """The first of these names, as text for people."""
    return first_few([name[:_LONGEST_NAME] for name in names], _MOST_NAMED)


def _plain(name: str) -> str:
    return _SIGNS.sub("", name.lower())


def _use(name: str) -> str | None:
    return _USES.get(_plain(name.rpartition("/")[2]))
