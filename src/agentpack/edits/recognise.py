"""Recognise an agent file: how much of a rendering it contains, or make a new pack from it.

Decides when a file counts as an edited release, and how a foreign file becomes a persona: with an id for every rule, so
that it can be kept, compared and varied like any other. Nothing here reads or writes a file.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from agentpack.clients.base import Client
from agentpack.clients.read_back import AgentFile, read_agent_file
from agentpack.compose.compose import ParameterValues, compose
from agentpack.compose.layers import first_draft
from agentpack.compose.parse import MAX_RULES, PersonaText, parse_sections, split_front_matter
from agentpack.edits.rules import braced, escaped, fresh_id
from agentpack.errors import Fault, InvalidFile
from agentpack.input.documents import decode
from agentpack.input.hidden_in_files import value_findings
from agentpack.input.hidden_text import HiddenCharacter, HiddenText, text_findings
from agentpack.model.fields import FIELDS
from agentpack.model.names import persona_name_fault
from agentpack.model.persona import Origin, Section
from agentpack.model.unmerged import MARKERS
from agentpack.writers.emit import yaml_header

ENOUGH = 0.5
"""The share of common rules, of all rules on either side, from which a file counts as an edited release."""
NO_AGENT = "it has no header with a name and a description, so no client reads it"
VERSION = "0.1.0"
_PART = 4000
"""The longest part of a description, in characters."""


class Agent(NamedTuple):
    """An agent file that was read. `fault` says why it cannot be adopted."""

    name: str
    header: Mapping[str, Any]
    """As in `read_back.AgentFile`, always with a description."""
    body: str
    rules: frozenset[str]
    fault: str | None = None
    fields: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {})
    """Everything in the header: what a persona can express, and the rest."""
    ignored: tuple[str, ...] = ()
    """Fields of the rest that agentpack does not write for the client."""

    def is_equivalent(self, other: "Agent") -> bool:
        """Whether the client reads the same in both, apart from line ends and blank lines around the body."""
        return self.fields == other.fields and _within_blank_lines(self.body) == _within_blank_lines(other.body)


def _within_blank_lines(body: str) -> list[str]:
    lines = body.split("\n")
    kept = [number for number, line in enumerate(lines) if line.strip()]
    return lines[kept[0] : kept[-1] + 1] if kept else []


def read_file(target: Client, data: bytes, stem: str) -> Agent:
    """The agent in a client's file, or in one entry of a shared file, for a pack with personas.

    Args:
        stem: the agent's name according to the file name; for an entry, its key.
    """
    read = _read(target, data)
    if isinstance(read, str):
        return Agent("", {}, "", frozenset(), read)
    name, description = str(read.header["name"]), str(read.header.get("description") or "")
    fault = None
    if (target.name == "claude" and not (name and description)) or _headless(target, data):
        fault = NO_AGENT
    name = name or stem
    fault = fault or persona_name_fault(name)
    if fault is None and name in target.reserved:
        fault = _kept(target, name)
    if fault is None and name != stem:
        file = target.file.replace("{name}", name)
        fault = f"its name is `{name}`, for which agentpack would write `{file}`: rename the file, then adopt it"
    return _agent(read, name, fault)


def read_collected(target: Client, data: bytes, path: str) -> Agent:
    """The agent in a file for a collection, which has any name that the client takes.

    Args:
        path: of the file in the collection, by which it is known which client it is for.
    """
    from agentpack.bare import read_agents  # not for files that are in no collection

    read = _read(target, data)
    found = read_agents({path: data}, "")
    if not found.personas and not found.left_out:
        return Agent("", {}, "", frozenset(), NO_AGENT)
    if isinstance(read, str) or not found.personas:
        fault = read if isinstance(read, str) else found.left_out[0].reason
        return Agent("", {}, "", frozenset(), fault)
    slug = next(iter(found.personas))
    name = found.names.get(slug, slug)
    return _agent(read, name, _kept(target, name) if name in target.reserved else None)


def _read(target: Client, data: bytes) -> AgentFile | str:
    """What the client reads in a file, or why it cannot be adopted."""
    try:
        read = read_agent_file(target, data, "")
    except InvalidFile as error:
        return "; ".join(map(_fault_words, error.faults))
    except HiddenText as error:
        return _hidden(error.findings)
    if found := text_findings(data, "", limit=5) or list(_escaped(read.header)) or value_findings(read.body, "", 1, 1):
        return _hidden(found)
    return read


def _agent(read: AgentFile, name: str, fault: str | None) -> Agent:
    # a client that needs no description is given none to show; a pack has one all the same
    header = {**read.header, "name": name, "description": str(read.header.get("description") or "") or name}
    fields = ({**read.header, "name": name}, read.unsaid)
    return Agent(name, header, read.body, rules_of(read.body), fault, fields, read.ignored)


def _kept(target: Client, name: str) -> str:
    return f"`{name}` is a name reserved by {target.title}"


def _fault_words(fault: Fault) -> str:
    return f"{fault.message} on line {fault.line}" if fault.message == MARKERS else fault.message


def _hidden(findings: Sequence[HiddenCharacter]) -> str:
    places = ", ".join(f"{found.what} at {found.line}:{found.column}" for found in findings[:5])
    return f"it holds hidden text: {places}"


def _escaped(value: Any) -> Iterator[HiddenCharacter]:
    """Hidden characters behind escapes in the values of a header, in any format."""
    if isinstance(value, str):
        yield from value_findings(value, "", 1, 1)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _escaped(key)
            yield from _escaped(item)
    elif isinstance(value, list):
        for item in value:
            yield from _escaped(item)


def _headless(client: Client, data: bytes) -> bool:
    """Whether a client's Markdown has no front matter, and so may be any document."""
    return client.format == "markdown" and split_front_matter(decode(data, "")) is None


