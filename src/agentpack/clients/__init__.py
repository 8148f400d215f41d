"""How each client reads agents: one file per client, and one line in this table.

An adapter's module is imported when its client is asked for, so that thirty of them cost a command nothing.
"""

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import NamedTuple

from agentpack.clients.base import Client
from agentpack.errors import UsageError
from agentpack.model.names import Digest, client_word, did_you_mean
from agentpack.model.variables import VARIABLES

__all__ = ["CLIENTS", "MODULES", "SHARED", "VARIABLES", "Clients", "Declaration"]

MODULES: Mapping[str, str] = {
    "antigravity": "antigravity",
    "augment": "augment",
    "claude": "claude",
    "cline": "cline",
    "codex": "codex",
    "commandcode": "commandcode",
    "copilot": "copilot",
    "cortex": "cortex",
    "cursor": "cursor",
    "deepagents": "deepagents",
    "devin": "devin",
    "droid": "droid",
    "gemini": "gemini",
    "goose": "goose",
    "grok": "grok",
    "junie": "junie",
    "kilo": "kilo",
    "kimi": "kimi",
    "kiro": "kiro",
    "opencode": "opencode",
    "pool": "pool",
    "qwen": "qwen",
    "reasonix": "reasonix",
    "roo": "roo",
    "rovodev": "rovodev",
    "tabnine": "tabnine",
    "takt": "takt",
    "vibe": "vibe",
    "zcode": "zcode",
}
"""Every client's name, and the module of its adapter."""

SHARED: Mapping[str, str] = {".roomodes": "roo", "settings.yaml": "pool"}
"""The names of files that hold several agents, and the client whose adapter reads them."""

_loaded: dict[str, Client] = {}


class Declaration(NamedTuple):
    """The file that declares a client, and the digest of what it says."""

    path: str
    digest: Digest


class Clients(Mapping[str, Client]):
    """All adapters by name: those that come with agentpack, and those a user declared."""

    def __init__(
        self, declared: Mapping[str, Client] | None = None, declarations: Mapping[str, Declaration] | None = None
    ) -> None:
        """`declarations` has the file of each client that is declared."""
        self._declared = dict(declared or {})
        self.declarations: Mapping[str, Declaration] = dict(declarations or {})

    def __getitem__(self, name: str) -> Client:
        if name in self._declared:
            return self._declared[name]
        if name not in _loaded:
            _loaded[name] = import_module(f"agentpack.clients.{MODULES[name]}").CLIENT
        return _loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(sorted({*MODULES, *self._declared}))

    def __len__(self) -> int:
        return len({*MODULES, *self._declared})

    def __contains__(self, name: object) -> bool:
        return name in MODULES or name in self._declared

    def nearest(self, client: str) -> Iterable[str]:
        """The names of all clients: this one if it is known, then those whose adapters are loaded already."""
        return dict.fromkeys((*([client] if client in self else []), *self._declared, *_loaded, *self))

    def named(self, word: str) -> Client:
        """The adapter that a word means: a name or an alias, however its letters are written.

        Raises:
            UsageError: there is none; the nearest names are offered.
        """
        name = self.meant(word)
        if name not in self:
            raise UsageError(
                f"there is no client `{word}`",
                details=[f"known: {', '.join(self)}"],
                hint=did_you_mean(name, self.words()) or "`agentpack clients` lists them",
            )
        return self[name]

    def meant(self, word: str) -> str:
        """The name of the client that a word means; the word, in lower case with hyphens, where it means none."""
        if word in self:
            return word
        plain = client_word(word)
        return plain if plain in self else self.words().get(plain, plain)

    def words(self) -> Mapping[str, str]:
        """Every word that means a client, names and aliases, with the client's name. Loads all adapters."""
        aliases = {alias: name for name in MODULES for alias in self[name].aliases}
        return {**aliases, **{name: name for name in self}}

    def chosen(self, words: Iterable[str], scope: str, variables: Mapping[str, str]) -> list[str]:
        """The names of the clients that some words mean, `a,b` and `all` among them: all that come with agentpack and
        read agents in the scope.

        Raises:
            UsageError: a word means no client.
        """
        found: dict[str, None] = {}
        for word in (part.strip() for text in words for part in text.split(",")):
            if word.lower() == "all":
                found |= dict.fromkeys(name for name in MODULES if self[name].folder(scope, variables) is not None)
            else:
                found[self.named(word).name] = None
        return list(found)


CLIENTS = Clients()
