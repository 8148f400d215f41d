"""A release under check, as the rules of the check see it: its files, its pack, and the release before it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from agentpack.compose.compose import Pack, compose, values_for
from agentpack.compose.conflicts import Draft
from agentpack.compose.parse import Layer
from agentpack.input.parameters import ParameterDeclaration, Value
from agentpack.model.pack import Release
from agentpack.model.persona import Persona, Rule, Section


class Drafts(Protocol):
    """How a persona of the pack is put together, which may need other packs."""

    def draft(self, persona: str, variants: Iterable[str]) -> Draft:
        """The persona with these variants laid over it. Raises Unresolvable or InvalidFile when they do not fit."""
        ...

    def declarations(self, persona: str) -> Mapping[str, ParameterDeclaration]:
        """The parameters that the persona's text may use."""
        ...

    def modules(self, persona: str) -> Mapping[str, str]:
        """The sections that are read on demand, with when: its own and those of the persona that it extends. For one
        that can be put together.
        """
        ...


class Earlier(NamedTuple):
    """The release before, and how its personas are put together."""

    pack: Pack
    drafts: Drafts


class Subject(NamedTuple):
    """A release to check. `folder` is where its files lie, in the words of the user."""

    folder: str
    release: Release
    pack: Pack
    drafts: Drafts
    earlier: Earlier | None = None

    def place(self, file: str) -> str:
        """A file of a layer, which says `<name>-<version>/personas/x.md`, as the user finds it."""
        return f"{self.folder}/{file.partition('/')[2]}"

    def layers(self) -> Iterator[Layer]:
        """Every persona and variant, as its file says it."""
        for name, layer in sorted(self.pack.personas.items()):
            yield layer
            yield from (layer for _, layer in sorted(self.pack.variants.get(name, {}).items()))

    def composed(self, persona: str, variants: Iterable[str] = ()) -> Persona:
        """The persona with every parameter's default, or what these variants set. Raises as `Drafts.draft`."""
        return composed(self.pack, self.drafts, persona, variants)


def composed(
    pack: Pack, drafts: Drafts, persona: str, variants: Iterable[str], values: Mapping[str, Value] | None = None
) -> Persona:
    """A persona with these variants and values, and every other parameter's default."""
    draft = drafts.draft(persona, variants)
    return compose(draft, values_for(draft, drafts.declarations(persona), values or {}, pack.release))


def pieces(layer: Layer) -> Iterator[tuple[Section, Rule | None]]:
    """Each section by itself, then with each of its rules."""
    for section in layer.sections:
        if section.level:
            yield section, None
        for rule in section.rules:
            yield section, rule
