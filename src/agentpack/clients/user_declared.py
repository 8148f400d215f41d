"""Clients that a user declares in `.agentpack/clients/<name>.yaml`: checked data becomes a `Client` like any other.

The data was checked by `input/schemas/`. A declaration may come with a clone, and any file in its folder then counts as
agentpack's own. So it may name neither a place outside of the scope nor one where other programs look for settings or
things to run. There are too many of those to list: a hidden folder, and a data file, need a folder that is named after
agents.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from agentpack.clients import CLIENTS, MODULES
from agentpack.clients.base import DECLARED, Choice, Client, ToolWords, UserFolder
from agentpack.errors import Fault, InvalidFile
from agentpack.model.fields import WORDS
from agentpack.model.names import is_reserved

ENDINGS = (".md", ".mdc", ".txt", ".toml", ".yaml", ".yml", ".json")
DATA = (".toml", ".yaml", ".yml", ".json")
"""Suffixes of files that other programs read as settings."""
_OF_OTHERS = (".agentpack", "node_modules")
_FOR_AGENTS = re.compile(r"\.?(.+[-_.])?(sub-?)?(agent|assistant|droid|mode|persona|role)s?", re.IGNORECASE)
_PLAIN = (
    "format name description model provider models readonly limits unlimited fixed settings body live "
    "long_description shortest_body longest_body"
).split()


def declared_client(name: str, data: Mapping[str, Any], file: str) -> Client:
    """The client in a checked declaration.

    Raises:
        InvalidFile: a folder or file name that must not be written.
    """
    faults = list(_faults(data, file))
    if faults:
        raise InvalidFile(faults)
    user = data.get("user")
    place = None if user is None else UserFolder(user["folder"])
    folders = [folder for folder in (data.get("project"), user and user["folder"]) if folder]
    return Client(
        name=name,
        title=data.get("title", name),
        project=data.get("project"),
        user=place,
        file=data.get("file", "{name}.md"),
        version=data.get("version", "not told"),
        checked=data.get("checked", "not told"),
        verified_by=DECLARED,
        reads=data.get("reads", f"declared in {file}"),
        markers=tuple(data.get("markers", [folder.split("/")[0] for folder in folders])),
        reserved=frozenset(data.get("reserved", ())),
        **_format(data),
    )


def clients_sharing_folders(declared: Client) -> Iterator[Client]:
    """The built-in clients that look for agents where a declared client has its files, as their own or besides."""
    for client in (CLIENTS[name] for name in MODULES if CLIENTS[name].shared is None):
        for scope in ("project", "user"):
            place = declared.path("", scope, {})
            # a folder that differs by case alone is the same one on some systems
            folders = (f"{folder}/".casefold() for folder in client.folders(scope, {}))
            if place and place.casefold().startswith(tuple(folders)):
                yield client
                break


def _format(data: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Client` for the format of agent files that a declaration describes."""
    given: dict[str, Any] = {key: data[key] for key in _PLAIN if key in data}
    for key in ("name", "description", "model"):
        if given.get(key) is False:
            given[key] = None
    for key in ("models", "limits", "live"):
        if key in given:
            given[key] = tuple(given[key])
    if tools := data.get("tools"):
        names = {tool: tuple(natives) for tool, natives in tools["names"].items()}
        deny = tools.get("deny") or ""
        given["tools"] = ToolWords(key=tools["key"], style=tools["style"], names=names, deny=deny)
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
    for key in ("project", "user.folder"):
        if (folder := places[key]) is not None and _unsafe(folder) is None:
            yield from _not_for_agents(file, key, folder, leaf)
    if places["project"] is None and places["user.folder"] is None:
        yield Fault(file, 0, "", "names neither `project` nor `user`: agents would have no folder")
    form = data.get("format", "markdown")
    if form in ("toml", "json", "yaml") and not data.get("body"):
        yield Fault(file, 0, "body", f"a {form} file needs the key of the body")


def _unsafe(path: str) -> str | None:
    parts = path.split("/")
    if path.startswith(("/", "~", "$")) or "\\" in path or any(part in ("", ".", "..") for part in parts):
        return f"`{path}` is not a plain path below the scope's root"
    is_others = any(part.lower() in _OF_OTHERS or is_reserved(part) for part in parts)
    if is_others or any(mark in path for mark in ("#", "\0", ":")):
        return f"`{path}` is a place that agentpack does not write to"
    return None


def is_for_agents(folder: str) -> bool:
    """Whether a folder is named after agents, and so contains nothing else."""
    return _FOR_AGENTS.fullmatch(folder.rpartition("/")[2]) is not None


def _not_for_agents(file: str, key: str, folder: str, leaf: str) -> Iterator[Fault]:
    above, slash, _ = leaf.partition("{name}")[0].rpartition("/")
    folder = f"{folder}{'/' if slash else ''}{above}"
    is_hidden = any(part.startswith(".") for part in folder.split("/"))
    if "{" in folder:
        yield Fault(file, 0, key, f"`{folder}` is not a plain path: `{{name}}` belongs into `file`")
    elif (key == "project" or is_hidden or leaf.endswith(DATA)) and not is_for_agents(folder):
        why = f"others may keep files there; use one such as `{folder}/agents`"
        yield Fault(file, 0, key, f"`{folder}` is not a folder for agents: {why}")
    if any(part.startswith(".") for part in leaf[len(above) :].split("/")):
        yield Fault(file, 0, "file", f"`{leaf}` leads to a hidden file or folder, where other programs keep settings")
