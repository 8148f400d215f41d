"""pack check: check packs, agent files and local variants, and fix what needs no decision.

Releases in folders are checked against the rules for packs, agent files that are in no pack against what their client
reads, and local variants against the persona they are for.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agentpack.authoring import check, ordered
from agentpack.authoring.findings import ERROR, WARNING, CheckFinding
from agentpack.authoring.fixes import changelog, missing_ids
from agentpack.commands.pack.agent_files import AgentFinder, CheckedAgents
from agentpack.commands.pack.authored import (
    AuthoredRelease,
    PackFolder,
    open_pack,
    pack_folders,
    packs_in,
    previous_release,
)
from agentpack.commands.pack.files import put_files
from agentpack.commands.pack.local_variants import CheckedVariant, local_variants
from agentpack.compose.parse import NO_ID
from agentpack.errors import AgentpackError, InvalidFile, Refused
from agentpack.input.hidden_text import HiddenCharacter as Hidden
from agentpack.input.hidden_text import HiddenText
from agentpack.workspace.workspace import Workspace


class CheckedPack(NamedTuple):
    """One release and its findings."""

    folder: str
    release: str
    against: str | None
    """The previous release it was compared with."""
    findings: tuple[CheckFinding, ...]
    fixed: tuple[str, ...] = ()
    """Files that `--fix` changed, or with `--dry-run` would change."""


class CheckedPlaces(NamedTuple):
    """The releases, the agent files and the local variants in the places."""

    packs: tuple[CheckedPack, ...]
    agents: tuple[CheckedAgents, ...] = ()
    variants: tuple[CheckedVariant, ...] = ()


def pack_check(
    workspace: Workspace,
    places: Sequence[str],
    *,
    client: str = "claude",
    against: str | None = None,
    fix: bool = False,
    dry_run: bool = False,
) -> CheckedPlaces:
    """Check every release in the places, and the agent files of those without one.

    Args:
        client: the client of agent files whose folder and name do not decide.
        against: the folder of the release to compare with; by default the newest one before each in its folder of
            packs.
        fix: fix what does not affect meaning, then check again.
    """
    packs: dict[str, PackFolder] = {}
    agents: list[CheckedAgents] = []
    variants: list[CheckedVariant] = []
    finder = AgentFinder(workspace, client)
    for place in dict.fromkeys(places or ["."]):
        if local := local_variants(workspace, place):
            variants += local
            continue
        found = packs_in(workspace, place)
        for pack in found:
            packs.setdefault(pack.path, pack)
        if not found:
            checked = finder.check(place)
            agents.append(checked._replace(findings=ordered(checked.findings)))
    done = (_checked(workspace, pack, against, fix=fix, dry_run=dry_run) for pack in packs.values())
    return CheckedPlaces(tuple(done), tuple(agents), tuple(variants))


def _checked(workspace: Workspace, folder: PackFolder, against: str | None, *, fix: bool, dry_run: bool) -> CheckedPack:
    fixed: dict[str, bytes] = {}
    try:
        if fix:
            without = open_pack(workspace, folder, needs_ids=False)
            fixed |= missing_ids(without.pack, without.release.files)
            if fixed and not dry_run:
                put_files(folder.path, fixed)
        authored = open_pack(workspace, folder)
    except InvalidFile as error:
        return CheckedPack(folder.shown, "", None, tuple(_unreadable(error)), tuple(sorted(fixed)))
    except HiddenText as error:
        found = tuple(_hidden(folder, one) for one in error.findings)
        return CheckedPack(folder.shown, "", None, found)
    except Refused as error:
        message = "; ".join(error.lines)
        return CheckedPack(folder.shown, "", None, (CheckFinding(folder.shown, 0, "P101", message, error.hint),))
    earlier, faults = _earlier(authored, against)
    entry = changelog(authored.subject(earlier)) if fix else {}
    if entry and not dry_run:
        put_files(folder.path, entry)
        authored = open_pack(workspace, folder)
    found = ordered((*check(authored.subject(earlier)), *faults))
    label = None if earlier is None else earlier.pack.version
    return CheckedPack(folder.shown, authored.pack.release, label, found, tuple(sorted({*fixed, *entry})))


def _unreadable(error: InvalidFile) -> Iterator[CheckFinding]:
    for fault in error.faults:
        rule = "P202" if fault.message.startswith("duplicate id ") else "P101"
        rule = "P201" if fault.message.endswith(NO_ID) else rule
        key = f"{fault.key}: " if fault.key and rule == "P101" else ""
        hint = f"{fault.hint}; `--fix` does it" if rule == "P201" else fault.hint
        yield CheckFinding(fault.file, fault.line, rule, key + fault.message, hint)


def _hidden(folder: PackFolder, found: Hidden) -> CheckFinding:
    return CheckFinding(folder.shown_path(found.file), found.line, "P701", f"column {found.column}: {found.what}")


def _earlier(authored: AuthoredRelease, against: str | None) -> tuple[AuthoredRelease | None, tuple[CheckFinding, ...]]:
    try:
        if against is None:
            return previous_release(authored), ()
        (folder,) = pack_folders(authored.workspace, [against])[:1]
        return open_pack(authored.workspace, folder), ()
    except AgentpackError as error:
        if against is not None:
            raise
        message = f"the previous release cannot be read: {error.message}"
        return None, (CheckFinding(authored.folder.shown, 0, "P101", message, error.hint),)


def errors_in(checked: Sequence[CheckedPack | CheckedAgents | CheckedVariant], *, strict: bool = False) -> int:
    """The number of findings that count: errors, and with `strict` warnings; never notes."""
    counting = (ERROR, WARNING) if strict else (ERROR,)
    return sum(finding.weight in counting for one in checked for finding in one.findings)
