"""Read an agent's file back into a persona: files agentpack wrote, and files people wrote for a client.

A file is read as leniently as its client reads it. What has a canonical word is translated; what only this client knows
goes under `clients: {<client>: …}`, so that the persona renders for it as before.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from itertools import chain
from typing import Any, NamedTuple

from agentpack.clients.base import Client, ToolWords
from agentpack.clients.grammar import NONE, listed
from agentpack.errors import Fault, InvalidFile
from agentpack.input.documents import NotYaml, decode, read_toml, read_yaml
from agentpack.input.setting_forms import fit_setting
from agentpack.model.fields import MODELS, TOOLS

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):[ \t]*(.*)\Z")
_FENCE = re.compile(r"---[ \t]*\r?\Z")
_OPENING = re.compile(r"[\s\ufeff]*---")
_BLANK = r"(?:[^\S\x1c-\x1f\x85]|\ufeff)"
_CLAUDE = re.compile(rf"---(?>{_BLANK}*\n)(.*?)---[ \t\r]*\n?", re.DOTALL)
_FLAT = re.compile(rf"([a-zA-Z_-]+):{_BLANK}+(\S[^\r\u2028\u2029]*)\Z")
_SIGNS = re.compile(r"[{}\[\]*&#!|>%@`]|: |\A,")  # a comma in front is text to Claude Code, and no YAML to us
_TABS = re.compile(r"^\t+", re.MULTILINE)
_SHARED = re.compile(r"(?:^|[\s,\[{])[&!][^\s,]|<<[ \t]*:", re.MULTILINE)


class AgentFile(NamedTuple):
    """A persona as in one client's file."""

    header: Mapping[str, Any]
    """`name`, and if present `description`, `model`, `color`, `tools` and `clients`, as in a pack."""
    body: str
    ignored: tuple[str, ...] = ()
    """Fields the client does not know or would not accept."""
    unsaid: Mapping[str, Any] = {}
    """Fields of the file that are not in `header`: the ignored ones, and those agentpack writes in every file of the
    client."""


def read_agent_file(client: Client, data: bytes, stem: str) -> AgentFile:
    """Parse a file of that client, or an entry of a shared file.

    Args:
        stem: the file name without suffix, or the folder's name if each agent has a folder; the name of an
            agent whose file does not name it.

    Raises:
        InvalidFile: the client cannot read it either.
    """
    text = decode(data, stem)
    fields, body = fields_and_body(client, text, stem) or ({}, text)
    header, ignored = canonical(client, fields)
    unsaid = {key: fields[key] for key in (*ignored, *client.fixed, client.repeated) if key in fields}
    return AgentFile({"name": stem, **header}, body, ignored, unsaid)


def fields_and_body(
    client: Client, text: str, file: str, *, judging: bool = False
) -> tuple[dict[str, Any], str] | None:
    """The header fields of a client's file and its body; None if a Markdown file has no header.

    Args:
        judging: see `front_matter`.

    Raises:
        InvalidFile: the client cannot read it either.
    """
    if client.format == "body":
        return {}, text
    if client.format == "markdown":
        front = front_matter(client, text, file, judging=judging)
        return None if front is None else (front.fields, front.body)
    fields = _toml(text, file) if client.format == "toml" else dict(_map(text, file, hidden=judging))
    return fields, str(fields.pop(client.body, ""))


class FrontMatter(NamedTuple):
    """The front matter of a Markdown file, and the body."""

    fields: dict[str, Any]
    body: str
    first_line: int
    """The line where the body begins, from 1."""


