"""pack new: create the scaffold of a pack in its own folder."""

from collections.abc import Mapping
from os import listdir
from os.path import isdir, lexists, normpath
from os.path import join as under
from typing import NamedTuple

from agentpack.authoring.scaffold import new_pack
from agentpack.commands.pack.files import put_files
from agentpack.environment import Environment
from agentpack.errors import DecisionNeeded, UsageError
from agentpack.model.names import pack_name, persona_name_fault


class CreatedPack(NamedTuple):
    """A pack that was created, or with `dry_run` would be: its folder as the user wrote it, and its files."""

    folder: str
    files: Mapping[str, bytes]


def pack_new(
    environment: Environment,
    name: str,
    *,
    folder: str | None = None,
    persona: str | None = None,
    description: str | None = None,
    author: str | None = None,
    dry_run: bool = False,
) -> CreatedPack:
    """Create a pack in a folder that does not exist yet or is empty, but for `.git`.

    Args:
        folder: by default `<name>` in the current folder.
        persona: the persona's name; by default the pack's.

    Raises:
        UsageError: a name is not valid.
        DecisionNeeded: the folder is not empty; nothing in it is changed.
    """
    normal = pack_name(name)
    if normal != name:
        raise UsageError(f"`{name}` is not a normalized pack name", hint=f"write `{normal}`")
    called = persona or normal
    if fault := persona_name_fault(called):
        raise UsageError(fault, hint="give the persona another name with `--persona NAME`")
    texts = {"description": description or f"Does what `{called}` is for.", "author": author or "The authors"}
    for option, text in texts.items():
        if "\n" in text or not text.strip() or len(text) > 500:
            raise UsageError(f"`--{option}` takes one line of at most 500 characters")
    shown = folder or normal
    path = normpath(under(environment.cwd, shown))
    if lexists(path) and (not isdir(path) or {*listdir(path)} - {".git"}):
        raise DecisionNeeded(
            f"`{shown}` already exists", hint="give an empty or new folder: `agentpack pack new NAME DIR`"
        )
    files = new_pack(normal, persona=called, description=texts["description"], author=texts["author"])
    if not dry_run:
        put_files(path, files)
    return CreatedPack(shown, files)
