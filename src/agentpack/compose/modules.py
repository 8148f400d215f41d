"""Divide a persona into what is always read and its modules: sections that are read on demand, as skills.

The persona then names each skill with the condition for reading it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.compose.parse import parse_sections
from agentpack.compose.substitute import substitute
from agentpack.input.parameters import ParameterDeclaration, Value
from agentpack.model.persona import Field, Origin, Persona, Rule, Section

MAX_NAME = 64
"""Longest name of a skill: Codex, Copilot CLI and Vibe pass over a longer one."""
MAX_DESCRIPTION = 1024
"""Longest description of a skill: Copilot CLI and Vibe pass over one with a longer description."""
PARAMETER, AUTO = "modules", "auto"
"""The parameter of every pack with modules that says how they are written."""
DECLARATION = ParameterDeclaration(
    PARAMETER,
    "string",
    AUTO,
    "How on-demand sections are written: `auto`, as skills if the agent may load them; `skills`, as skills if its "
    "client supports them; `inline`, in the agent file; `none`, not at all.",
    choices=("auto", "skills", "inline", "none"),
)


HEADING = "## Skills"
_NAMED = re.compile(r"- When .*: load the skill `[^`]+`\.")
_LIVE = re.compile(r"[!$`]")
"""What a client might run or replace in a description."""
BEFORE = "0.1.0"
"""The newest agentpack that writes every module inline."""


def writes_skills(header: Mapping[str, Any]) -> bool:
    """Whether a pack's modules may be written as skills: only if older versions of agentpack refuse the pack, so that
    all who share a lock get the same files.

    Args:
        header: `pack.yaml` in normal form.
    """
    readers = header.get("agentpack")
    if not readers:
        return False
    from packaging.specifiers import SpecifierSet

    return not SpecifierSet(readers).contains(BEFORE)


class Divided(NamedTuple):
    """A persona without the modules that become skills, and each of these modules as a persona of its own."""

    core: Persona
    modules: tuple[Persona, ...]
    kept: tuple[str, ...] = ()
    """The ids of modules that stay in the text, because no skill could have such a name or description."""


def filled(conditions: Mapping[str, str], values: Mapping[str, Value]) -> dict[str, str]:
    """The conditions, with the values of parameters in place of `{{...}}`."""
    return {id: substitute(text, values) for id, text in conditions.items()}


def divided(persona: Persona, conditions: Mapping[str, str]) -> Divided:
    """The persona and its modules. A module whose skill could not have its name or description stays in the text, as
    does one whose description a client might interpret.

    Args:
        conditions: by the id of a section, when it is to be read.
    """
    core: list[Section] = []
    modules: list[Persona] = []
    lines: list[str] = []
    kept: list[str] = []
    for id, sections in _runs(persona.sections, conditions):
        name, text = f"{persona.name}-{id}", _description(sections[0], conditions[id]) if id else ""
        if not id or len(name) > MAX_NAME or len(text) > MAX_DESCRIPTION or _LIVE.search(text):
            core += sections
            kept += [id] if id else []
            continue
        fields = {"description": Field(text, _origin(sections[0]))}
        intro = Section(None, 0, "", "", None, 0, ())  # every text has one before its first heading
        modules.append(Persona(name, fields, (intro, *_ending(sections, "\n"))))
        lines.append(f"- When {conditions[id]}: load the skill `{name}`.")
    if not modules:
        return Divided(persona, (), tuple(kept))
    named = _named(lines, _origin(modules[0].sections[1]))
    return Divided(Persona(persona.name, persona.fields, (*_ending(core, "\n\n"), named)), tuple(modules), tuple(kept))


def without_modules(persona: Persona, conditions: Mapping[str, str]) -> Persona:
    """The persona without its modules, which it does not name either."""
    core = [section for id, sections in _runs(persona.sections, conditions) if not id for section in sections]
    return Persona(persona.name, persona.fields, _ending(core, "\n"))


def _runs(sections: tuple[Section, ...], conditions: Mapping[str, str]) -> Iterator[tuple[str, tuple[Section, ...]]]:
    """The sections in order, as pairs of id and sections: one pair for each module with its subsections, and one with
    the id `""` for each run of other sections.

    Args:
        conditions: the condition of each module, by the id of its section.
    """
    run: list[Section] = []
    id, level = "", 0
    for section in sections:
        if not (level and section.level > level):
            is_module = section.level > 0 and section.id is not None and section.id in conditions
            if run and (is_module or id):
                yield id, tuple(run)
                run = []
            id, level = (str(section.id), section.level) if is_module else ("", 0)
        run.append(section)
    if run:
        yield id, tuple(run)


def _origin(section: Section) -> Origin:
    return section.origin or Origin("release", "")


def _description(section: Section, condition: str) -> str:
    return f"{section.heading.lstrip('#').strip()}. Use when {condition}."


def _ending(sections: Sequence[Section], gap: str) -> tuple[Section, ...]:
    """The sections with this line end, or blank line, after the last."""
    if not sections:
        return ()
    last = sections[-1]
    if last.rules:
        last = last._replace(rules=(*last.rules[:-1], last.rules[-1]._replace(gap=gap)))
    else:
        last = last._replace(gap=gap)
    return (*sections[:-1], last)


def _named(lines: Sequence[str], origin: Origin) -> Section:
    """The section that names each skill and says when to load it."""
    rules = tuple(Rule(None, line, "\n", None, "item", 0, origin) for line in lines)
    return Section(None, 2, HEADING, "\n\n", None, 0, rules, origin)


def parted(body: str) -> tuple[str, str]:
    """A rendered body without the section that names the skills, and that section; empty if there is none. What
    somebody put between the skills or below them goes to the end of the body.
    """
    sections = parse_sections(body) if HEADING in body else ()
    at = next((n for n, section in enumerate(sections) if _names_skills(section)), None)
    if at is None:
        return body, ""
    lines = body.split("\n")
    text = "\n".join(lines[: sections[at].line - 1]).rstrip("\n")
    named, last = "", ["heading", *(rule.kind for rule in sections[at - 1].rules)][-1]
    for rule in sections[at].rules:
        if _NAMED.fullmatch(rule.text):
            named += f"{rule.text}\n"
        else:
            text += ("\n" if last == rule.kind == "item" else "\n\n") + rule.text
            last = rule.kind
    if below := sections[at + 1 :]:
        text += "\n\n" + "\n".join(lines[below[0].line - 1 :]).rstrip("\n")
    return f"{text}\n", f"\n{HEADING}\n\n{named}"


def in_place(body: str) -> str:
    """The body with the section that names the skills at its end."""
    return "".join(parted(body))


def _names_skills(section: Section) -> bool:
    return section.heading == HEADING and any(_NAMED.fullmatch(rule.text) for rule in section.rules)
