"""A client that a user declares in `.agentpack/clients/<name>.yaml`: checked data becomes an adapter like any other.

The data has been checked by `safety.schemas`. A declaration may come with a clone, so it may neither name a place
outside of the scope nor a place where other programs look for what to run.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from agentpack.errors import Fault, InvalidFile
from agentpack.model.fields import WORDS
from agentpack.targets.base import FORMATS, Choice, Client, Place, ToolWords

ENDINGS = (".md", ".mdc", ".txt", ".toml", ".yaml", ".yml", ".json")
_FORBIDDEN = (".git", ".hg", ".jj", ".svn", ".agentpack", "node_modules")
_PLAIN = (
    "format name description model provider models readonly limits unlimited fixed settings body live "
    "long_description shortest_body longest_body"
).split()


def declared_target(name: str, data: Mapping[str, Any], file: str) -> Client:
    """The adapter that a checked declaration stands for.

    Raises:
        InvalidFile: a folder or file name that must not be written to.
    """
    faults = list(_faults(data, file))
    if faults:
        raise InvalidFile(faults)
    user = data.get("user")
    place = None if user is None else Place(user["folder"])
    folders = [folder for folder in (data.get("project"), user and user["folder"]) if folder]
    return Client(
        name=name,
        title=data.get("title", name),
        project=data.get("project"),
        user=place,
        file=data.get("file", "{name}.md"),
        version=data.get("version", "not told"),
        checked=data.get("checked", "not told"),
        verified_by="declared",
        reads=data.get("reads", f"declared in {file}"),
        markers=tuple(data.get("markers", [folder.split("/")[0] for folder in folders])),
        reserved=frozenset(data.get("reserved", ())),
        **_format(data),
    )


def _format(data: Mapping[str, Any]) -> dict[str, Any]:
    """What the declaration says of an agent's file, in the words of `Client`."""
    given: dict[str, Any] = {key: data[key] for key in _PLAIN if key in data}
    for key in ("name", "description", "model"):
        if given.get(key) is False:
            given[key] = None
    for key in ("models", "limits", "live"):
        if key in given:
            given[key] = tuple(given[key])
    if tools := data.get("tools"):
        names = {tool: tuple(natives) for tool, natives in tools["names"].items()}
        given["tools"] = ToolWords(key=tools["key"], style=tools["style"], names=names)
    given["choices"] = {name: Choice(data[name], data.get(f"{name}s", {})) for name in WORDS if data.get(name)}
    given.setdefault("model", None)
    if "name" in given:
        given["name_key"] = given.pop("name")
    return given


def _faults(data: Mapping[str, Any], file: str) -> Iterator[Fault]:
    leaf = data.get("file", "{name}.md")
    if "{name}" not in leaf:
        yield Fault(file, 0, "file", "must hold `{name}`, which stands for the persona's name")
    if not leaf.endswith(ENDINGS):
        yield Fault(file, 0, "file", f"must end with one of {', '.join(ENDINGS)}")
    places = {"project": data.get("project"), "user.folder": (data.get("user") or {}).get("folder")}
    for key, folder in {**places, "file": leaf}.items():
        if folder is not None and (why := _unsafe(folder)) is not None:
            yield Fault(file, 0, key, why)
    if places["project"] is None and places["user.folder"] is None:
        yield Fault(file, 0, "", "names neither `project` nor `user`: agents would have no folder")
    form = data.get("format", "markdown")
    if form in ("toml", "json", "yaml") and not data.get("body"):
        yield Fault(file, 0, "body", f"a {form} file needs the key of the body")


def _unsafe(path: str) -> str | None:
    parts = path.split("/")
    if path.startswith(("/", "~", "$")) or "\\" in path or any(part in ("", ".", "..") for part in parts):
        return f"`{path}` is not a plain path below the scope's root"
    if any(part.lower() in _FORBIDDEN for part in parts) or any(mark in path for mark in ("#", "\0", ":")):
        return f"`{path}` is a place that agentpack does not write to"
    return None


__all__ = ["FORMATS", "declared_target"]
