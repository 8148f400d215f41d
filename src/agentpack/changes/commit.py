"""Decided -> done: the transaction that writes a change, and the generation that records it."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from agentpack.apply import transact
from agentpack.changes.documents import merge_notes
from agentpack.changes.outcome import DocumentChange, Outcome, PackChange
from agentpack.changes.request import Wish
from agentpack.changes.snapshot import documents_of, pins_of, snapshot_to_follow
from agentpack.changes.widening import MayChange, refuse_widening
from agentpack.errors import Refused
from agentpack.model.changes import WRITES, Action, Change, Plan
from agentpack.model.history import Document, Generation, InstalledFile
from agentpack.model.line_ends import as_lf
from agentpack.model.names import Digest, digest_of
from agentpack.wanted.making import Made
from agentpack.workspace.locations import Placed, is_entry, split_place
from agentpack.workspace.workspace import Workspace


def commit(workspace: Workspace, outcome: Outcome, wish: Wish) -> Generation:
    workspace.alone()
    snapshot = snapshot_to_follow(workspace)
    current = workspace.current

    def generation(modes: Mapping[str, int]) -> Generation:
        return Generation(
            number=(current.number if current else 0) + 1,
            parent=current.number if current else 0,
            time=workspace.environment.now(),
            command=outcome.command,
            pins=pins_of(wish.made.lock if wish.made else None),
            files=tuple(_installed(outcome.plan, workspace.recorded, modes)),
            documents=tuple(_documents(workspace, outcome, modes)),
            folders=current.folders if current else (),
            replaced=(*_taken_over(outcome.plan, workspace.recorded), *_there_before(workspace, outcome)),
            elsewhere=outcome.plan.elsewhere,
        )

    done = transact(
        workspace.disk,
        workspace.store,
        steps=workspace.places.steps(_placed(outcome, _modes_left(workspace, outcome.plan))),
        generation=generation,
        blobs=_blobs(workspace, outcome),
        snapshot=snapshot,
        managed=workspace.managed,
    )
    workspace.read_again()
    return done


def write_documents(
    workspace: Workspace,
    command: str,
    documents: tuple[DocumentChange, ...],
    packs: tuple[PackChange, ...],
    made: Made,
    capabilities: tuple[MayChange, ...],
    *,
    dry_run: bool,
    stops: bool = True,
) -> Outcome:
    """Change manifest or lock as one transaction, and no agent file.

    Raises:
        DecisionNeeded: with `stops`, a release may do more than the locked one and nobody accepted it.
    """
    if stops:
        refuse_widening(capabilities)
    outcome = Outcome(
        command=command,
        scope=workspace.scope.kind,
        root=workspace.scope.root,
        plan=Plan(changes=()),
        documents=documents,
        packs=packs,
        notes=(*made.notes(made.files if documents else None), *merge_notes(workspace, made.lock)),
        dry_run=dry_run,
        capabilities=capabilities,
        skipped=made.skipped,
    )
    if dry_run or not documents:
        return outcome
    workspace.alone()
    snapshot = snapshot_to_follow(workspace)
    current = workspace.current

    def generation(modes: Mapping[str, int]) -> Generation:
        return Generation(
            number=(current.number if current else 0) + 1,
            parent=current.number if current else 0,
            time=workspace.environment.now(),
            command=command,
            pins=pins_of(made.lock),
            files=current.files if current else (),
            documents=tuple(_documents(workspace, outcome, modes)),
            folders=current.folders if current else (),
            replaced=tuple(_there_before(workspace, outcome)),
            elsewhere=workspace.elsewhere,
        )

    steps = list(workspace.places.steps(_placed(outcome, {})))
    blobs = _blobs(workspace, outcome)
    done = transact(
        workspace.disk,
        workspace.store,
        steps=steps,
        generation=generation,
        blobs=blobs,
        snapshot=snapshot,
        managed=workspace.managed,
    )
    workspace.read_again()
    return replace(outcome, generation=done.number)


def _modes_left(workspace: Workspace, planned: Plan) -> Mapping[str, int]:
    """The permissions that deleted files had, by path: of the newest generation that has the file. The last one may be
    without it, and the lock keeps no permissions.
    """
    wanted = {change.path for change in planned.changes if change.action is Action.RESTORE}
    generations, modes = workspace.store.generations, dict[str, int]()
    try:
        for number in reversed(generations.numbers() if wanted else ()):
            files = generations.read(number).files
            modes = {file.path: file.mode for file in files if file.path in wanted and file.mode} | modes
            if wanted == modes.keys():
                break
    except Refused:
        pass  # what is not known is left to the umask, as for a new file
    return modes


def _placed(outcome: Outcome, modes: Mapping[str, int]) -> Iterator[Placed]:
    """The places of an outcome. `modes` are the permissions of files that are written where nothing is."""
    for change in outcome.plan.changes:
        if change.same_as:
            continue
        if change.action in WRITES:
            yield Placed(change.path, change.observed, change.content, modes.get(change.path))
        elif change.action is Action.DELETE:
            yield Placed(change.path, change.observed, None)
    for document in outcome.documents:
        before = None if document.before is None else digest_of(document.before)
        yield Placed(document.path, before, document.after)


def _blobs(workspace: Workspace, outcome: Outcome) -> Iterator[bytes]:
    """The texts to keep beside those that are written: the pristine one of a merged file, and what was there."""
    blobs = workspace.store.blobs
    for change in outcome.plan.changes:
        if change.rendered is None or change.theirs is None or change.action is Action.CONFLICT:
            continue
        pristine = as_lf(change.theirs)  # what has the digest `rendered`
        if pristine is not change.content and not blobs.has(change.rendered):
            yield pristine
        if is_entry(change.path):
            yield from _entry_blobs(workspace, change)
        if change.content is None and change.observed not in (None, change.rendered):
            assert change.observed is not None
            if not blobs.has(change.observed):
                yield workspace.contents(change.path)
    changed = {document.path for document in outcome.documents}
    for path, data in documents_of(workspace):
        if path not in changed:
            yield data


def _entry_blobs(workspace: Workspace, change: Change) -> Iterator[bytes]:
    """The entry's own texts: the transaction knows the whole file only."""
    if change.content is not None:
        yield change.content
    if change.observed is not None:
        yield workspace.contents(change.path)