def front_matter(client: Client, text: str, file: str, *, judging: bool = False) -> FrontMatter | None:
    """The header as that client finds and parses it; None if there is none.

    Args:
        judging: the result is used to determine capabilities. Escapes may stand for hidden characters, and what
            clients make of an invalid header is known for few.

    Raises:
        InvalidFile: the client cannot read it either, or how it reads it is unknown.
    """
    if client.header == "claude":
        found = _CLAUDE.match(text)
        if found is None:
            return None
        first_line = text.count("\n", 0, found.end()) + 1
        return FrontMatter(_fields_for_claude(found[1], file, judging=judging), text[found.end() :], first_line)
    lines = text.split("\n")
    for number, line in enumerate(lines[1:] if _FENCE.match(lines[0]) else (), 1):
        if _FENCE.match(line):
            head = "\n".join(lines[1:number])
            if judging and "---" in head:  # where some clients end the header
                raise InvalidFile([Fault(file, 1, "", "`---` within the header")])
            fields = _fields(head, file, strict=judging or client.header == "strict", hidden=judging)
            return FrontMatter(fields, "\n".join(lines[number + 1 :]), number + 2)
    if judging and _OPENING.match(text):  # to some clients a header: without an end, below blanks, `---json`
        raise InvalidFile([Fault(file, 1, "", "a header that is not between two `---` lines")])
    return None


def _map(text: str, file: str, first_line: int = 1, *, hidden: bool = False, loose: bool = False) -> Mapping[str, Any]:
    data = read_yaml(text, file, first_line=first_line, hidden=hidden, loose=loose).data
    if loose and not hidden and not isinstance(data, dict):
        return {}  # a text between two rules, say, and no agent
    if not isinstance(data, dict):
        raise InvalidFile([Fault(file, first_line, "", "not a map")])
    return data


def _toml(text: str, file: str) -> dict[str, Any]:
    return {key: _plain(value) for key, value in read_toml(text.encode(), file).items()}


def _plain(value: Any) -> Any:
    """A value as a pack can store it: floats and dates become text."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int) else str(value)


def _fields_for_claude(head: str, file: str, *, judging: bool) -> dict[str, Any]:
    """The fields as Claude Code 2.1.330 parses them. For a duplicate key, the last value counts. Invalid YAML is parsed
    again with quotes around each value that contains a character special to YAML.

    Args:
        judging: see `front_matter`.

    Raises:
        InvalidFile: the header cannot be read in either way.
    """
    try:
        return dict(_map(head, file, 2, hidden=judging, loose=True))
    except InvalidFile as error:
        if _SHARED.search(head) or (judging and not isinstance(error, NotYaml)):
            raise  # anchors, merge keys and tags, which we do not follow; what the client may read as it stands
    quoted = "\n".join(map(_quoted, head.split("\n")))
    tabless = _TABS.sub(lambda tabs: "  " * len(tabs[0]), quoted)
    return dict(_map(tabless, file, 2, hidden=judging, loose=True))


def _quoted(line: str) -> str:
    found = _FLAT.match(line)
    if found is None or not _SIGNS.search(found[2]):
        return line
    key, value = found.groups()
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return line
    if value.startswith("[") and value.endswith("]"):
        with suppress(InvalidFile):
            read_yaml(value, "")
            return line
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key}: "{escaped}"'


def _fields(head: str, file: str, *, strict: bool, hidden: bool) -> dict[str, Any]:
    """The fields of a header. Invalid YAML is parsed line by line, as lenient clients do."""
    try:
        return dict(_map(head, file, 2, hidden=hidden))
    except InvalidFile:
        if strict:
            raise
    fields: dict[str, Any] = {}
    key = None
    for line in head.split("\n"):
        match = _LINE.match(line.rstrip())
        if match is not None:
            key, value = match[1], match[2].strip()
            if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            fields[key] = value
        elif key is not None and line.strip() and not line.lstrip().startswith("#"):
            fields[key] = f"{fields[key]} {line.strip()}".strip()
    return fields


def canonical(client: Client, fields: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The persona header for these fields, and the names of the fields that have no equivalent."""
    rest = dict(fields)
    header: dict[str, Any] = {}
    for key, field in ((client.name_key, "name"), (client.description, "description")):
        if key is not None and isinstance(rest.get(key), str) and rest[key].strip():
            header[field] = rest.pop(key).strip()
    if client.name == "claude" and "description" in header:
        header["description"] = header["description"].replace("\\n", "\n").strip()
    rest.pop(client.repeated, None)
    for key, value in {**client.fixed, **client.unlimited}.items():
        if rest.get(key) == value or (key in client.fixed and key not in client.native):
            rest.pop(key, None)
    _take_model(client, rest, header)
    for field, choice in client.choices.items():
        if (word := choice.canonical(rest.get(choice.key))) is not None:
            header[field] = word
            del rest[choice.key]
    if client.tools is not None and (tools := _tools(client, client.tools, rest)) is not None:
        header["tools"] = tools
        del rest[client.tools.key]
    if client.tools is not None and (denied := _deny(client, client.tools, rest)):
        header["deny"] = denied
        del rest[client.tools.deny or client.tools.key]
    native: dict[str, Any] = {}
    ignored = []
    for key, value in _plain(rest).items():
        try:
            if key not in client.native:
                raise ValueError
            fit_setting(client.native[key], value)
            native[key] = value
        except ValueError:
            # a list of tools of a form that nobody expects is a restriction all the same
            if key in client.native and client.meaning(key) in ("allow", "deny"):
                native[key] = value
            else:
                ignored.append(key)
    if native:
        header["clients"] = {client.name: native}
    return header, tuple(ignored)


