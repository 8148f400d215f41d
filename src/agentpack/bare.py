"""Bare packs: folders of agent files without a manifest, read as leniently as Claude Code reads them.

Claude Code takes a field's text as it stands when the header is no valid YAML, and turns the two characters `\\n` of
a description into a line break; both were seen in the client itself. The body is kept as it is, but for its line ends:
those of the file are put in when it is rendered.
"""

from agentpack.clients.claude import CLIENT
from agentpack.clients.reading import canonical, front_matter
from agentpack.compose.composing import Pack
from agentpack.compose.parse import Layer, parse_sections, refuse_many
from agentpack.errors import Fault, InvalidFile
from agentpack.input.documents import decode
from agentpack.model.names import persona_name_fault
from agentpack.model.pack import Release


def read_bare(release: Release) -> Pack:
    """The personas of a folder of agent files. A file that is no agent (no name, no description) is passed over.

    Raises:
        InvalidFile: a name that cannot be used, or no agent at all.
    """
    personas: dict[str, Layer] = {}
    faults: list[Fault] = []
    below = "agents/" if any(path.startswith("agents/") and path.endswith(".md") for path in release.files) else ""
    for path, data in sorted(release.files.items()):
        name, slash, _ = path.rpartition("/")
        if not path.endswith(".md") or (name + slash) != below:
            continue
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


def read_agent(text: str, file: str) -> Layer | None:
    """One agent file as a persona; None when it has no front matter, name or description."""
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
