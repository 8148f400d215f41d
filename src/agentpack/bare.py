"""Collections: agent files of a place without a manifest, each read as leniently as the client it was written for.

Decides what of the given files is an agent, what it is called here, and why another file is left out. Which files are
given is decided elsewhere. One bad file never hinders the others.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from agentpack.clients import CLIENTS, written_for
from agentpack.clients.base import Client
from agentpack.clients.read_back import canonical, fields_and_body, front_matter
from agentpack.compose.compose import Pack
from agentpack.compose.parse import MAX_RULES, MAX_TEXT, Layer, WrittenSections, parse_sections, refuse_many
from agentpack.errors import Fault, InvalidFile
from agentpack.input.documents import NotYaml, decode
from agentpack.input.hidden_in_files import refuse_hidden
from agentpack.input.hidden_text import HiddenText
from agentpack.model.line_ends import MARK, lines_with_lf
from agentpack.model.names import slugs
from agentpack.model.pack import LeftOut, Release


class AgentFiles(NamedTuple):
    """The agents in a collection's files, by persona name, and the files that are left out."""

    personas: Mapping[str, Layer]
    names: Mapping[str, str]
    """What an agent is called in its file, by persona name, where that differs."""
    left_out: tuple[LeftOut, ...]


def read_bare(release: Release, *, hidden: bool = False) -> Pack:
    """The pack of a release without a manifest. It has no persona if each of its agent files is left out.

    Args:
        hidden: see `read_agents`.

    Raises:
        InvalidFile: the release has no agent file, unless the user chose none of its agents (`release.agents`).
    """
    found = read_agents(release.files, release.pack, hidden=hidden)
    if not found.personas and not found.left_out and release.agents is None:
        raise InvalidFile([Fault(str(release.pack), 0, "", "holds no agent file")])
    count = len(found.personas)
    header = {
        "name": release.pack,
        "version": str(release.version),
        "description": f"{count} agent file{'' if count == 1 else 's'}",
        "names": found.names,
        "left_out": [one._asdict() for one in found.left_out],
    }
    return Pack(release.pack, str(release.version), True, header, {}, found.personas, {})


def read_agents(files: Mapping[str, bytes], label: str, *, hidden: bool = False) -> AgentFiles:
    """The agents in these files, in the order of their paths. A file that is no agent at all is passed over.

    Args:
        files: contents by POSIX path.
        label: the prefix of each path in a layer.
        hidden: accept hidden characters in text that is used as it is.
    """
    found: dict[str, tuple[str, Layer]] = {}
    left_out: list[LeftOut] = []
    for path in sorted(files):
        try:
            layer = read_agent(path, files[path], label, hidden=hidden)
        except _Unusable as error:
            left_out.append(LeftOut(path, error.name, error.reason))
            continue
        if layer is None:
            continue
        name = layer.header["name"]
        first, _ = found.setdefault(name, (path, layer))
        if files[first] != files[path]:
            left_out.append(LeftOut(path, name, f"`{first}` has the same name"))
    personas: dict[str, Layer] = {}
    names: dict[str, str] = {}
    for name, short in slugs(found).items():
        path, layer = found[name]
        if short in personas:
            told = names.get(short, short)
            left_out.append(LeftOut(path, name, f"its name is too similar to `{told}`"))
            continue
        personas[short] = layer._replace(header={**layer.header, "name": short})
        if short != name:
            names[short] = name
    return AgentFiles(personas, names, tuple(sorted(left_out)))


class _Unusable(Exception):
    """An agent file that cannot be taken, with the agent's name if that is known."""

    def __init__(self, reason: str, name: str) -> None:
        super().__init__(reason)
        self.reason, self.name = reason, name


def name_in(path: str, data: bytes) -> str | None:
    """The name in the header of an agent file; None if it has none or cannot be read. `path` decides the format."""
    try:
        found = _read(path, data, path)
    except (InvalidFile, HiddenText):
        return None
    return found.header.get("name") if found else None


def fault_in(path: str, data: bytes) -> str:
    """Why an agent file cannot be taken; empty if it can."""
    try:
        return "" if read_agent(path, data, "") else "it is no agent file any more"
    except _Unusable as error:
        return error.reason


