"""A release that a user names, as if it were asked for by itself. Nothing is written."""

from collections.abc import Mapping, Sequence

from agentpack.changes.clients import settle
from agentpack.model.manifest import ManifestEntry
from agentpack.model.requirement import Requirement, parse_requirement
from agentpack.wanted.candidates import Candidates, to_look_at
from agentpack.wanted.choose import choose
from agentpack.wanted.selection import Selection
from agentpack.wanted.settings import read_settings
from agentpack.workspace.required import refuse_address
from agentpack.workspace.workspace import Workspace


def ask(workspace: Workspace, text: str, settings: Sequence[str] = ()) -> Selection:
    """The requirement resolved by itself, with what the lock has for other packs.

    Raises:
        Unresolvable: no source has such a pack or release.
    """
    requirement = parse_requirement(text)
    refuse_address(requirement)
    candidates = to_look_at(workspace, workspace.manifest, workspace.lock)
    values = read_settings(candidates, requirement, settings) if settings else {}
    return resolved(candidates, requirement, values)


def resolved(candidates: Candidates, requirement: Requirement, values: Mapping[str, str | int | bool]) -> Selection:
    """The requirement resolved by itself, with these values for its parameters."""
    entry = ManifestEntry(requirement, str(requirement), parameters=values)
    manifest = candidates.workspace.manifest._replace(clients=None, packs=(entry,))
    return choose(candidates, manifest, newest=(requirement.pack,))


def clients_for(asked: Selection, clients: Sequence[str]) -> tuple[str, ...]:
    """The clients named, else those that `install` would choose. Raises UsageError for an unknown one."""
    for client in clients:
        asked.workspace.clients.named(client)
    named = tuple(dict.fromkeys(clients)) or asked.workspace.manifest.clients
    return named or settle(asked).clients
