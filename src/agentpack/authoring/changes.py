"""What changed since the previous release, derived from the rules, and the version step it requires.

Patch: wording without a change of behaviour. Minor: facts, additions, a new variant or parameter. Major: something
removed or reversed (a rule, section, parameter, choice, variant or persona), another default, wider tools, or variants
that can no longer be combined. A rule counts as changed in substance if its code spans, numbers or conditions differ.
Anything else is wording: a program cannot tell it from a reversal, so that is left to the author.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from agentpack.authoring.subject import Drafts, Subject, composed, pieces
from agentpack.clients import CLIENTS
from agentpack.clients.base import Client
from agentpack.compose.compose import Pack
from agentpack.compose.parse import Layer
from agentpack.errors import AgentpackError
from agentpack.input.parameters import ParameterDeclaration
from agentpack.model.capabilities import widening
from agentpack.model.fields import FIELDS, PersonaField
from agentpack.model.persona import Persona
from agentpack.render import render

PATCH, MINOR, MAJOR = 0, 1, 2
STEPS = ("patch", "minor", "major")
_FACT = re.compile(r"`[^`]+`|\d+(?:\.\d+)*")


class ReleaseChange(NamedTuple):
    """One change: its size, the kind and name of the thing, and what happened to it."""

    size: int
    kind: str
    """`rule`, `parameter`, `variant`, `persona`, `field` or `capability`."""
    name: str
    what: str
    """`added`, `removed`, `changed` and the like, to follow the name in a sentence."""
    file: str
    line: int = 0
    id: str = ""
    """The id the changelog must mention for a removal; empty if none."""


def steps(subject: Subject) -> list[ReleaseChange]:
    """All changes since the previous release, largest first; empty if there is none."""
    if subject.earlier is None:
        return []
    old, new = subject.earlier.pack, subject.pack
    found = [*_parameters(old, new), *_personas(subject, old, new)]
    return sorted(found, key=lambda step: (-step.size, step.kind, step.name))


def _parameters(old: Pack, new: Pack) -> Iterator[ReleaseChange]:
    for name in sorted({*old.declarations, *new.declarations}):
        before, after = old.declarations.get(name), new.declarations.get(name)
        if before is None:
            yield ReleaseChange(MINOR, "parameter", name, "added", "pack.yaml")
        elif after is None:
            yield ReleaseChange(MAJOR, "parameter", name, "removed", "pack.yaml", id=name)
        else:
            yield from _one_parameter(name, before, after)


def _one_parameter(name: str, before: ParameterDeclaration, after: ParameterDeclaration) -> Iterator[ReleaseChange]:
    if before.default != after.default:
        what = f"has a different default, {_shown(before.default)} -> {_shown(after.default)}"
        yield ReleaseChange(MAJOR, "parameter", name, what, "pack.yaml", id=name)
    gone = [choice for choice in before.choices or () if after.choices is not None and choice not in after.choices]
    narrower = before.choices is None and after.choices is not None
    if gone or narrower or before.type != after.type or (before.pattern != after.pattern and after.pattern):
        what = f"no longer takes {', '.join(gone)}" if gone else "takes different values"
        yield ReleaseChange(MAJOR, "parameter", name, what, "pack.yaml", id=name)
    elif before.choices != after.choices:
        yield ReleaseChange(MINOR, "parameter", name, "takes more values", "pack.yaml")


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or '""'


def _personas(subject: Subject, old: Pack, new: Pack) -> Iterator[ReleaseChange]:
    assert subject.earlier is not None
    for name in sorted({*old.personas, *new.personas}):
        if name not in old.personas:
            yield ReleaseChange(MINOR, "persona", name, "added", f"personas/{name}.md")
        elif name not in new.personas:
            yield ReleaseChange(MAJOR, "persona", name, "removed", "pack.yaml", id=name)
        else:
            yield from _layers(old.personas[name], new.personas[name], f"personas/{name}.md")
            before = _default(old, subject.earlier.drafts, name)
            after = _default(new, subject.drafts, name)
            if before is not None and after is not None:
                yield from _fields(before, after, name)
                yield from _capabilities(before, after, f"personas/{name}.md")
                yield from _no_longer_by_default(before, after, new.personas[name], name)
            yield from _variants(old, new, name)
            for variant in sorted({*old.variants.get(name, {})} & {*new.variants.get(name, {})}):
                before = _default(old, subject.earlier.drafts, name, variant)
                after = _default(new, subject.drafts, name, variant)
                if before is not None and after is not None:
                    yield from _capabilities(before, after, f"variants/{name}/{variant}.md")


def _default(pack: Pack, drafts: Drafts, name: str, *variants: str) -> Persona | None:
    try:
        return composed(pack, drafts, name, variants)
    except AgentpackError:
        return None


def _variants(before: Pack, after: Pack, persona: str) -> Iterator[ReleaseChange]:
    old, new = before.variants.get(persona, {}), after.variants.get(persona, {})
    known = _by_id(before.personas[persona]).keys()  # what is new in this release was taken away from nobody
    for name in sorted({*old, *new}):
        file = f"variants/{persona}/{name}.md"
        if name not in old:
            yield ReleaseChange(MINOR, "variant", name, "added", file)
        elif name not in new:
            yield ReleaseChange(MAJOR, "variant", name, "removed", "pack.yaml", id=name)
        else:
            yield from _layers(old[name], new[name], file, known)
            removed = {*new[name].header["remove"]} - {*old[name].header["remove"]}
            for id in sorted(removed & known):
                yield ReleaseChange(MAJOR, "variant", name, f"now removes `{id}`", file, id=id)
            before_sets, after_sets = excluded(old[name]), excluded(new[name])
            for others in sorted(after_sets - before_sets):
                if all(other in old for other in others):
                    named = " and ".join(f"`{other}`" for other in others)
                    yield ReleaseChange(MAJOR, "variant", name, f"now conflicts with {named}", file, id=others[0])


def excluded(variant: Layer) -> set[tuple[str, ...]]:
    """The sets of variants that this variant conflicts with when all of them are chosen."""
    return {tuple(conflict["with"]) for conflict in variant.header["conflicts"]}


def _layers(old: Layer, new: Layer, file: str, addressed: Collection[str] = ()) -> Iterator[ReleaseChange]:
    """The changes in one file.

    Args:
        addressed: ids of the persona that a variant only uses to position its own rules.
    """
    before, after = _by_id(old), _by_id(new)
    for id in before.keys() - after.keys() - {*addressed}:
        yield ReleaseChange(MAJOR, "rule", id, "removed", file, id=id)
    for id in after.keys() - before.keys():
        yield ReleaseChange(MINOR, "rule", id, "added", file, after[id].line)
    for id in before.keys() & after.keys():
        one, other = before[id], after[id]
        if one.when != other.when:
            yield ReleaseChange(MINOR, "rule", id, "has a different condition", file, other.line)
        elif one.text != other.text:
            other_facts = set(_FACT.findall(one.text)) != set(_FACT.findall(other.text))
            what = "has different facts" if other_facts else "is worded differently"
            yield ReleaseChange(MINOR if other_facts else PATCH, "rule", id, what, file, other.line)


class _Piece(NamedTuple):
    text: str
    when: str | None
    line: int


def _by_id(layer: Layer) -> dict[str, _Piece]:
    found = {}
    for section, rule in pieces(layer):
        part = section if rule is None else rule
        if part.id is not None:
            found[part.id] = _Piece(section.heading if rule is None else rule.text, part.when, part.line)
    return found


def _fields(before: Persona, after: Persona, name: str) -> Iterator[ReleaseChange]:
    file = f"personas/{name}.md"
    for key, field in FIELDS.items():
        old, new = (_value(persona, field) for persona in (before, after))
        if old == new:
            continue
        if field.is_prose:
            yield ReleaseChange(MINOR, "field", key, "has different text", file)
            continue
        what = "has another default"
        if field.kind == "list":
            wider = new - old
            what = f"allows more: {', '.join(sorted(wider))}" if wider else "allows less"
        yield ReleaseChange(MAJOR, "field", key, what, file, id=key)


def _capabilities(before: Persona, after: Persona, file: str) -> Iterator[ReleaseChange]:
    """The capabilities the persona gains, for any client."""
    wider: dict[str, list[str]] = {}
    for client, target in CLIENTS.items():
        old, new = _may(before, target), _may(after, target)
        for word in widening(old, new) if old is not None and new is not None else ():
            wider.setdefault(word, []).append(client)
    for word, clients in sorted(wider.items()):
        named = clients[0] if len(clients) == 1 else f"{len(clients)} clients"
        yield ReleaseChange(MAJOR, "capability", word, f"widens for {named}", file, id=word)


def _may(persona: Persona, target: Client) -> tuple[str, ...] | None:
    try:
        file = render(persona, target, pack="x", scope="project", variables={}, models={})
    except AgentpackError:
        return None
    return None if file is None else file.capabilities


def _value(persona: Persona, field: PersonaField) -> Any:
    """The value of a field. For a list, the set of what it allows: everything if it is empty; for `deny`, everything
    that it does not name.
    """
    value = persona.value(field.name)
    if field.kind != "list":
        return value
    every = frozenset((*field.words, f"every other {field.noun}"))
    if field.name == "deny":
        return every - frozenset(value or ())
    return frozenset(value) if value else every


def _no_longer_by_default(before: Persona, after: Persona, layer: Layer, name: str) -> Iterator[ReleaseChange]:
    """Rules still in the file that users without settings no longer get."""
    there = _by_id(layer)
    gone = _ids(before) - _ids(after)
    for id in sorted(gone & there.keys()):
        yield ReleaseChange(
            MAJOR, "rule", id, "is no longer rendered by default", f"personas/{name}.md", there[id].line, id
        )


def _ids(persona: Persona) -> set[str]:
    return {rule.id for section in persona.sections for rule in section.rules if rule.id is not None}
