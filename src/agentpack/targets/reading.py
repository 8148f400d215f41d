"""An agent's file back to a persona: what a client's adapter says, read again, and what people wrote for that client.

A file is read as leniently as its client reads it. What has one canonical word becomes it; what only that client knows
goes under `clients: {<client>: …}`, so that the persona is rendered for it as it was.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from agentpack.compose.parse import split_front_matter
from agentpack.errors import Fault, InvalidFile
from agentpack.model.fields import COLORS, MODELS, TOOLS
from agentpack.safety.documents import decode, read_toml, read_yaml
from agentpack.targets import TARGETS
from agentpack.targets.declared import Declaration, ToolWords, fitted

STRICT = frozenset(("cline", "copilot", "deepagents", "gemini", "goose", "kimi"))
"""Clients that pass over a file whose header is no valid YAML. The others take a field's text as it stands."""
_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):[ \t]*(.*)\Z")
_FENCE = re.compile(r"---[ \t]*\r?\Z")


class AgentFile(NamedTuple):
    """A persona as one client's file says it."""

    header: Mapping[str, Any]
    """`name`, and where the file has them `description`, `model`, `color`, `tools` and `clients`, as in a pack."""
    body: str
    ignored: tuple[str, ...] = ()
    """Fields that the client does not know or would not take."""
    unsaid: Mapping[str, Any] = {}
    """What the header does not say of the file: the fields ignored, and those that agentpack gives every file of the
    client."""


def read_agent_file(client: str, data: bytes, stem: str) -> AgentFile:
    """A file of that client, or of a shared file the text of one entry.

    Args:
        stem: the file's name without its ending, the folder's for a client that has one for each agent; the name of an
            agent whose file does not say one.

    Raises:
        InvalidFile: the client does not read it either.
    """
    declaration = TARGETS.named(client).declaration
    assert declaration is not None
    return read_declared(declaration, data, stem)


def read_declared(declaration: Declaration, data: bytes, stem: str) -> AgentFile:
    """The same for a client that is known by its declaration, which a user may have written."""
    text = decode(data, stem)
    if declaration.format == "markdown":
        head, body = split_header(text)
        fields = {} if head is None else read_fields(head, stem, strict=declaration.client in STRICT)
    else:
        fields, body = fields_and_body(declaration, text, stem) or ({}, text)
    header, ignored = canonical(declaration, fields)
    unsaid = {key: fields[key] for key in (*ignored, *declaration.fixed) if key in fields}
    return AgentFile({"name": stem, **header}, body, ignored, unsaid)


def fields_and_body(
    declaration: Declaration, text: str, file: str, *, hidden: bool = False
) -> tuple[dict[str, Any], str] | None:
    """The fields of a client's file and its body, None where a Markdown file has no header.

    Args:
        hidden: as for `read_fields`.

    Raises:
        InvalidFile: the header is not valid, however leniently the client reads it.
    """
    if declaration.format == "body":
        return {}, text
    if declaration.format == "markdown":
        parts = split_front_matter(text)
        return None if parts is None else (dict(_map(parts[0], file, 2, hidden=hidden)), parts[1])
    fields = _toml(text, file) if declaration.format == "toml" else dict(_map(text, file, hidden=hidden))
    return fields, str(fields.pop(declaration.body, ""))


def split_header(text: str) -> tuple[str | None, str]:
    """The header between the fences, None where there is none, and what is behind it."""
    lines = text.split("\n")
    if _FENCE.match(lines[0]):
        for number, line in enumerate(lines[1:], 1):
            if _FENCE.match(line):
                return "\n".join(lines[1:number]), "\n".join(lines[number + 1 :])
    return None, text


def _map(text: str, file: str, first_line: int = 1, *, hidden: bool = False) -> Mapping[str, Any]:
    data = read_yaml(text, file, first_line=first_line, hidden=hidden).data
    if not isinstance(data, dict):
        raise InvalidFile([Fault(file, first_line, "", "not a map")])
    return data


def _toml(text: str, file: str) -> dict[str, Any]:
    return {key: _plain(value) for key, value in read_toml(text.encode(), file).items()}


def _plain(value: Any) -> Any:
    """A value as a pack can hold it: numbers with a point and dates are text there."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str | int) else str(value)


def read_fields(head: str, file: str, *, strict: bool = False, hidden: bool = False) -> dict[str, Any]:
    """The fields of a header. One that is no valid YAML is read line by line, as lenient clients do.

    Args:
        hidden: escapes may stand for text that no reader sees: where a file is only looked at.

    Raises:
        InvalidFile: it is no valid YAML, and `strict`.
    """
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


def canonical(declaration: Declaration, fields: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The header of a persona that says what the fields say, and the names of the fields that nothing came of."""
    rest = dict(fields)
    header: dict[str, Any] = {}
    for key, field in ((declaration.name, "name"), (declaration.description, "description")):
        if key is not None and isinstance(rest.get(key), str) and rest[key].strip():
            header[field] = rest.pop(key).strip()
    if declaration.client == "claude" and "description" in header:
        header["description"] = header["description"].replace("\\n", "\n").strip()
    for key, value in {**declaration.fixed, **declaration.unlimited}.items():
        if rest.get(key) == value or (key in declaration.fixed and key not in declaration.native):
            rest.pop(key, None)
    _take_model(declaration, rest, header)
    _take_color(declaration, rest, header)
    if declaration.tools is not None and (tools := _tools(declaration.tools, rest.get(declaration.tools.key))):
        header["tools"] = tools
        del rest[declaration.tools.key]
    native: dict[str, Any] = {}
    ignored = []
    for key, value in rest.items():
        try:
            if key not in declaration.native:
                raise ValueError
            fitted(declaration.native[key], value)
            native[key] = value
        except ValueError:
            ignored.append(key)
    if native:
        header["clients"] = {declaration.client: native}
    return header, tuple(ignored)


def _take_model(declaration: Declaration, rest: dict[str, Any], header: dict[str, Any]) -> None:
    key = declaration.model
    if key is None or not isinstance(rest.get(key), str):
        return
    model = rest[key]
    if declaration.provider is not None:
        if isinstance(rest.get(declaration.provider), str):
            header["model"] = f"{rest.pop(declaration.provider)}/{model}"
            del rest[key]
        return
    own = declaration.ids and model not in MODELS and re.fullmatch(declaration.ids, model)
    if model in declaration.models or own:
        header["model"] = rest.pop(key)


def _take_color(declaration: Declaration, rest: dict[str, Any], header: dict[str, Any]) -> None:
    key = declaration.color
    if key is None or not isinstance(rest.get(key), str):
        return
    for color in COLORS:
        if declaration.colors.get(color) == rest[key].lower():
            header["color"] = color
            del rest[key]
            return


def _tools(words: ToolWords, value: Any) -> list[str]:
    """The canonical tools that the client's own ones are exactly; empty when there are none such."""
    if words.style == "permissions":
        if not isinstance(value, dict) or value.get("*") != "deny":
            return []
        granted = {name: grant for name, grant in value.items() if name != "*"}
        if any(grant != words.grants.get(name, "allow") for name, grant in granted.items()):
            return []
        names = set(granted)
    else:
        listed = value.split(",") if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):
            return []
        names = {name.strip() for name in listed if name.strip()}
    found = [tool for tool in TOOLS if words.names.get(tool) and names.issuperset(words.names[tool])]
    covered = {name for tool in found for name in words.names[tool]}
    return found if covered == names else []
