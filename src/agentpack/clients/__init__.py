"""All clients: one module each, and one line in this table.

A client's module is imported when it is first used, so that thirty of them cost a command nothing.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

from agentpack.clients.base import Client
from agentpack.errors import UsageError
from agentpack.model.names import Digest, client_word, did_you_mean
from agentpack.model.variables import VARIABLES

__all__ = [
    "CLIENTS",
    "MODULES",
    "SHARED",
    "SKILLS",
    "VARIABLES",
    "ClientDeclaration",
    "Clients",
    "read_by",
    "written_for",
]

MODULES: Mapping[str, tuple[str, ...]] = {
    "antigravity": (
        ".antigravity",
        ".gemini",
    ),
    "augment": (".augment",),
    "claude": (".claude",),
    "cline": (
        ".cline",
        ".clinerules",
    ),
    "codex": (".codex",),
    "commandcode": (".commandcode",),
    "copilot": (
        ".copilot",
        ".github",
    ),
    "cortex": (
        ".cortex",
        ".snowflake",
    ),
    "cursor": (".cursor",),
    "deepagents": (".deepagents",),
    "devin": (
        ".devin",
        ".config",
    ),
    "droid": (".factory",),
    "gemini": (".gemini",),
    "goose": (
        ".goose",
        ".goosehints",
        ".config",
    ),
    "grok": (".grok",),
    "junie": (".junie",),
    "kilo": (
        ".kilo",
        ".kilocode",
        ".config",
    ),
    "kimi": (".kimi-code",),
    "kiro": (".kiro",),
    "opencode": (
        ".opencode",
        "opencode.json",
        "opencode.jsonc",
        ".config",
    ),
    "pool": (
        ".poolside",
        ".config",
    ),
    "qwen": (".qwen",),
    "reasonix": (".reasonix",),
    "roo": (
        ".roomodes",
        ".roo",
    ),
    "rovodev": (".rovodev",),
    "tabnine": (".tabnine",),
    "takt": (".takt",),
    "vibe": (".vibe",),
    "zcode": (".zcode",),
}
"""Every client's name, which is its module's too, and the first names of the paths that show its use."""

SKILLS = ("skills", "claude-skills", "roo-skills")
"""The folders of Agent Skills, as the lock names them: each is read like a client's, but nobody can ask for it."""

SKILL_FILE, SKILLS_FOLDER = "SKILL.md", "skills"
"""The file of a skill, in a folder of its name, and the name of every folder of skills."""

SHARED: Mapping[str, str] = {".roomodes": "roo", "settings.yaml": "pool"}
"""Names of files that hold several agents, and the client that reads them."""

WRITES_AGENTS: Mapping[str, str] = {
    ".augment/agents": "augment",
    ".commandcode/agents": "commandcode",
    ".cortex/agents": "cortex",
    ".cursor/agents": "cursor",
    ".gemini/agents": "gemini",
    ".goose/agents": "goose",
    ".grok/agents": "grok",
    ".junie/agents": "junie",
    ".kilo/agents": "kilo",
    ".kimi-code/agents": "kimi",
    ".kiro/agents": "kiro",
    ".opencode/agents": "opencode",
    ".qwen/agents": "qwen",
    ".tabnine/agent/agents": "tabnine",
}
"""The folders in a project whose Markdown files are for a client in a form of its own."""
_OF_CLIENT = re.compile(rf"(?:\A|/)({'|'.join(map(re.escape, WRITES_AGENTS))})/.*\.md\Z", re.DOTALL)
_FOR_COPILOT = re.compile(r"\.agent\.md\Z|(?:\A|/)(?:\.github|com\.github\.copilot)/agents/.*\.md\Z", re.DOTALL)
_loaded: dict[str, Client] = {}


class ClientDeclaration(NamedTuple):
    """The file that declares a client, and the digest of its text."""

    path: str
    digest: Digest


class Clients(Mapping[str, Client]):
    """All clients by name: built-in ones and those a user declared."""

    def __init__(
        self, declared: Mapping[str, Client] | None = None, declarations: Mapping[str, ClientDeclaration] | None = None
    ) -> None:
        """`declarations` has the file of each declared client."""
        self._declared = dict(declared or {})
        self.declarations: Mapping[str, ClientDeclaration] = dict(declarations or {})

    def __getitem__(self, name: str) -> Client:
        if name in self._declared:
            return self._declared[name]
        if name not in _loaded:
            if name in SKILLS:
                _loaded[name] = import_module("agentpack.clients.skills").FOLDERS[name]
            elif name not in MODULES:
                raise KeyError(name)
            else:
                _loaded[name] = import_module(f"agentpack.clients.{name}").CLIENT
        return _loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*MODULES, *self._declared}))

    def __len__(self) -> int:
        return len({*MODULES, *self._declared})

    def __contains__(self, name: object) -> bool:
        return name in MODULES or name in self._declared

    def nearest(self, client: str) -> Iterable[str]:
        """The names of all clients and skills folders: this one if known, then those whose modules are loaded."""
        first = [client] if client in self or client in SKILLS else []
        return dict.fromkeys((*first, *self._declared, *_loaded, *self, *SKILLS))

    def of_file(self, name: str) -> Client:
        """The client that a row of the lock or the history names, or the skills folder. Raises UsageError."""
        return self[name] if name in SKILLS else self.named(name)

    def named(self, word: str) -> Client:
        """The client for a name or alias, in any spelling.

        Raises:
            UsageError: there is none; the nearest names are suggested.
        """
        name = self.resolve(word)
        if name not in self:
            raise UsageError(
                f"there is no client `{word}`",
                details=[f"known: {', '.join(self)}"],
                hint=did_you_mean(name, self.words()) or "`agentpack clients` lists them",
            )
        return self[name]

    def resolve(self, word: str) -> str:
        """The name of the client that a word means; if unknown, the word in lower case with hyphens."""
        if word in self:
            return word
        plain = client_word(word)
        return plain if plain in self else self.words().get(plain, plain)

    def words(self) -> Mapping[str, str]:
        """Every name and alias with the client's name. Loads all modules."""
        aliases = {alias: name for name in MODULES for alias in self[name].aliases}
        return {**aliases, **{name: name for name in self}}

    def chosen(self, words: Iterable[str], scope: str, variables: Mapping[str, str]) -> list[str]:
        """The names of the clients in words such as `a,b` or `all`: the built-in ones that have agents in the scope.

        Raises:
            UsageError: a word is not a client.
        """
        found: dict[str, None] = {}
        for word in (part.strip() for text in words for part in text.split(",")):
            if word.lower() == "all":
                found |= dict.fromkeys(name for name in MODULES if self[name].folder(scope, variables) is not None)
            else:
                found[self.named(word).name] = None
        return list(found)


CLIENTS = Clients()


def read_by(row: str, clients: Collection[str]) -> bool:
    """Whether a row's client is one of these, or the skills folder of one."""
    uses = (CLIENTS[name].skills for name in clients if name in MODULES) if row in SKILLS else ()
    return row in clients or any(use is not None and use.folder == row for use in uses)


def written_for(path: str) -> str:
    """The name of the client that an agent file of a collection was written for."""
    if path.endswith(".toml"):
        return "codex"
    if _FOR_COPILOT.search(path):
        return "copilot"
    found = _OF_CLIENT.search(path)
    return WRITES_AGENTS[found[1]] if found else "claude"
