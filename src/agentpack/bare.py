"""Bare packs: folders of agent files without a manifest, read as leniently as Claude Code reads them.

If the header is not valid YAML, Claude Code takes each field's text literally, and it turns the two characters `\n` in
a description into a line break; both were observed in the client. The body is kept apart from its line ends, which
rendering restores.
"""

from agentpack.clients.claude import CLIENT
from agentpack.clients.read_back import canonical, front_matter
from agentpack.compose.compose import Pack
from agentpack.compose.parse import Layer, parse_sections, refuse_many
from agentpack.errors import AgentpackError, Fault, InvalidFile
from agentpack.input.documents import decode
from agentpack.model.names import persona_name_fault
from agentpack.model.pack import Release


def read_bare(release: Release) -> Pack:
    """The personas in a folder of agent files. Files that are not agents (no name, no description) are skipped.

    Raises:
        InvalidFile: a name is not valid, or there are no agents.
    """
    personas: dict[str, Layer] = {}
    faults: list[Fault] = []
    for path, data in sorted(release.files.items()):
        file = f"{release.pack}/{path}"
        layer = read_agent(decode(data, file), file)
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
    header = {
        "name": release.pack,
        "version": str(release.version),
        "description": f"{len(personas)} agent file{'' if len(personas) == 1 else 's'}",
    }
    return Pack(release.pack, str(release.version), True, header, {}, personas, {})


def name_in(path: str, data: bytes) -> str | None:
    """The name that an agent file gives its agent; None if it gives none."""
    return about_agent(path, data)[0]


def about_agent(path: str, data: bytes) -> tuple[str | None, str]:
    """The name and the description that an agent file gives its agent; None and empty where it gives none."""
    try:
        layer = read_agent(decode(data, path), path)
    except AgentpackError:
        return None, ""
    if layer is None:
        return None, ""
    return str(layer.header["name"]), " ".join(str(part["text"]) for part in layer.header["description"])


def read_agent(text: str, file: str) -> Layer | None:
    """The persona in an agent file; None if it lacks front matter, a name or a description."""
    front = front_matter(CLIENT, text, file)
    if front is None:
        return None
    header, _ = canonical(CLIENT, front.fields)
    if "name" not in header or not header.get("description"):
        return None
    header["description"] = [{"text": header["description"]}]
    sections = parse_sections(front.body, first_line=front.first_line)
    refuse_many(sections, file)
    return Layer(file, header, sections)