def rules_of(body: str) -> frozenset[str]:
    """The rules of a body, ignoring white space."""
    return frozenset(" ".join(rule.text.split()) for section in parse_sections(body) for rule in section.rules)


def rule_similarity(one: frozenset[str], other: frozenset[str]) -> float:
    """How many of the rules in either set are in both, from 0 to 1; 0 for two empty sets."""
    return len(one & other) / len(one | other) if one or other else 0.0


# A pack of its own.


def local_pack(pack: str, agents: Sequence[Agent]) -> dict[str, bytes]:
    """The files of a pack whose only persona is this agent, by path in the pack.

    Args:
        agents: the agent as in each client's file: the first one counts, from the others only what their client
            knows.
    """
    agent = agents[0]
    description = agent.header["description"]
    header = {"schema": 1, "name": pack, "version": VERSION, "description": _line(description)}
    manifest = "".join(f"{line}\n" for line in yaml_header(header).splitlines()[1:-1])
    natives = {client: fields for one in agents for client, fields in one.header.get("clients", {}).items()}
    persona = yaml_header(_fields(agent.header, natives)) + _body(agent.body)
    return {"pack.yaml": manifest.encode(), f"personas/{agent.name}.md": persona.encode()}


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 200 else line[:197].rstrip() + "…"


def _fields(header: Mapping[str, Any], natives: Mapping[str, Any]) -> dict[str, Any]:
    given = {**header, "clients": dict(natives)}
    fields: dict[str, Any] = {"name": header["name"]}
    for key, field in FIELDS.items():
        value = given.get(key)
        if field.kind == "list" and key in given:
            fields[key] = value
        elif value:
            text = escaped(value) if isinstance(value, str) else value
            fields[key] = _parts(text) if field.kind == "parts" else text
    return fields


def _parts(text: str) -> str | list[str]:
    """A description longer than one part may be, split into parts that join to the same text with spaces."""
    parts = []
    while len(text) > _PART and (at := text.rfind(" ", 1, _PART)) > 0:
        parts.append(text[:at])
        text = text[at + 1 :]
    return [*parts, text] if parts else text


def _body(body: str) -> str:
    """The body as a persona has it: with ids if that renders to the same text, else unchanged."""
    sections = parse_sections(body)
    if sum(1 + len(section.rules) for section in sections) > MAX_RULES + 1:
        return escaped(body)  # which is refused where it is read
    with_ids = "".join(_with_ids(sections))
    return with_ids if _reads_as(with_ids, body) else escaped(body)


def _with_ids(sections: Iterable[Section]) -> Iterator[str]:
    taken: set[str] = set()
    for section in sections:
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
        persona = compose(first_draft(layer, Origin("release", "")), ParameterValues({}, frozenset()))
    except InvalidFile:
        return False
    return persona.body == text
