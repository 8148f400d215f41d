"""An agent file -> how much of a rendering it holds, and a pack of its own for one that nobody knows.

Decides when a file counts as a release with edits, and how a foreign file is written down as a persona: with an id for
every rule, so that it can be kept, diffed and varied like any other. Nothing here reads or writes a disk.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from agentpack.bare import read_agent
from agentpack.compose.composing import Values, compose
from agentpack.compose.layers import first_draft
from agentpack.compose.parse import Layer, PersonaText, parse_sections, split_front_matter
from agentpack.edits import braced, escaped, fresh_id
from agentpack.errors import InvalidFile
from agentpack.model.names import persona_name_fault
from agentpack.model.persona import Origin
from agentpack.targets.claude import canonical_tools
from agentpack.targets.emit import yaml_header

ENOUGH = 0.5
"""The share of rules in common, of all that either has, from which a file counts as a release with edits."""
VERSION = "0.1.0"
_PART = 4000
"""The longest part of a description, in characters."""


class Agent(NamedTuple):
    """An agent file as it was read. `fault` says why it cannot be one of ours."""

    name: str
    layer: Layer | None
    rules: frozenset[str]
    fault: str | None = None


def read_file(data: bytes, file: str, stem: str) -> Agent:
    """The agent in a Markdown file with front matter."""
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError:
        return Agent("", None, frozenset(), "it is not UTF-8")
    layer = read_agent(text, file, stem)
    if layer is None:
        return Agent("", None, frozenset(), "it has no header with a name and a description, so no client reads it")
    name = layer.header["name"]
    fault = persona_name_fault(name)
    if fault is None and name != stem:
        fault = f"its name is `{name}`, for which agentpack would write `{name}.md`: rename the file"
    return Agent(name, layer, _rules(layer), fault)


def rules_of(text: str) -> frozenset[str]:
    """The rules of a rendered file, white space aside."""
    parts = split_front_matter(text)
    return _rule_texts(parse_sections(parts[1])) if parts else frozenset()


def _rules(layer: Layer) -> frozenset[str]:
    return _rule_texts(layer.sections)


def _rule_texts(sections: Any) -> frozenset[str]:
    return frozenset(" ".join(rule.text.split()) for section in sections for rule in section.rules)


def shared(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of rules in common, 0 to 1."""
    return len(one & other) / len(one | other) if one or other else 0.0


# A pack of its own.


def local_pack(pack: str, agent: Agent, text: str) -> dict[str, bytes]:
    """The files of a pack whose only persona is this agent, by path in the pack."""
    assert agent.layer is not None
    description = " ".join(part["text"] for part in agent.layer.header["description"])
    header = {"schema": 1, "name": pack, "version": VERSION, "description": _line(description)}
    manifest = "".join(f"{line}\n" for line in yaml_header(header).splitlines()[1:-1])
    persona = yaml_header(_fields(agent.layer.header, description)) + _body(agent, text)
    return {"pack.yaml": manifest.encode(), f"personas/{agent.name}.md": persona.encode()}


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:197].rstrip() + "…"


def _fields(header: Mapping[str, Any], description: str) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": header["name"], "description": _parts(escaped(description))}
    natives = dict(header.get("clients", {}).get("claude", {}))
    tools = canonical_tools(natives["tools"]) if "tools" in natives else None
    if tools:
        fields["tools"] = tools
        del natives["tools"]
    for key in ("model", "color"):
        if header.get(key):
            fields[key] = escaped(header[key])
    if natives:
        fields["clients"] = {"claude": natives}
    return fields


def _parts(text: str) -> str | list[str]:
    """A description, when it is longer than one part may be in parts that are the text when they are joined with
    blanks."""
    parts = []
    while len(text) > _PART and (at := text.rfind(" ", 1, _PART)) > 0:
        parts.append(text[:at])
        text = text[at + 1 :]
    return [*parts, text] if parts else text


def _body(agent: Agent, text: str) -> str:
    """The body as a persona has it: with ids where that gives the same text again, else as it stands."""
    assert agent.layer is not None
    parts = split_front_matter(text)
    body = parts[1] if parts else ""
    with_ids = "".join(_with_ids(agent.layer))
    return with_ids if _reads_as(with_ids, body) else escaped(body)


def _with_ids(layer: Layer) -> Iterator[str]:
    taken: set[str] = set()
    for section in layer.sections:
        if section.level:
            yield braced(escaped(section.heading), fresh_id(section.heading, taken))
        yield section.gap
        for rule in section.rules:
            first = rule.text.partition("\n")[0]
            # a line that ends in blanks, as a hard break does, would lose them to the braces
            plain = first != first.rstrip(" \t")
            yield escaped(rule.text) if plain else braced(escaped(rule.text), fresh_id(rule.text, taken))
            yield rule.gap


def _reads_as(body: str, text: str) -> bool:
    header = yaml_header({"name": "some-agent", "description": "Some agent."})
    try:
        layer = PersonaText({}).persona(header + body, "persona")
        persona = compose(first_draft(layer, Origin("release", "")), Values({}, frozenset()))
    except InvalidFile:
        return False
    return persona.body == text
