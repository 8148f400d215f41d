"""Check the local variants named for `pack check`, each with the installed persona that it changes."""

import os
from collections.abc import Iterator
from typing import NamedTuple

from agentpack.authoring.findings import CheckFinding
from agentpack.compose.compose import Pack
from agentpack.errors import AgentpackError, InvalidFile, UsageError
from agentpack.wanted.assemble import PersonaAssembler
from agentpack.wanted.choose import pinned
from agentpack.workspace.documents import LocalText
from agentpack.workspace.workspace import Workspace


class CheckedVariant(NamedTuple):
    """One local variant and its findings."""

    file: str
    persona: str
    findings: tuple[CheckFinding, ...]


def local_variants(workspace: Workspace, place: str) -> tuple[CheckedVariant, ...]:
    """Check the local variant in a file, or those in a folder; empty for a place outside of the folder for them.

    Raises:
        UsageError: the persona of one is not installed.
    """
    scope, cwd = workspace.scope, workspace.environment.cwd
    path = os.path.normpath(os.path.join(cwd, place))
    if not f"{path}/".startswith(f"{scope.absolute(scope.local_variants)}/"):
        return ()
    found = []
    for text in workspace.documents.local_texts:
        file = scope.absolute(text.path)
        if f"{file}/".startswith(f"{path}/"):
            shown = os.path.normpath(place) if file == path else os.path.relpath(file, cwd)
            found.append(CheckedVariant(shown, text.persona, tuple(_findings(workspace, text, shown))))
    return tuple(found)


def _findings(workspace: Workspace, text: LocalText, shown: str) -> Iterator[CheckFinding]:
    assembler, pack = _installed(workspace, text, shown)
    try:
        assembler.with_local_variant(pack, text.persona, text.name)
    except InvalidFile as error:
        for fault in error.faults:
            file = shown if fault.file == text.path else fault.file
            key = f"{fault.key}: " if fault.key else ""
            yield CheckFinding(file, fault.line, "P101", key + fault.message, fault.hint)
    except AgentpackError as error:
        yield CheckFinding(shown, 0, "P101", "; ".join(error.lines), error.hint)


def _installed(workspace: Workspace, text: LocalText, shown: str) -> tuple[PersonaAssembler, Pack]:
    """The pack that has the persona, and what composes it."""
    if (lock := workspace.documents.readable_lock) is not None:
        chosen = pinned(workspace, lock, workspace.manifest)
        for pin in chosen.pins:
            pack = chosen.candidates.read(pin.pack, pin.version)[1]
            if text.persona in pack.personas:
                return chosen.assembler, pack
    raise UsageError(
        f"`{shown}` is a variant of `{text.persona}`, which is not installed here",
        hint=f'to check it, install it with the pack of `{text.persona}`: `agentpack install "PACK[{text.name}]"`',
    )
