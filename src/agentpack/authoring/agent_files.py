"""The rules of `pack check` for agent files outside of packs: header, name, description, text, as the client reads it.

Decides about the file as a whole; `agent_fields.py` decides about the other fields of its header. What a client accepts
is data in its `Client`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, NamedTuple

from agentpack.authoring.agent_fields import field_findings
from agentpack.authoring.findings import ERROR, WARNING, CheckFinding
from agentpack.clients.base import Client, ending
from agentpack.clients.read_back import fields_and_body
from agentpack.clients.render import interpreted
from agentpack.errors import InvalidFile
from agentpack.input.documents import MAX_FAULTS, decode, read_yaml
from agentpack.input.hidden_text import HiddenCharacter, HiddenText, text_findings

_SHOWN = 5
"""Largest number of hidden characters reported for one file."""
_QUOTED = re.compile(r"""["'](.*)["']\Z""")
_AFTER_KEY = re.compile(r":(?=\s|\Z)|=")
_TOP_KEY = re.compile(r"([A-Za-z][\w-]*):(?:[ \t]|\Z)")
_PLAIN_COMMENT = re.compile(r"""[A-Za-z][\w-]*:[ \t]+[^\s"'|>\[{#&*!].*?[ \t](#.*)\Z""")


class AgentText(NamedTuple):
    """A file to check: one agent, or one entry of a file with several."""

    client: Client
    file: str
    """As the user sees it."""
    data: bytes
    root: str
    """The folder of agents, which names must be unique in."""
    below: str
    """The path below that folder; the key of an entry."""
    asked: bool = False
    """Whether the user named this file, so that it must be an agent."""
    line: int = 1
    """The line where an entry begins."""
    fault: str = ""
    """Why a file with several agents cannot be read."""
    unread: bool = False
    """Whether the client does not look for agents under this name, or so deep below its folder."""

    def finding(
        self, rule: str, message: str, hint: str | None = None, *, line: int = 0, level: str = ""
    ) -> CheckFinding:
        """A finding in this file, at a line of its own text; 0 for the whole file."""
        return CheckFinding(self.file, line and line + self.line - 1, rule, message, hint, level)


class CheckedAgent(NamedTuple):
    """A checked file: the findings, and its name to the client; empty if it is no agent there."""

    text: AgentText
    findings: tuple[CheckFinding, ...] = ()
    name: str = ""
    is_document: bool = False
    """Whether it has no header, so that the client does not take it for an agent."""


class Header(NamedTuple):
    """The header of an agent file, as its client reads it."""

    fields: Mapping[str, Any]
    lines: tuple[str, ...]
    """The lines of the file down to the end of the header; all lines if the header has no end."""
    numbers: Mapping[str, int]
    """The first line that begins with a key, for each of them."""

    def line_of(self, key: str) -> int:
        """The line of a key, from 1; 0 if it is not on a line of its own."""
        return self.numbers.get(key, 0)


def check_agent(text: AgentText) -> CheckedAgent:
    """The findings in one agent file, and the agent's name to its client."""
    hidden = [one for one in text_findings(text.data, text.file, limit=_SHOWN) if one.why != "not-utf-8"]
    found = list(_hidden(text, hidden))
    if text.fault:
        return CheckedAgent(text, (*found, text.finding("A102", f"{text.client.title} cannot read it: {text.fault}")))
    if text.unread:
        found.append(_unread(text))
    try:
        decoded = decode(text.data, text.file)
        parts = fields_and_body(text.client, decoded, text.file)
    except HiddenText as error:
        return CheckedAgent(text, (*found, *_hidden(text, error.findings)))
    except InvalidFile as error:
        return CheckedAgent(text, (*found, *_unreadable(text, error)))
    if parts is None:
        opened = re.match(r"\s*---", decoded) is not None
        if not (text.asked or opened):
            return CheckedAgent(text, tuple(found), is_document=True)
        return CheckedAgent(text, (*found, _headless(text, opened)))
    fields, body = parts
    header = _header(text.client, decoded, fields, body)
    name = _name(text, fields)
    form = tuple(_form_findings(text, header))
    found += form
    if not any(one.rule == "A102" for one in form):
        found += _name_findings(text, header, name)
        found += _description_findings(text, header)
        found += islice(field_findings(text, header), MAX_FAULTS)
    found += _body_findings(text, header, body)
    return CheckedAgent(text, tuple(found), name)


def clashes(agents: Iterable[CheckedAgent]) -> Iterator[CheckFinding]:
    """A finding for each file whose client takes another one of the same folder for the same agent."""
    same: dict[tuple[str, str, str], list[CheckedAgent]] = {}
    for agent in agents:
        if agent.name:
            client = agent.text.client
            same.setdefault((client.name, agent.text.root, client.identity(agent.name)), []).append(agent)
    for group in same.values():
        if len({agent.text.data for agent in group}) == 1:
            continue
        ordered = sorted(group, key=lambda agent: agent.text.below.encode())
        used = ordered[-1].text if ordered[0].text.client.file_rules.last_wins else None
        title = ordered[0].text.client.title
        for agent in ordered:
            if agent.text is used:
                continue
            others = " and ".join(f"`{other.text.file}`" for other in ordered if other is not agent)
            message = f"`{agent.name}` is also used by {others}; {title} uses only one of them"
            if used is not None:
                message = f"{title} ignores this file and uses `{used.file}`, which has the same name `{agent.name}`"
            yield agent.text.finding("A203", message, "give each agent a different name")


def _hidden(text: AgentText, found: Iterable[HiddenCharacter]) -> Iterator[CheckFinding]:
    for one in list(found)[:_SHOWN]:
        yield text.finding("P701", f"column {one.column}: {one.what}", line=one.line)


def _unreadable(text: AgentText, error: InvalidFile) -> Iterator[CheckFinding]:
    for fault in error.faults:
        place = f"`{fault.key}`: " if fault.key else ""
        message = f"{text.client.title} cannot read the file: {place}{fault.message}"
        yield text.finding("A102", message, fault.hint or error.hint, line=fault.line)


def _unread(text: AgentText) -> CheckFinding:
    client = text.client
    wanted = client.file.replace("{name}", "NAME")
    where = f"`{wanted}` right in its folder" if not client.nested else f"`{wanted}`"
    return text.finding("A106", f"{client.title} does not read this file: it looks for {where}", "rename or move it")


def _headless(text: AgentText, opened: bool) -> CheckFinding:
    title = text.client.title
    if opened:
        hint = "begin the file with a line `---`, and end the header with another"
        return text.finding("A101", f"{title} finds no header, and ignores the file", hint, line=1)
    hint = "begin the file with a header between two `---` lines, with `name:` and `description:`"
    return text.finding("A101", f"there is no header, so {title} ignores the file", hint, line=1)


def _header(client: Client, decoded: str, fields: Mapping[str, Any], body: str) -> Header:
    if client.format == "markdown" and decoded.endswith(body):
        decoded = decoded[: len(decoded) - len(body)]
    lines, numbers = tuple(decoded.split("\n")), dict[str, int]()
    for number, line in enumerate(lines, 1):
        key, *after = _AFTER_KEY.split(line, maxsplit=1)
        if after:
            numbers.setdefault(_QUOTED.sub(r"\1", key.rstrip(" \t")), number)
    return Header(fields, lines, numbers)


# The form of the header.


def _form_findings(text: AgentText, header: Header) -> Iterator[CheckFinding]:
    client = text.client
    if client.format != "markdown":
        return
    lines = [line.rstrip() for line in header.lines]
    while lines and not lines[-1]:
        lines.pop()
    if not header.fields and any(lines[1:-1]):
        yield from _unread_header(text, lines[1:-1])
        return
    if lines and not lines[-1].startswith("---"):
        message = f"{client.title} ends the header at the `---` in this line, and ignores the fields below it"
        yield text.finding("A103", message, "write another dash, such as `–`", line=len(lines))
    seen: set[str] = set()
    for number, line in enumerate(lines[1:], 2):
        if found := _TOP_KEY.match(line):
            if found[1] in seen:
                yield text.finding("A105", f"duplicate field `{found[1]}`; {client.title} uses the last", line=number)
            seen.add(found[1])
            if found[1] in (client.name_key, client.description) and (cut := _comment(header, found[1], line)):
                message = f"`{found[1]}` ends before `{cut[:40]}`, which YAML reads as a comment"
                yield text.finding("A104", message, "put the value in quotes", line=number)


def _unread_header(text: AgentText, lines: list[str]) -> Iterator[CheckFinding]:
    try:
        read_yaml("\n".join(lines), text.file, first_line=2)
    except InvalidFile as error:
        yield from _unreadable(text, error)
    except HiddenText as error:
        yield from _hidden(text, error.findings)


def _comment(header: Header, key: str, line: str) -> str:
    """The comment on the line of a value, if the client does not read it as part of the value; else empty."""
    found = _PLAIN_COMMENT.match(line)
    value = header.fields.get(key)
    return found[1] if found and isinstance(value, str) and found[1] not in value else ""


# The name and the description.


def _name(text: AgentText, fields: Mapping[str, Any]) -> str:
    """The name the client gives the agent; empty if it has none."""
    client = text.client
    if client.shared is not None:
        return text.below
    below = next((text.below.removesuffix(end) for end in client.endings if text.below.endswith(end)), None)
    below = text.below.removesuffix(ending(client)) if below is None else below
    said = fields.get(client.name_key) if client.name_key else None
    names = {
        "name": said if isinstance(said, str) and said.strip() else "",
        "path": below,
        "stem": below.rpartition("/")[2],
    }
    return next((names[way] for way in client.naming if names[way]), "")


def _name_findings(text: AgentText, header: Header, name: str) -> Iterator[CheckFinding]:
    client = text.client
    key = client.name_key or "name"
    line = header.line_of(key)
    if not name:
        message = f"missing `{key}`, so {client.title} does not load the file"
        if header.fields.get(key) is not None:
            message = f"`{key}` is not text, so {client.title} does not load the file"
        hint = "put it in quotes" if line else f"add `{key}:` to the header"
        yield text.finding("A201", message, hint, line=line)
    elif client.file_rules.names and not re.fullmatch(client.file_rules.names, name):
        yield text.finding(
            "A201", f"`{name}` is not a name that {client.title} accepts", _slug(client, name), line=line
        )
    elif name in client.file_rules.own_agents:
        message = f"this file replaces {client.title}'s built-in agent `{name}`"
        yield text.finding("A204", message, "give it another name, unless that is what you want", line=line)
    elif name in client.reserved:
        message = f"`{name}` is a name reserved by {client.title}"
        yield text.finding("A204", message, "give the agent another name", line=line)


def _slug(client: Client, name: str) -> str | None:
    slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"such as `{slug}`" if re.fullmatch(client.file_rules.names, slug) else None


def _description_findings(text: AgentText, header: Header) -> Iterator[CheckFinding]:
    client = text.client
    key = client.description
    if key is None:
        return
    value, line = header.fields.get(key), header.line_of(key)
    if isinstance(value, str) and value.strip():
        if client.long_description and len(value) > client.long_description:
            message = f"`{key}` has {len(value):,} characters; {client.title} may cut it at {client.long_description:,}"
            yield text.finding("A501", message, line=line)
        return
    needed = client.file_rules.needs_description
    says = f"`{key}` is not text" if value not in (None, "") and not isinstance(value, str) else f"missing `{key}`"
    why = f"{client.title} does not load the file" if needed else f"{client.title} cannot tell when to use the agent"
    hint = "put it in quotes" if says.endswith("text") else f"add `{key}:` with when to use the agent"
    yield text.finding("A202", f"{says}, so {why}", hint, line=line, level=ERROR if needed else WARNING)


# The text.


def _body_findings(text: AgentText, header: Header, body: str) -> Iterator[CheckFinding]:
    client = text.client
    length = len(body.strip())
    if length < client.shortest_body:
        least = f"{client.shortest_body} characters" if client.shortest_body > 1 else "some text"
        message = f"{client.title} does not load the file: it needs {least} below the header"
        yield text.finding("A502", message, level=ERROR)
    if client.longest_body and len(body) > client.longest_body:
        yield text.finding(
            "A502", f"the text has {len(body):,} characters; {client.title} allows {client.longest_body:,}"
        )
    first = len(header.lines) if client.format == "markdown" else 0
    for live, at in interpreted(client, body):
        line = first + body.count("\n", 0, at) if first else 0
        message = f"{client.title} replaces `{live}` in the text instead of showing it to the agent"
        yield text.finding("A503", message, "write it with a space in it, such as `$ {word}`", line=line)
