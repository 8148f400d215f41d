"""Whether installed files, records, lock and sources agree; for `audit`.

Decides which disagreement a user causes normally (an edit, a lock from version control: a note or a warning) and which
nobody should cause: damaged contents, a changed release, a lock whose digests match neither the record nor the locked
releases. Those are `BROKEN`.
"""

from collections.abc import Iterator, Mapping

from agentpack.audit.rules import AuditFinding, whole
from agentpack.errors import AgentpackError, Refused, Unavailable
from agentpack.model.changes import file_state
from agentpack.model.lock import LockedPack
from agentpack.model.names import Digest
from agentpack.model.unmerged import HINT, MARKERS, unmerged_line
from agentpack.wanted.candidates import candidates_to_view
from agentpack.workspace.workspace import Workspace

BROKEN = frozenset(("AP204", "AP205", "AP206"))
"""Rules whose findings make the command exit with 5."""


def integrity(workspace: Workspace) -> Iterator[AuditFinding]:
    """Compare installed files, store and lock with the record. Changes nothing."""
    yield from _files(workspace)
    yield from _lock(workspace)
    yield from _store(workspace)


def _files(workspace: Workspace) -> Iterator[AuditFinding]:
    observed = workspace.states.observe(set(workspace.states.recorded))
    for path, file in sorted(workspace.states.recorded.items()):
        here = observed.get(path)
        place = workspace.scope.shown(path)
        state = file_state(file.rendered, None, here)
        if here is None:
            yield whole(place, "AP202", "it was installed and is missing; `agentpack sync` restores it", key=path)
        elif state == "blocked":
            yield whole(place, "AP202", f"it was installed, and now {here.blocked}", key=path)
        elif state == "edited":
            text = str(here.digest)
            yield whole(place, "AP201", "it was edited by hand; `agentpack diff` shows how", key=path, text=text)
            if line := unmerged_line(workspace.states.contents(path)):
                yield whole(place, "AP208", f"{MARKERS}; {HINT}", key=path)._replace(line=line, column=1)


def _lock(workspace: Workspace) -> Iterator[AuditFinding]:
    current, scope = workspace.documents.current, workspace.scope
    name = workspace.scope.shown(scope.lock)
    written = {document.path: document.written for document in current.documents} if current else {}
    if workspace.documents.lock_bytes is None:
        if scope.lock in written:
            yield whole(name, "AP203", "it is missing; `agentpack lock` writes it again", key=scope.lock)
        return
    lock = workspace.lock
    if workspace.documents.lock_sides:
        yield whole(name, "AP203", "it has an unresolved merge; `agentpack lock` merges the two sides", key=scope.lock)
        return
    if lock is not None:
        from agentpack.wanted.from_lock import stale_reasons  # brings the resolver along

        for reason in stale_reasons(workspace, lock):
            yield whole(name, "AP203", f"{reason}; `agentpack sync` brings it up to date", key=scope.lock, text=reason)
    if current is None or lock is None or not workspace.documents.lock_is_recorded:
        return
    recorded = {file.path: file.rendered for file in current.files}
    differing = {
        file.path: file.sha256
        for file in lock.files
        if recorded.get(file.path, f"sha256:{file.sha256}") != f"sha256:{file.sha256}"
    }
    if differing:
        yield from _disagreement(workspace, name, differing)


def _disagreement(workspace: Workspace, name: str, differing: Mapping[str, str]) -> Iterator[AuditFinding]:
    """Findings for a lock that differs from the record. If the locked releases render to what the lock says, as in a
    lock an older agentpack made before it wrote the files, nothing was tampered with.
    """
    from agentpack.wanted.from_lock import pinned_by_scope  # renders, which a sound scope does not need

    try:
        made = {file.path: file.sha256 for file in pinned_by_scope(workspace, frozen=True).enforced().lock.files}
    except AgentpackError as error:
        yield whole(
            name, "AP203", f"it differs from the installed files, and the releases cannot be read: {error.message}"
        )
        return
    for path, locked in sorted(differing.items()):
        place = workspace.scope.shown(path)
        if made.get(path) == locked:
            yield whole(place, "AP203", "it is not up to date with the lock; `agentpack sync` writes it", key=path)
        else:
            yield whole(place, "AP204", "the lock, the record and the locked releases have different digests", key=path)


def _store(workspace: Workspace) -> Iterator[AuditFinding]:
    blobs, checked = workspace.store.blobs, set[Digest]()
    for file in workspace.documents.current.files if workspace.documents.current else ():
        for digest in (file.rendered, file.written):
            if digest in checked:
                continue
            checked.add(digest)
            place = workspace.scope.shown(file.path)
            try:
                if blobs.has(digest):
                    blobs.get(digest)
            except Unavailable as error:
                yield whole(place, "AP207", f"its content in the store cannot be read: {error.message}", key=file.path)
            except Refused as error:
                message = f"its content in the store was changed: {error.message}"
                yield whole(place, "AP205", message, key=file.path)


def locked_releases(
    workspace: Workspace,
) -> Iterator[tuple[LockedPack, Mapping[str, bytes] | None, tuple[AuditFinding, ...]]]:
    """Each locked pack with the files of its release; None, with a finding, if they are unavailable or differ from the
    lock.
    """
    lock = workspace.lock
    if lock is None:
        return
    candidates = candidates_to_view(workspace, workspace.manifest, lock)
    for pack in lock.packs:
        label = f"{pack.name}-{pack.version}"
        try:
            refs = candidates.releases(pack.name)
            ref = next((r for r in refs if str(r.version) == pack.version and r.source == pack.source), None)
            if ref is None:
                known = candidates.sources.source(pack.source) is not None
                lacks = f"does not have {pack.version} of it" if known else "is not configured"
                message = f"the source `{pack.source}` {lacks}"
                yield pack, None, (whole(label, "AP207", message, key=pack.name),)
                continue
            yield pack, candidates.fetched(ref).files, ()
        except Refused as error:
            message = "; ".join(error.lines)
            yield pack, None, (whole(label, "AP206", message, key=pack.name),)
        except AgentpackError as error:
            yield pack, None, (whole(label, "AP207", error.message, key=pack.name),)
