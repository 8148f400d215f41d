"""Bare packs: folders of agent files without a manifest, read as leniently as Claude Code reads them.

Claude Code takes a field's text as it stands when the header is no valid YAML, and turns the two characters `\\n` of
a description into a line break; both were seen in the client itself. The body is kept byte for byte.
"""

import re
from typing import Any

from agentpack.compose.composing import Pack
from agentpack.compose.parse import Layer, parse_sections, split_front_matter
from agentpack.errors import Fault, InvalidFile
from agentpack.model.fields import COLORS
from agentpack.model.names import persona_name_fault
from agentpack.model.pack import Release
from agentpack.safety.documents import decode, read_yaml
from agentpack.targets.claude import DECLARATION

_LINE = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):[ \t]*(.*)\Z")


def read_bare(release: Release) -> Pack:
    """The personas of a folder of agent files. A file that is no agent (no name, no description) is passed over.

    Raises:
        InvalidFile: a name that cannot be used, or no agent at all.
    """
    personas: dict[str, Layer] = {}
    faults: list[Fault] = []
    below = "agents/" if any(path.startswith("agents/") and path.endswith(".md") for path in release.files) else ""
    for path, data in sorted(release.files.items()):
        name, slash, rest = path.rpartition("/")
        if not path.endswith(".md") or (name + slash) != below:
            continue
        file = f"{release.pack}/{path}"
        layer = read_agent(decode(data, file), file, rest[:-3])
        if layer is None:
            continue
        fault = persona_name_fault(layer.header["name"])
        if fault:
            faults.append(Fault(file, 0, "name", fault))
        personas[layer.header["name"]] = layer
    if not personas and not faults:
        faults.append(Fault(str(release.pack), 0, "", "holds no agent file with a name and a description"))
    if faults:
        raise InvalidFile(faults)
    header = {"name": release.pack, "version": str(release.version), "description": f"{len(personas)} agent files"}
    return Pack(release.pack, str(release.version), True, header, {}, personas, {})


def read_agent(text: str, file: str, stem: str) -> Layer | None:
    """One agent file as a persona; None when it has no front matter, name or description."""
    parts = split_front_matter(text)
    if parts is None:
        return None
    head, body, first_line = parts
    fields = _lenient_fields(head, file)
    name = fields.pop("name", None)
    description = fields.pop("description", None)
    if not isinstance(name, str) or not isinstance(description, str) or not description.strip():
        return None
    header: dict[str, Any] = {
        "name": name.strip(),
        "description": [{"text": description.replace("\\n", "\n").strip()}],
    }
    native: dict[str, Any] = {}
    for key, value in fields.items():
        if key == "model" and isinstance(value, str):
            header["model"] = value
        elif key == "color" and value in COLORS:
            header["color"] = value
        elif key in DECLARATION.settings:
            native[key] = value
    if native:
        header["clients"] = {"claude": native}
    return Layer(file, header, parse_sections(body, first_line=first_line))


def _lenient_fields(head: str, file: str) -> dict[str, Any]:
    try:
        data = read_yaml(head, file, first_line=2).data
        if isinstance(data, dict):
            return dict(data)
    except InvalidFile:
        pass
    fields: dict[str, Any] = {}
    key = None
    for line in head.split("\n"):
        match = _LINE.match(line.rstrip())
        if match is not None:
            key, value = match[1], match[2].strip()
            if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
                value = value[1:-1]
            fields[key] = value
        elif key is not None and line.strip():
            fields[key] = f"{fields[key]} {line.strip()}".strip()
    return fields
