"""What the lock of a scope wants, and whether it is up to date with the manifest."""

from typing import TYPE_CHECKING

from agentpack.errors import DecisionNeeded
from agentpack.model.lock import Lock, LockedFile, LockedPack
from agentpack.model.unmerged import MARKERS, unmerged_line
from agentpack.model.variables import root_of, variable_of
from agentpack.wanted.choose import pinned
from agentpack.wanted.lock_satisfies import mismatches
from agentpack.wanted.selection import Selection
from agentpack.wanted.wanted import Wanted
from agentpack.workspace.preconditions import require_lock
from agentpack.workspace.workspace import Workspace

if TYPE_CHECKING:
    from agentpack.policy.refusal import PackVerdict


def pinned_by_scope(workspace: Workspace, *, frozen: bool) -> Selection:
    """The releases pinned in the scope's lock.

    Args:
        frozen: accept a lock that is out of date.

    Raises:
        DecisionNeeded: there is no lock, or it is out of date.
    """
    return pinned(workspace, current_lock(workspace, frozen=frozen))


def evaluate_installed(workspace: Workspace) -> "tuple[PackVerdict, ...]":
    """The policy's verdict on each locked pack; empty if no policy has rules.

    Raises:
        PolicyUnreadable, InvalidFile: a policy cannot be read.
        AgentpackError: a locked release cannot be read any more.
    """
    if workspace.lock is None or not workspace.policies.may_refuse:
        return ()
    from agentpack.wanted.policy_check import evaluate  # only where there is a policy

    locked = pinned(workspace, workspace.lock)
    return tuple(evaluate(locked.candidates, locked.preview(skips=True)))


def current_lock(workspace: Workspace, *, frozen: bool = False) -> Lock:
    """The lock. Raises DecisionNeeded if it is missing, half merged or, unless `frozen`, out of date."""
    lock = require_lock(workspace)
    refuse_half_merged(workspace)
    reasons = [] if frozen else stale_reasons(workspace, lock)
    if reasons:
        raise DecisionNeeded(
            "agentpack.lock is out of date with agentpack.yaml",
            details=reasons,
            hint="`agentpack lock` brings the lock up to date",
        )
    return lock


def refuse_half_merged(workspace: Workspace) -> None:
    """Raise DecisionNeeded if the lock has two sides of a merge."""
    if workspace.documents.lock_sides:
        raise DecisionNeeded(
            "agentpack.lock has an unresolved merge", hint="`agentpack lock` merges the two sides into one lock"
        )


def stale_reasons(workspace: Workspace, lock: Lock) -> list[str]:
    """Why the lock does not match the manifest, local variants and declared clients; empty if it does."""
    reasons = []
    wanted = workspace.manifest.to_data()
    for key in sorted({*wanted, *lock.manifest}):
        if wanted.get(key) != lock.manifest.get(key):
            reasons.append(f"agentpack.yaml: `{key}` has changed since the lock was written")
    texts = {(text.persona, text.name): text for text in workspace.documents.local_texts}
    for pack in lock.packs:
        for variant in pack.local_variants:
            text = texts.get((variant.persona, variant.name))
            named = f"the local variant `{variant.name}` of {variant.persona}"
            if text is None:
                folder = workspace.scope.shown(workspace.scope.local_variants)
                reasons.append(f"{named} is gone: its file may never have been committed; restore {folder}")
            elif line := unmerged_line(text.data):
                reasons.append(f"{named} has {MARKERS} on line {line}")
            elif text.digest != variant.digest:
                reasons.append(f"{named} has changed since the lock was written")
    reasons += map(str, workspace.changed_declarations(lock))
    if not reasons:  # a manifest that moved on explains the rest
        reasons += mismatches(workspace.manifest, lock)
        if not workspace.documents.lock_is_recorded:  # else a command here made it, and the place may have moved on
            from agentpack.wanted.false_rows import false_rows

            reasons += false_rows(lock.packs, workspace.sources.open(workspace.manifest))
    return reasons


def _same_row(then: LockedFile, now: LockedFile) -> bool:
    """Whether a row of the lock equals the one that its release gives. Older locks have no capabilities to compare."""
    if then.capabilities is None:
        now = now._replace(capabilities=None)
    return then == now


def _is_older(lock: Lock, file: LockedFile) -> bool:
    """Whether the release that a row names is another one than is wanted now."""
    pin, wanted = lock.pin(file), lock.pack(file.pack)
    return pin is None or wanted is None or pin.made_of != wanted.made_of


def _told(pack: LockedPack) -> tuple[object, ...]:
    """The values of a locked pack to compare with a new reading. Why a file was left out is not compared."""
    return pack.variants, pack.requires, [(*row.content, bool(row.left_out)) for row in pack.agents or ()]


def check_rendering(workspace: Workspace, lock: Lock, wanted: Wanted) -> None:
    """Raise DecisionNeeded if the locked releases no longer give the locked rows. Files written from an older release,
    or not written yet, are not checked.
    """
    now = {file.path: file for file in wanted.lock.files}
    then = {file.path: file for file in lock.files if file.release is None}
    changed = sorted(path for path, row in then.items() if path not in now or not _same_row(row, now[path]))
    changed += sorted(
        file.path
        for file in lock.files
        if file.release is not None
        and file.path in now
        and not _is_older(lock, file)
        and not _same_row(file._replace(release=None), now[file.path])
    )
    if lock.written is None:
        changed = sorted({*changed, *(now.keys() - then.keys())})
    skipped = {row[:3] for row in wanted.lock.skipped} ^ {row[:3] for row in lock.skipped}
    changed += sorted(f"{persona} for {client} (skipped)" for client, _, persona in skipped)
    said = {pack.name: _told(pack) for pack in wanted.lock.packs}
    changed += sorted(pack.name for pack in lock.packs if said.get(pack.name) != _told(pack))
    if changed:
        why = "changed by hand, or by another version of agentpack: `agentpack lock` rewrites it"
        clients = {rows[path].client for path in changed for rows in (now, then) if path in rows}
        changed = changed[:20]
        if declared := [one for one in workspace.changed_declarations(lock) if one.client in clients]:
            changed += map(str, declared)
            why = "written before that: `agentpack lock` brings the lock up to date"
        elif declared := [one for one in workspace.unrecorded_declarations(lock) if one.client in clients]:
            changed += [f"`{one.path}` may have changed: the lock does not record its content" for one in declared]
        digests = {pack.name: pack.digest for pack in wanted.lock.packs}
        edited = [pack.name for pack in lock.packs if digests.get(pack.name) != pack.digest and pack.agents is None]
        if edited:  # only packs of the user's own get here with another digest
            why = f"written before {', '.join(edited)} was edited: `agentpack upgrade` installs the current text"
        if moving := sorted({variable_of(root_of(path)) for path in changed} - {""}):
            why = f"written with another setting of {', '.join(moving)}: set it as it was, or run `agentpack sync`"
        raise DecisionNeeded(
            "the locked releases do not match agentpack.lock",
            details=changed,
            hint=f"the lock was {why}",
        )
