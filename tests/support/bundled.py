"""The packs that come with agentpack, rendered in every way a user may ask for."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import combinations

from support.packs import FORGETFUL

from agentpack.clients import CLIENTS
from agentpack.compose.compose import Pack, compose, draft_of, values_for
from agentpack.fetch import Sources, fetch
from agentpack.input.parameters import ParameterDeclaration, Value
from agentpack.model.names import PackName
from agentpack.model.pack import Release
from agentpack.model.persona import Persona
from agentpack.read import read_pack
from agentpack.render import render
from agentpack.sources.bundled import bundled_source

NAME = PackName("python-engineer")


@cache
def releases() -> dict[str, Release]:
    """Every bundled release of the engineer, by version, oldest first."""
    source = bundled_source()
    assert source is not None
    sources = Sources([source])
    return {str(ref.version): fetch(ref, sources) for ref in reversed(sources.releases(NAME))}


@cache
def pack(version: str) -> Pack:
    """A bundled release, read and checked."""
    return read_pack(releases()[version], FORGETFUL)


def versions() -> list[str]:
    """Every bundled version, oldest first."""
    return list(releases())


def combinations_of_variants(version: str) -> Iterator[tuple[str, ...]]:
    """Every set of variants, the empty one first; where there are many, none and each by itself
    (`tests/content/test_variants.py` has their sets).
    """
    names = pack(version).variant_names
    for size in range(len(names) + 1 if len(names) <= 3 else 2):
        yield from combinations(names, size)


def composed(version: str, variants: Sequence[str] = (), **values: Value) -> Persona:
    """The persona with these variants and parameter values."""
    found = pack(version)
    draft = draft_of(found, NAME, variants, {})
    return compose(draft, values_for(draft, found.declarations, values, found.release))


def rendered(version: str, variants: Sequence[str] = (), client: str = "claude", **values: Value) -> str:
    """The text that a client gets."""
    persona = composed(version, variants, **values)
    scope = "user" if CLIENTS[client].project is None else "project"
    made = render(persona, CLIENTS[client], pack=NAME, scope=scope, variables={}, models={})
    assert made is not None
    return made.content.decode()


def settings_of(declaration: ParameterDeclaration) -> list[Value]:
    """Values of a parameter that are worth rendering: all that there are, or the bounds and some in between."""
    if declaration.type == "boolean":
        return [True, False]
    if declaration.choices is not None:
        return list(declaration.choices)
    if declaration.type == "integer":
        low = declaration.minimum if isinstance(declaration.minimum, int) else 0
        high = declaration.maximum if isinstance(declaration.maximum, int) else declaration.default
        assert isinstance(high, int)
        return sorted({low, (low + high) // 2, high})
    return _TEXTS[declaration.name]


_TEXTS: dict[str, list[Value]] = {
    "model": ["opus", "sonnet", "haiku", "inherit", "claude-opus-5-20260101", "anthropic/claude:latest@x"],
    "tools": ["", "read", "read, search", "read,edit,shell", "read, search, edit, shell, web, delegate"],
}


def split(text: str) -> tuple[str, str]:
    """A rendered file's header and body, without the fences."""
    header, _, body = text.removeprefix("---\n").partition("---\n")
    return header, body