def _taken_over(planned: Plan, recorded: Mapping[str, InstalledFile]) -> Iterator[tuple[str, Digest, int]]:
    """Files that were there before they were ours and stay as they are: a rollback leaves them there."""
    for change in planned.changes:
        stays = change.action in (Action.ADOPT, Action.TAKE)
        entry = is_entry(change.path) and change.action is Action.DISCARD
        if (stays or entry) and change.path not in recorded and change.observed is not None:
            yield change.path, change.observed, change.mode or 0


def _there_before(workspace: Workspace, outcome: Outcome) -> Iterator[tuple[str, Digest, int]]:
    """A manifest that people wrote before the first generation, which leaves it as it is: a rollback does too."""
    changed = {document.path for document in outcome.documents}
    for path, data in documents_of(workspace) if workspace.current is None else ():
        seen = workspace.disk.look(path)
        if path not in changed and seen is not None:
            yield path, digest_of(data), seen.mode


def _installed(
    planned: Plan, recorded: Mapping[str, InstalledFile], modes: Mapping[str, int]
) -> Iterator[InstalledFile]:
    for change in planned.changes:
        old = recorded.get(change.path)
        if change.action is Action.CONFLICT:
            if old is not None:
                yield old
        elif change.rendered is not None and change.written is not None:
            mode = modes.get(split_place(change.same_as or change.path)[0], change.mode or 0)
            names = (change.client, change.pack, change.persona)
            yield InstalledFile(change.path, *names, change.rendered, change.written, mode)


def _documents(workspace: Workspace, outcome: Outcome, modes: Mapping[str, int]) -> Iterator[Document]:
    changed = {document.path: document for document in outcome.documents}
    there = dict(documents_of(workspace))
    for path in dict.fromkeys((workspace.scope.manifest, workspace.scope.lock, *there, *changed)):
        if path in changed:
            after = changed[path].after
            if after is not None:
                yield Document(path, digest_of(after), modes[path])
        elif path in there:
            seen = workspace.disk.look(path)
            yield Document(path, digest_of(there[path]), seen.mode if seen else 0)
