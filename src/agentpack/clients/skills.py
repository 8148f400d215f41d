"""Folders of Agent Skills: `<name>/SKILL.md`, read on demand by the clients of that folder.

A skills folder is a `Client` without agents of its own, so that a skill is planned, merged, edited and rolled back like
an agent file. Nobody can ask for it: which folder a client's agents read, if any, is `Client.skills`. Which clients
read which folder was tried with the clients themselves; `tests/judged/` asks three of them again.
"""

from collections.abc import Mapping

from agentpack.clients.base import Client, UserFolder
from agentpack.clients.capability_meanings import CapabilityMeanings


def _folder(name: str, title: str, project: str, user: UserFolder) -> Client:
    return Client(
        name=name,
        title=title,
        project=project,
        user=user,
        file="{name}/SKILL.md",
        version="",
        checked="2026-11-29",
        verified_by="judge",
        reads="`NAME/SKILL.md`",
        header="strict",
        model=None,
        # Claude Code runs commands that stand in a skill so when it is loaded, whatever the agent may use
        live=("!command", "$ARGUMENTS", "${word}"),
        # a skill has no tools of its own: whoever loads it uses theirs
        powers=CapabilityMeanings(
            settings={"description": "is:skills", "allowed-tools": "value"}, only_named=True, complete=True
        ),
    )


FOLDERS: Mapping[str, Client] = {
    folder.name: folder
    for folder in (
        _folder("skills", "Agent Skills", ".agents/skills", UserFolder(".agents/skills")),
        _folder(
            "claude-skills",
            "Claude Code's skills",
            ".claude/skills",
            UserFolder(".claude/skills", "CLAUDE_CONFIG_DIR", "skills"),
        ),
        _folder("roo-skills", "Roo Code's skills", ".roo/skills", UserFolder(".roo/skills")),
    )
}
"""Every skills folder by the name that the lock has for it."""