def read_agent(path: str, data: bytes, label: str, *, hidden: bool = False) -> Layer | None:
    """The agent in a file, with the name that the file has; None if the file is a document.

    Raises:
        _Unusable: it is an agent, and cannot be taken.
    """
    file = f"{label}/{path}"
    client = CLIENTS[written_for(path)]
    name = ""
    try:
        found = _read(path, data, file)
        if found is None:
            return None
        header = found.header
        name = header.get("name", "")
        if not hidden:
            refuse_hidden({path: data}, label)
        if reason := _missing(header) or _refused(client, found.fields) or client.unloadable(found.fields):
            raise _Unusable(reason, name)
        if len(found.body) > MAX_TEXT:
            raise _Unusable(f"longer than {MAX_TEXT // 1024} Ki characters", name)
        if found.body.count("\n") >= MAX_RULES:  # a rule has a line of its own
            refuse_many(parse_sections(found.body), file)
    except HiddenText as error:
        first, more = error.findings[0], len(error.findings) - 1
        place = f"on line {first.line}, column {first.column}" if first.line else "in its name"
        raise _Unusable(f"hidden text {place}: {first.what}{_and(more)}", name) from None
    except NotYaml as error:
        raise _Unusable(f"{client.title} cannot read its header: {_words(error.faults)}", name) from None
    except InvalidFile as error:
        raise _Unusable(_words(error.faults), name) from None
    text, length = (data, found.length) if path.endswith(".md") else (found.body.encode(), len(found.body))
    sections = WrittenSections(text, length, found.first_line)
    return Layer(file, {**header, "description": [{"text": header["description"]}]}, sections)


class _AgentText(NamedTuple):
    fields: Mapping[str, Any]
    """As the client reads them."""
    header: Mapping[str, Any]
    """As in a pack, with a name or a description or both."""
    body: str
    first_line: int
    """The line where the body begins, from 1."""
    length: int
    """Of the body as the file has it, in characters."""


def _read(path: str, data: bytes, file: str) -> _AgentText | None:
    """The header and the body of an agent file; None for a document.

    Raises:
        InvalidFile, HiddenText: its client or agentpack cannot read it.
    """
    client = CLIENTS[written_for(path)]
    if not path.endswith(".toml" if client.format == "toml" else ".md") or not _may_have_header(client, data):
        return None
    text = decode(data, file)
    if b"\r" in data:
        text = data.decode().removeprefix("\ufeff")  # Claude Code does not read every header with CRLF
    found = _header_and_body(client, text, file)
    if found is None:
        return None
    fields, body, first_line = found
    header, _ = canonical(client, fields)
    if "name" not in header and len(client.naming) > ("name" in client.naming):  # named after its file
        header["name"] = path.rpartition("/")[2].removesuffix(".md").removesuffix(".agent")
    if "name" not in header and "description" not in header:
        return None
    return _AgentText(fields, header, lines_with_lf(body), first_line, len(body))


def _may_have_header(client: Client, data: bytes) -> bool:
    return client.format != "markdown" or data.removeprefix(MARK).startswith(b"---")


def _header_and_body(client: Client, text: str, file: str) -> tuple[Mapping[str, Any], str, int] | None:
    """The fields, the body and the line where that begins; None for a text that is not of the client's form."""
    if client.format == "markdown":
        return front_matter(client, text, file)
    found = fields_and_body(client, text, file)
    return None if found is None else (*found, 1)


def _missing(header: Mapping[str, Any]) -> str:
    """What an agent lacks that every client wants; empty if it has both."""
    missing = [key for key in ("name", "description") if key not in header]
    return f"its header has no {missing[0]}" if missing else ""


def _refused(client: Client, fields: Mapping[str, Any]) -> str:
    """Why the client does not load a file with these tools; empty if it does."""
    refused = [key for key, value in fields.items() if client.refuses(key, value)]
    return f"{client.title} does not load an agent with such `{refused[0]}`" if refused else ""


def _words(faults: Iterable[Fault]) -> str:
    first, *more = faults
    return f"{f'line {first.line}: ' if first.line else ''}{first.message}{_and(len(more))}"


def _and(more: int) -> str:
    return f" (and {more} more)" if more else ""
