"""What the lock wants, if it is what the manifest asks for."""

from agentpack.errors import DecisionNeeded
from agentpack.model.lock import Lock, LockedFile
from agentpack.model.manifest import Manifest
from agentpack.model.unmerged import MARKERS, unmerged_line
from agentpack.model.variables import root_of, variable_of
from agentpack.wanted.candidates import Library, as_locked
from agentpack.wanted.making import Made, make
from agentpack.wanted.obeying import obey
from agentpack.wanted.satisfying import unmet
from agentpack.workspace.required import require_lock
from agentpack.workspace.workspace import Workspace


def made_from_lock(workspace: Workspace, *, frozen: bool, obeying: bool = True) -> Made:
    """What the lock has, rendered again from the locked releases; with `obeying`, if the policy allows it.

    Raises:
        DecisionNeeded: there is no lock, or, unless `frozen`, it is not what the manifest asks for.
        PolicyRefused: a policy does not allow it.
    """
    lock = settled_lock(workspace, frozen=frozen)
    manifest = Manifest.from_data(lock.manifest)
    library = Library(workspace, manifest, lock.packs, every_age=True)
    made = make(library, manifest, as_locked(lock), lock.clients, fewer=lock.fewer)
    if obeying:
        obey(library, made)
    return made


def settled_lock(workspace: Workspace, *, frozen: bool = False) -> Lock:
    """The lock, one that is neither half merged nor, unless `frozen`, out of date. Raises DecisionNeeded."""
    lock = require_lock(workspace)
    if workspace.lock_sides:
        raise DecisionNeeded(
            "agentpack.lock is half merged", hint="`agentpack lock` merges the two sides into one lock"
        )
    reasons = [] if frozen else stale_reasons(workspace, lock)
    if reasons:
        raise DecisionNeeded(
            "agentpack.lock is not what agentpack.yaml asks for",
            details=reasons,
            hint="`agentpack lock` brings it up to date",
        )
    return lock


def stale_reasons(workspace: Workspace, lock: Lock) -> list[str]:
    """Why the lock is not what the manifest and the local variants ask for; empty when it is."""
    reasons = []
    wanted = workspace.manifest.to_data()
    for key in sorted({*wanted, *lock.manifest}):
        if wanted.get(key) != lock.manifest.get(key):
            reasons.append(f"agentpack.yaml: `{key}` was changed since")
    texts = {(text.persona, text.name): text.data for text in workspace.local_texts}
    found = {(text.persona, text.name): text.digest for text in workspace.local_texts}
    for pack in lock.packs:
        for variant in pack.local_variants:
            digest = found.get((variant.persona, variant.name))
            if digest is None:
                reasons.append(f"the local variant `{variant.name}` of {variant.persona} is gone")
            elif line := unmerged_line(texts.get((variant.persona, variant.name), b"")):
                reasons.append(f"the local variant `{variant.name}` of {variant.persona} has {MARKERS} on line {line}")
            elif digest != variant.digest:
                reasons.append(f"the local variant `{variant.name}` of {variant.persona} was changed since")
    if not reasons:  # a manifest that moved on explains the rest
        reasons += unmet(workspace.manifest, lock)
    return reasons


def check_rendering(workspace: Workspace, lock: Lock, made: Made) -> None:
    """Raise DecisionNeeded when the locked releases no longer give the locked text. Files that were written from an
    older release, or not yet, are none of its business.
    """
    now = {file.path: file for file in made.lock.files}
    then = {file.path: file for file in lock.files if file.release is None}
    changed = sorted(path for path, file in then.items() if path not in now or not _is_rendered(file, now[path]))
    if lock.written is None:
        changed = sorted({*changed, *(now.keys() - then.keys())})
    said = {pack.name: (pack.variants, pack.requires) for pack in made.lock.packs}
    changed += sorted(pack.name for pack in lock.packs if said.get(pack.name) != (pack.variants, pack.requires))
    if changed:
        why = "changed by hand, or by another version of agentpack: `agentpack lock` writes it anew"
        if moving := sorted({variable_of(root_of(path)) for path in changed} - {""}):
            why = f"written with another setting of {', '.join(moving)}: set it as it was, or run `agentpack sync`"
        raise DecisionNeeded(
            "the locked releases do not render to what agentpack.lock says",
            details=changed[:20],
            hint=f"the lock was {why}",
        )


def _is_rendered(row: LockedFile, now: LockedFile) -> bool:
    """Whether a row says what its release renders to. Older locks do not tell capabilities."""
    return row.sha256 == now.sha256 and row.capabilities in (None, now.capabilities)
