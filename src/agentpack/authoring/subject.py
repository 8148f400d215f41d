"""The input of `pack check`: a release's files, its pack, and the previous release."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from agentpack.compose.compose import Pack, compose, values_for
from agentpack.compose.conflicts import Draft
from agentpack.compose.parse import Layer
from agentpack.input.parameters import ParameterDeclaration, Value
from agentpack.model.pack import Release
from agentpack.model.persona import Persona, Rule, Section


class Drafts(Protocol):
    """Composes the personas of a pack, which may need other packs."""

    def draft(self, persona: str, variants: Iterable[str]) -> Draft:
        """The persona with these variants applied. Raises Unresolvable or InvalidFile if that fails."""
        ...

    def declarations(self, persona: str) -> Mapping[str, ParameterDeclaration]:
        """The parameters the persona's text may use."""
        ...

    def modules(self, persona: str) -> Mapping[str, str]:
        """The sections that are read on demand, with their conditions: its own and those of the persona it extends. For
        a persona that can be composed.
        """
        ...


class Earlier(NamedTuple):
    """The previous release, and how its personas are composed."""

    pack: Pack
    drafts: Drafts


class Subject(NamedTuple):
    """A release to check. `folder` is its folder as the user wrote it, `today` an ISO 8601 time."""

    folder: str
    release: Release
    pack: Pack
    drafts: Drafts
    today: str
    earlier: Earlier | None = None

    def place(self, file: str) -> str:
        """The path of a layer's file as the user finds it; the layer has `<name>-<version>/personas/x.md`."""
        return f"{self.folder}/{file.partition('/')[2]}"

    def layers(self) -> Iterator[Layer]:
        """Every persona and variant as its file has it."""
        for name, layer in sorted(self.pack.personas.items()):
            yield layer
            yield from (layer for _, layer in sorted(self.pack.variants.get(name, {}).items()))

    def composed(self, persona: str, variants: Iterable[str] = ()) -> Persona:
        """The persona with default parameters, or those the variants set. Raises like `Drafts.draft`."""
        return composed(self.pack, self.drafts, persona, variants)


def composed(
    pack: Pack, drafts: Drafts, persona: str, variants: Iterable[str], values: Mapping[str, Value] | None = None
) -> Persona:
    """A persona with these variants and values, and defaults for other parameters."""
    draft = drafts.draft(persona, variants)
    return compose(draft, values_for(draft, drafts.declarations(persona), values or {}, pack.release))


def pieces(layer: Layer) -> Iterator[tuple[Section, Rule | None]]:
    """Each section by itself, then with each of its rules."""
    for section in layer.sections:
        if section.level:
            yield section, None
        for rule in section.rules:
            yield section, rule
