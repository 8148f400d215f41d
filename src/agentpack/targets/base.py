"""What a client adapter is: data, and one function from a persona to the text of its file."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from agentpack.model.persona import Persona

_PLAIN = re.compile(r"[a-z][a-z0-9]*(?:[-.][a-z0-9]+)*\Z")
_WORDS = frozenset("y n yes no on off true false null none".split())
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")


class Said(NamedTuple):
    """A persona in one client's words."""

    text: str
    notes: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


class Place(NamedTuple):
    """Where a client reads agents at user scope: a folder below home, and the variable that moves the client's own
    folder.
    """

    folder: str
    variable: str | None = None
    below_variable: str = ""
    """The folder of agents below the one that the variable names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A client: where it reads agents, how far that was checked, and how a persona is said to it."""

    name: str
    title: str
    project: str
    user: Place
    suffix: str
    say: Callable[[Persona, Mapping[str, Mapping[str, str]]], Said]
    """From a persona and the manifest's `models` to the text of its file."""
    marker: str
    """A folder whose presence in a scope shows that the client is used there."""
    version: str
    checked: str
    """Date of the check, ISO 8601."""
    verified_by: str
    """`judge` (the client itself loaded a file), `source` (its code was read) or `documentation`."""
    reads: str
    """How the client reads a folder, in a line for people."""

    def folder(self, scope: str, variables: Mapping[str, str]) -> str:
        """The folder of agents as a named path."""
        if scope == "project":
            return self.project
        if self.user.variable and variables.get(self.user.variable):
            return f"${self.user.variable}/{self.user.below_variable}"
        return self.user.folder

    def path(self, persona: str, scope: str, variables: Mapping[str, str]) -> str:
        """The file of a persona as a named path."""
        return f"{self.folder(scope, variables)}/{persona}{self.suffix}"


def yaml_header(fields: Mapping[str, Any]) -> str:
    """YAML front matter, a field a line, fences included.

    Values are written by the JSON library: JSON is YAML, a text becomes one double-quoted line which every client
    that was judged reads exactly, and it is a hundred times faster than a YAML emitter. A plain lower-case word stays
    plain.
    """
    return "---\n" + "".join(f"{key}: {_scalar(value)}\n" for key, value in fields.items()) + "---\n"


def _scalar(value: Any) -> str:
    if isinstance(value, str) and _PLAIN.match(value) and value not in _WORDS:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