def _take_model(client: Client, rest: dict[str, Any], header: dict[str, Any]) -> None:
    key = client.model
    if key is None or not isinstance(rest.get(key), str):
        return
    model = rest[key]
    if client.provider is not None:
        if isinstance(rest.get(client.provider), str):
            header["model"] = f"{rest.pop(client.provider)}/{model}"
            del rest[key]
        return
    own = client.ids and model not in MODELS and re.fullmatch(client.ids, model)
    if model in client.models or own:
        header["model"] = rest.pop(key)


def _deny(client: Client, words: ToolWords, fields: Mapping[str, Any]) -> list[str] | None:
    """The canonical tools that the client's own denied ones are exactly; None when there are none such."""
    if words.style in ("map", "permissions"):
        value = fields.get(words.key)
        none = False if words.style == "map" else "deny"
        if not isinstance(value, dict) or any(grant != none for grant in value.values()):
            return None
        names = set(value)
    elif words.deny and words.deny in fields:
        every = {name for group in words.names for name in client.tools_of(group)}
        names = set(listed(client.denying, fields[words.deny], every.__contains__).names)
    else:
        return None
    found = [tool for tool in TOOLS if client.tools_of(tool) and names.issuperset(client.tools_of(tool))]
    covered = {name for tool in found for name in client.tools_of(tool)}
    return found if covered == names else None


def _tools(client: Client, words: ToolWords, fields: Mapping[str, Any]) -> list[str] | None:
    """The canonical tools that match the client's own exactly; None if there are none."""
    value = fields.get(words.key)
    if words.style == "permissions":
        # of the rules that match, the last counts: any other order means something else
        if not isinstance(value, dict) or next(iter(value.items()), None) != ("*", "deny"):
            return None
        granted = {name: grant for name, grant in value.items() if name != "*"}
        if any(_in_order(grant) != _in_order(words.grants.get(name, "allow")) for name, grant in granted.items()):
            return None
        names, none = set(granted), True
    else:
        form, read = listed(client.grammar, value, {*chain(*words.names.values())}.__contains__)
        names, none = set(read), form == NONE and value == []
    found = [tool for tool in TOOLS if words.names.get(tool) and names.issuperset(words.names[tool])]
    covered = {name for tool in found for name in words.names[tool]}
    return found if covered == names and (found or none) else None


def _in_order(grant: Any) -> Any:
    """What a tool is granted, as a value that differs where the order of its rules does."""
    return tuple(grant.items()) if isinstance(grant, dict) else grant
