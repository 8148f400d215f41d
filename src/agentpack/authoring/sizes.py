"""Budgets of `pack check`: how long a description, a persona's text and what a variant adds may be.

The text that counts is the one a client gets, without its header. Sections listed under `modules` by a persona, or by
the one it extends, are read on demand and are not part of its core.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from agentpack.authoring.findings import ERROR, CheckFinding
from agentpack.authoring.subject import Subject
from agentpack.errors import AgentpackError
from agentpack.model.persona import Origin, Persona, Section
from agentpack.model.text_size import TextSize, count

BUDGETS: Mapping[str, int] = {"words": 900, "tokens": 1500, "description": 80, "adds": 220}
"""Defaults where a pack declares none: exceeding a default is a warning, a declared budget an error."""


def core_of(persona: Persona, modules: Mapping[str, str]) -> TextSize:
    """The size of what is always read: the body without its modules."""
    return count("".join(text for text, _ in _texts(persona, modules)))


def added_by(persona: Persona, variant: str) -> TextSize:
    """The size of the headings and rules from this variant."""
    mine = Origin("variant", variant)
    return count("\n".join(text for text, origin in _texts(persona, {}) if origin == mine))


def _texts(persona: Persona, modules: Mapping[str, str]) -> Iterator[tuple[str, Origin | None]]:
    for section in outside_modules(persona.sections, modules):
        yield section.heading + section.gap, section.origin
        for rule in section.rules:
            yield rule.text + rule.gap, rule.origin


def outside_modules(sections: Iterable[Section], modules: Mapping[str, str]) -> Iterator[Section]:
    """The sections outside of all modules: a module is a section with everything below it."""
    level = 0
    for section in sections:
        if level and section.level > level:
            continue
        level = section.level if section.id in modules else 0
        if not level:
            yield section


def findings(subject: Subject) -> Iterator[CheckFinding]:
    """Exceeded budgets: the core, the description, what each variant adds, and the whole with it."""
    for name, layer in sorted(subject.pack.personas.items()):
        file = subject.place(layer.file)
        try:
            persona = subject.composed(name)
        except AgentpackError:
            continue  # told as a dead reference
        declared = layer.header.get("budget") or {}
        core = core_of(persona, subject.drafts.modules(name))
        yield from _exceeded("P301", file, "the text that is always read has", declared, words=core.words)
        yield from _exceeded("P301", file, "the text that is always read has", declared, tokens=core.tokens)
        description = len(str(persona.value("description") or "").split())
        yield from _exceeded("P302", file, "the description has", declared, description=description)
        for variant, own in sorted(subject.pack.variants.get(name, {}).items()):
            yield from _of_variant(subject, name, variant, own.header.get("budget") or {}, subject.place(own.file))


def _of_variant(
    subject: Subject, name: str, variant: str, declared: Mapping[str, Any], file: str
) -> Iterator[CheckFinding]:
    try:
        persona = subject.composed(name, [variant])
    except AgentpackError:
        return
    yield from _exceeded("P303", file, "the variant adds", declared, adds=added_by(persona, variant).words)
    if "whole" in declared:
        yield from _exceeded(
            "P304", file, "the persona with this variant has", declared, whole=count(persona.body).words
        )


def _exceeded(rule: str, file: str, what: str, declared: Mapping[str, Any], **size: int) -> Iterator[CheckFinding]:
    ((key, value),) = size.items()
    limit = declared.get(key, BUDGETS.get(key))
    if limit is not None and value > limit:
        unit = "tokens" if key == "tokens" else "words"
        own = key in declared
        hint = "shorten it" if own else f"shorten it, or declare `budget: {{{key}: …}}` and keep to that"
        message = f"{what} {value} {unit}, its budget is {limit}"
        yield CheckFinding(file, 0, rule, message, hint, ERROR if own else "")
